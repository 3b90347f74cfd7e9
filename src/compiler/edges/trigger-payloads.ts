/** The payloads of triggers that Peach makes: their sets, and values that are known beforehand. */
import * as z from "zod";
import { TRIGGER_SOURCES } from "../../domain/trigger.ts";
import type { R2Rule, SchedulePlan } from "../../domain/plan/plan.ts";

/** The payload of a schedule, if peach.conf gives one. */
export function scheduledPayload({ payload }: SchedulePlan): unknown {
  return payload === null ? undefined : JSON.parse(payload);
}

/** The payload of a schedule without a payload of its own. */
export function dueTimePayload({ cron, timezone }: SchedulePlan): z.ZodType {
  return z.object({
    due_at: z.iso.datetime(),
    cron: z.literal(cron),
    timezone: z.literal(timezone),
  });
}

const CREATING = z.enum(["PutObject", "CopyObject", "CompleteMultipartUpload"]);
const DELETING = z.enum(["DeleteObject", "LifecycleDeletion"]);

/** The payload of an object's notification that this rule lets pass. */
export function objectPayload({ bucket, prefix, suffix, actions }: R2Rule): z.ZodType {
  const common = {
    bucket: z.literal(bucket),
    key: z.string().min(1).startsWith(prefix).endsWith(suffix),
    event_time: z.iso.datetime({ offset: true }),
    s3_uri: z.string().min(1).startsWith(`s3://${bucket}/${prefix}`).endsWith(suffix),
  };
  const created = z.object({
    ...common,
    size: z.number(),
    etag: z.string(),
    action: CREATING,
  });
  const deleted = z.object({ ...common, size: z.null(), etag: z.null(), action: DELETING });
  const options = [
    ...(actions.includes("create") ? [created] : []),
    ...(actions.includes("delete") ? [deleted] : []),
  ];
  return z.union(options);
}

/** The summary that the task of `on_failure` reads. */
export function failureSummary(): z.ZodType {
  const error = z.object({ name: z.string(), message: z.string(), stack: z.string().nullable() });
  return z.object({
    run_id: z.string(),
    task: z.string(),
    status: z.literal("failed"),
    source: z.enum(TRIGGER_SOURCES),
    created_at: z.iso.datetime(),
    started_at: z.iso.datetime().nullable(),
    finished_at: z.iso.datetime(),
    failed_tasks: z.array(
      z.object({
        task: z.string(),
        reason: z.string(),
        attempts: z.int(),
        error: error.nullable(),
      }),
    ),
    url_path: z.string().startsWith("/api/v1/runs/"),
  });
}
