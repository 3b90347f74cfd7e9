/**
 * The notification that R2 puts on the queue `peach-r2-events`, word for word, and the values
 * derived from it: creation or deletion, the key of the object version, the payload of the
 * triggered tasks.
 */
import * as z from "zod";
import type { R2Action } from "../domain/plan/plan.ts";
import { objectVersionKey, type TriggerKey } from "../domain/trigger-key.ts";

/** R2's actions, and their names in peach.conf. */
const ACTION_OF = {
  PutObject: "create",
  CopyObject: "create",
  CompleteMultipartUpload: "create",
  DeleteObject: "delete",
  LifecycleDeletion: "delete",
} as const satisfies Record<string, R2Action>;

/** Schema of a notification. */
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
  /** Present for `CopyObject` only. */
  copySource: z.object({ bucket: z.string(), object: z.string() }).optional(),
});

/** One R2 event notification. */
export type R2Notification = z.infer<typeof R2_NOTIFICATION>;

/** Parses a message's body. Returns the notification, or the reason why the body is not one. */
export function parseR2Notification(
  body: unknown,
): { readonly notification: R2Notification } | { readonly reason: string } {
  const parsed = R2_NOTIFICATION.safeParse(body);
  if (parsed.success) return { notification: parsed.data };
  return { reason: `not an R2 event notification: ${z.prettifyError(parsed.error)}` };
}

/** The action's name in peach.conf: `create` or `delete`. */
export function r2ActionOf(notification: R2Notification): R2Action {
  return ACTION_OF[notification.action];
}

/**
 * The idempotency key shared by all notifications of the same object version. `identity`: the
 * version's name if a listing found it first; otherwise the notification's time is used.
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

/**
 * The payload of a task with `on.r2`, also returned by `objectEventsFrom`. `size` and `etag` are
 * null when the object was deleted.
 */
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

/** Builds the payload of a notification. */
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
