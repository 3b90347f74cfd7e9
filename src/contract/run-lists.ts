/** Lists of runs, and counts. */
import * as z from "zod";
import { RUN_PROBLEMS } from "../domain/run/summary.ts";
import { WAITING_KINDS } from "../domain/run/waiting.ts";
import { RUN_STATUSES, type RunStatus } from "../domain/statuses.ts";
import { TRIGGER_SOURCES } from "../domain/trigger.ts";
import { type Json, named } from "./named.ts";
import { nextCursor, runId, runReferenceSchema, taskName, time } from "./values.ts";

/** A run in a list or feed. */
export const runSummarySchema = named(
  "RunSummary",
  z.object({
    run_id: runId,
    task: taskName.describe("The root task"),
    status: z.enum(RUN_STATUSES),
    source: z.enum(TRIGGER_SOURCES),
    by: z.string().describe("The token's name, the endpoint, the task, the object"),
    parent: runReferenceSchema.nullable(),
    tags: z.array(z.string()).optional().describe("Absent: none"),
    late: z.literal(true).optional().describe("Not final by `late_after`; absent: it was, or is"),
    created_at: time,
    started_at: time.nullable(),
    finished_at: time.nullable(),
    duration_ms: z.number().nullable(),
    failed_tasks: z.array(taskName).describe("The first twenty"),
    error: z
      .object({ task: taskName, name: z.string(), message: z.string() })
      .nullable()
      .describe("Of the task that failed first; null: none has, or older code recorded the run"),
    conf_version: z
      .string()
      .optional()
      .describe("Of peach.conf; absent: older code recorded the run"),
    waiting: z
      .array(z.object({ task: taskName, for: z.enum(WAITING_KINDS), until: time }))
      .optional()
      .describe(
        "Tasks that wait: to be completed (`completion`), for another run, or for a next attempt that is a minute away or more (`time`). The first ten; absent: none",
      ),
    problem: z
      .enum(RUN_PROBLEMS)
      .optional()
      .describe(
        "It cannot be read now, and does not go on: the rest is what it told last. Absent: it can",
      ),
  }),
);

/** Runs by status. */
export const runCounts = z.object({
  queued: z.int(),
  running: z.int(),
  succeeded: z.int(),
  failed: z.int(),
  cancelled: z.int(),
} satisfies Record<RunStatus, z.ZodType>);

/** A page of runs. */
export const runListSchema = named(
  "RunList",
  z.object({ runs: z.array(runSummarySchema), next_cursor: nextCursor }),
);

/** Runs by status, and their sum. */
export const runCountsSchema = named("RunCounts", z.object({ counts: runCounts, total: z.int() }));

/** A run in a list or feed. */
export type RunSummary = Json<typeof runSummarySchema>;

/** A page of runs, newest first. */
export type RunPage = Json<typeof runListSchema>;

/** Runs by status, and their sum. */
export type RunCounts = Json<typeof runCountsSchema>;
