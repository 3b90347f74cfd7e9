/**
 * The payloads of triggers that Peach makes, as schemas. Each schema is as narrow as peach.conf
 * allows: a prefix of a rule is a prefix of every key.
 */
import * as z from "zod";
import { TRIGGER_SOURCES } from "../../domain/trigger.ts";
import type { R2Rule, SchedulePlan } from "../../domain/plan/plan.ts";

/** Returns the payload that peach.conf gives a schedule; undefined without one. */
export function scheduledPayload({ payload }: SchedulePlan): unknown {
  return payload === null ? undefined : JSON.parse(payload);
}

/** Returns the payload of a schedule without a value in peach.conf. */
export function dueTimePayload({ cron, timezone }: SchedulePlan): z.ZodType {
  return z.object({
    due_at: z.iso.datetime(),
    cron: z.literal(cron),
    timezone: z.literal(timezone),
  });
}

/** R2's names of the actions that create an object. */
const CREATING = z.enum(["PutObject", "CopyObject", "CompleteMultipartUpload"]);
/** R2's names of the actions that delete an object. */
const DELETING = z.enum(["DeleteObject", "LifecycleDeletion"]);

/** Returns the payloads of the object notifications that pass a rule. */
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
  // A rule for both actions lets both kinds of payload pass.
  const options = [
    ...(actions.includes("create") ? [created] : []),
    ...(actions.includes("delete") ? [deleted] : []),
  ];
  return z.union(options);
}

/** Returns the summary of a failed run, the payload of the `on_failure` task. */
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
