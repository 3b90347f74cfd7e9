/** The calls that start runs. */
import { z } from "zod";
import {
  acceptedTrigger,
  cursor,
  durationUpTo,
  idempotencyKey,
  limitOf,
  named,
  nextCursor,
  runDocument,
  runId,
  runReference,
  taskName,
  taskParams,
} from "./schemas.ts";
import type { Operation } from "../openapi/operation.ts";

const GROUP = "Triggers";
const keyHeader = {
  "Idempotency-Key": idempotencyKey.optional(),
  Traceparent: z
    .string()
    .optional()
    .describe("The W3C trace that the run belongs to; one that cannot be read is ignored"),
} as const;
const sent = [
  "invalid_json",
  "invalid_payload",
  "payload_too_large",
  "unsupported_encoding",
  "trigger_depth",
  "idempotency_mismatch",
] as const;

export const triggerTask = {
  id: "triggerTask",
  method: "POST",
  path: "/tasks/{task}/trigger",
  right: "trigger",
  group: GROUP,
  summary: "Starts a run of the task",
  params: taskParams,
  query: z.strictObject({
    delay: durationUpTo("30d").optional().describe("How long the root task waits"),
    wait: durationUpTo("5m").optional().describe("How long to wait for the run to be final"),
  }),
  headers: z.object({
    ...keyHeader,
    "X-Peach-Source": z
      .string()
      .optional()
      .describe("`lab` for a notebook; anything else is `api`"),
  }),
  body: {
    description: "The payload: JSON, text, or bytes of any type",
    required: false,
    document: null,
  },
  answers: {
    200: { description: "With `wait`: the run, which is final", document: runDocument },
    202: {
      description: "The run is durably recorded",
      document: acceptedTrigger,
    },
  },
  problems: ["unknown_task", "not_callable", ...sent],
} satisfies Operation;

export const emitEvent = {
  id: "emitEvent",
  method: "POST",
  path: "/events/{name}",
  right: "trigger",
  group: GROUP,
  summary: "Starts a run of each task that listens to the event",
  params: z.object({ name: z.string().describe("Letters, digits, `.`, `_` and `-`") }),
  headers: z.object(keyHeader),
  body: {
    description:
      "The payload: JSON, text, or bytes of any type; or CloudEvents 1.0: one, structured or binary, or a batch",
    required: false,
    document: null,
  },
  answers: {
    202: {
      description: "The runs; none if nobody listens",
      document: named("EmittedEvent", z.object({ runs: z.array(runReference) })),
    },
  },
  problems: sent,
} satisfies Operation;

export const reconcileBucket = {
  id: "reconcileBucket",
  method: "POST",
  path: "/r2/{bucket}/reconcile",
  right: "operate",
  group: GROUP,
  summary: "Triggers what R2's notifications have missed, a page of the bucket's objects a call",
  params: z.object({ bucket: z.string().describe("The `bucket_name` in wrangler.toml") }),
  query: z.strictObject({
    prefix: z.string().default("").describe("Only keys that begin so"),
    since: durationUpTo("3650d")
      .optional()
      .describe("Only objects that are not older; without it, than `retention`"),
    dry_run: z.boolean({ error: "true or false" }).default(false).describe("Triggers nothing"),
    limit: limitOf(500, 100),
    cursor: cursor.optional(),
  }),
  answers: {
    200: {
      description: "What the page has",
      document: named(
        "Reconciliation",
        z.object({
          bucket: z.string(),
          dry_run: z.boolean(),
          listed: z.int(),
          matching: z.int(),
          too_old: z.int(),
          missed: z.array(z.object({ key: z.string(), task: taskName, run_id: runId })),
          refused: z.array(
            z.object({ key: z.string(), task: taskName, code: z.string(), detail: z.string() }),
          ),
          next_cursor: nextCursor,
        }),
      ),
    },
  },
  problems: ["unknown_bucket"],
} satisfies Operation;
