/**
 * The notification that R2 puts on the queue `peach-r2-events`, word for word, and what follows from it: whether it is a
 * creation or a deletion, the key of the object version, the payload of the tasks it triggers.
 */
import { z } from "zod";
import type { R2Action } from "../domain/plan/plan.ts";
import { objectVersionKey, type TriggerKey } from "../domain/trigger-key.ts";

/** R2's words for what happened, and what peach.conf calls them. */
const ACTION_OF = {
  PutObject: "create",
  CopyObject: "create",
  CompleteMultipartUpload: "create",
  DeleteObject: "delete",
  LifecycleDeletion: "delete",
} as const satisfies Record<string, R2Action>;

/** Its shape. */
export const R2_NOTIFICATION = z.object({
  account: z.string(),
  action: z.enum([
    "PutObject",
    "CopyObject",
    "CompleteMultipartUpload",
    "DeleteObject",
    "LifecycleDeletion",
  ]),
  bucket: z.string().min(1),
  /** `size` (bytes) and `eTag` are absent when the object was deleted. */
  object: z.object({
    key: z.string().min(1),
    size: z.number().optional(),
    eTag: z.string().optional(),
  }),
  eventTime: z.iso.datetime({ offset: true }),
  /** Of `CopyObject` only. */
  copySource: z.object({ bucket: z.string(), object: z.string() }).optional(),
});

/** One R2 event notification. */
export type R2Notification = z.infer<typeof R2_NOTIFICATION>;

/** The notification in a message's body, or the reason why it is none. */
export function parseR2Notification(
  body: unknown,
): { readonly notification: R2Notification } | { readonly reason: string } {
  const parsed = R2_NOTIFICATION.safeParse(body);
  if (parsed.success) return { notification: parsed.data };
  return { reason: `not an R2 event notification: ${z.prettifyError(parsed.error)}` };
}

/** What peach.conf calls this: `create` or `delete`. */
export function r2ActionOf(notification: R2Notification): R2Action {
  return ACTION_OF[notification.action];
}

/**
 * The idempotency key that every notification of the same object version has. `identity`: what the version is called, if a listing
 * has met it first; else it is the notification's time.
 */
export function versionKeyOf(
  notification: R2Notification,
  identity = notification.eventTime,
): TriggerKey {
  return objectVersionKey({
    bucket: notification.bucket,
    key: notification.object.key,
    action: r2ActionOf(notification),
    etag: notification.object.eTag ?? "",
    identity,
  });
}

/** What a task that `on.r2` triggers reads, and what `objectEventsFrom` gives. `size` and `etag` are null when the object was deleted. */
export interface ObjectEventPayload {
  readonly bucket: string;
  readonly key: string;
  readonly size: number | null;
  readonly etag: string | null;
  /** R2's own word, such as `PutObject`. */
  readonly action: string;
  /** ISO 8601. */
  readonly event_time: string;
  readonly s3_uri: string;
}

/** The payload that a notification becomes. */
export function objectEventPayload(notification: R2Notification): ObjectEventPayload {
  const { bucket, object, action, eventTime } = notification;
  return {
    bucket,
    key: object.key,
    size: object.size ?? null,
    etag: object.eTag ?? null,
    action,
    event_time: eventTime,
    s3_uri: `s3://${bucket}/${object.key}`,
  };
}
