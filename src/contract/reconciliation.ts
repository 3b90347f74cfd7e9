/** Reconciliation of a bucket with its runs. */
import * as z from "zod";
import { type Json, named } from "./named.ts";
import { nextCursor, runId, taskName } from "./values.ts";

/** A page of a bucket, compared with its runs. */
export const reconciliationSchema = named(
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
);

/** A page of a bucket, compared with its runs. */
export type ReconciledPage = Json<typeof reconciliationSchema>;
