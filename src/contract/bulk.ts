/** Results of calls that change many runs. */
import * as z from "zod";
import { RUN_STATUSES } from "../domain/statuses.ts";
import { type Json, named } from "./named.ts";
import { nextCursor, runId, taskName } from "./values.ts";

/** Result for each run of a page. */
export const bulkResultSchema = named(
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

/** Result for each run of a page. */
export type BulkResult = Json<typeof bulkResultSchema>;
