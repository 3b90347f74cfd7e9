/** The calls that steer many runs at once. */
import { z } from "zod";
import { RUN_STATUSES } from "../../domain/statuses.ts";
import { cursor, idempotencyKey, limitOf, named, nextCursor, runId, taskName } from "./schemas.ts";
import type { Operation } from "../openapi/operation.ts";
import { runFilter } from "./run-lists.operations.ts";

const GROUP = "Steering";

const bulkQuery = {
  ...runFilter,
  dry_run: z
    .boolean({ error: "true or false" })
    .default(false)
    .describe("Changes nothing, and says what would be done"),
  limit: limitOf(500, 100),
  cursor: cursor.optional(),
} as const;

const bulkDocument = named(
  "BulkResult",
  z.object({
    dry_run: z.boolean(),
    matched: z.int().describe("Runs of this page"),
    changed: z.int(),
    runs: z.array(
      z.object({
        run_id: runId,
        task: taskName.describe("The root task"),
        status: z.enum(RUN_STATUSES).describe("As it was found"),
        result: z.enum(["cancelled", "retried", "replayed", "refused"]),
        code: z.string().optional().describe("Why it was refused"),
        detail: z.string().optional(),
        new_run_id: runId.optional().describe("Of a replay"),
      }),
    ),
    next_cursor: nextCursor,
  }),
);

const answers = {
  200: { description: "What became of each run of the page", document: bulkDocument },
} as const;

export const cancelRuns = {
  id: "cancelRuns",
  method: "POST",
  path: "/runs/cancel",
  right: "operate",
  group: GROUP,
  summary: "Cancels the runs that a filter finds; a filter is needed",
  query: z.strictObject({
    ...bulkQuery,
    children: z
      .boolean({ error: "true or false" })
      .default(false)
      .describe("Cancels also the runs that they have triggered"),
  }),
  answers,
  problems: ["unknown_task"],
} satisfies Operation;

export const retryRuns = {
  id: "retryRuns",
  method: "POST",
  path: "/runs/retry",
  right: "operate",
  group: GROUP,
  summary: "Retries the runs that a filter finds, in place; a filter is needed",
  query: z.strictObject(bulkQuery),
  answers,
  problems: ["unknown_task"],
} satisfies Operation;

export const replayRuns = {
  id: "replayRuns",
  method: "POST",
  path: "/runs/replay",
  right: "operate",
  group: GROUP,
  summary: "Replays the runs that a filter finds, each as a new run; a filter is needed",
  query: z.strictObject({
    ...bulkQuery,
    from: taskName.optional().describe("The task to begin with"),
  }),
  headers: z.object({ "Idempotency-Key": idempotencyKey.optional() }),
  answers,
  problems: ["unknown_task"],
} satisfies Operation;
