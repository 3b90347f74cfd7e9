/**
 * Documents of a run: tasks, attempts, and the answer to a trigger. Times are ISO 8601 in UTC,
 * durations are milliseconds, sizes are bytes.
 */
import * as z from "zod";
import { LIMIT_KINDS } from "../domain/limits/limit.ts";
import { RUN_ACTIONS } from "../domain/run/run-action.ts";
import { ATTEMPT_STATUSES, RUN_STATUSES, TASK_STATUSES } from "../domain/statuses.ts";
import { TRIGGER_SOURCES } from "../domain/trigger.ts";
import { type Json, named } from "./named.ts";
import { runId, runReferenceSchema, taskName, time } from "./values.ts";

/** Run and task that a replay repeats. */
export const replayOf = z.object({
  run_id: runId,
  from: taskName.nullable().describe("Null: as a whole"),
});

/** An attempt of a task. */
export const attemptSchema = named(
  "Attempt",
  z.object({
    attempt: z.int().min(1),
    status: z.enum(ATTEMPT_STATUSES),
    started_at: time,
    finished_at: time.nullable(),
    error: z
      .object({ name: z.string(), message: z.string(), stack: z.string().nullable() })
      .nullable(),
    log_lines: z
      .int()
      .optional()
      .describe("How many lines its log has; absent: none, or it has not ended"),
  }),
);

/** A task within a run. */
export const taskOfRunSchema = named(
  "TaskOfRun",
  z.object({
    task: taskName,
    status: z.enum(TASK_STATUSES),
    reason: z.string().nullable().describe("Why it failed or was skipped"),
    upstream: z.array(taskName),
    downstream: z.array(taskName),
    attempts: z.array(attemptSchema),
    progress: z
      .object({ fraction: z.number(), message: z.string().nullable(), at: time })
      .nullable()
      .describe("Of the running attempt, or what was said last"),
    output: z
      .object({ kind: z.string(), size: z.int().describe("Bytes"), content_type: z.string() })
      .nullable(),
    passed_to: z
      .array(taskName)
      .optional()
      .describe("Downstream tasks that read something else than the output; absent: none"),
    waiting_for: z
      .union([
        z.object({ for: z.literal("run"), run_id: runId, task: taskName }),
        z.object({ for: z.literal("completion"), until: time }),
        z.object({
          for: z.enum([...LIMIT_KINDS, "pause"]),
          key: z.string().nullable(),
          since: time,
        }),
        z.object({ for: z.literal("deploy"), method: z.string(), since: time, until: time }),
      ])
      .nullable()
      .describe(
        "Why it does not go on by itself: it awaits that run, or that somebody completes it, or is held back by a limit or a pause, or until code is deployed that has its method",
      ),
    next_attempt_at: time
      .optional()
      .describe("Of a task that is `retrying`: when its next attempt starts"),
    retried_after: z
      .int()
      .optional()
      .describe("How many attempts were before the last retry of the run; absent: none"),
    external: z
      .boolean()
      .optional()
      .describe("It waits to be completed: the time of its attempts is time of waiting"),
    completion_url: z
      .url()
      .optional()
      .describe(
        "Of an external task that waits, for tokens with the scope `admin`: where it is completed, without a token",
      ),
    steps: z
      .array(z.object({ name: z.string(), finished_at: time }))
      .optional()
      .describe("Those that have finished; absent: none"),
    each: z
      .object({ total: z.int(), succeeded: z.int(), failed: z.int(), running: z.int() })
      .optional()
      .describe("Of a task with `each`: its items; none before its array is known"),
  }),
);

/** Caller over HTTP. */
const actorSchema = named(
  "Actor",
  z.object({
    kind: z.enum(["token", "access"]).describe("An API token, or an identity of Cloudflare Access"),
    name: z.string(),
  }),
);

/**
 * A whole run. `work_ms`, `waited_ms`, `rounds` and `history` cover every round; `duration_ms`
 * covers the last one. Running attempts and open waits count up to the time of the answer. A
 * `change` leaves both out, so that a repeated `change` equals the first.
 */
export const runSchema = named(
  "Run",
  z.object({
    run_id: runId,
    task: taskName.describe("The root task"),
    status: z.enum(RUN_STATUSES),
    trigger: z.object({
      source: z.enum(TRIGGER_SOURCES),
      by: z.string().describe("The token's name, the endpoint, the task, the object"),
      actor: actorSchema
        .optional()
        .describe(
          "Who asked for it over HTTP, also by an event or an endpoint; absent: nobody had to say who they are",
        ),
      parent: runReferenceSchema.nullable(),
      replay_of: replayOf.nullable(),
      traceparent: z.string().optional().describe("The W3C trace that it belongs to; absent: none"),
      event: z
        .object({
          id: z.string(),
          source: z.string(),
          type: z.string(),
          subject: z.string().nullable(),
          time: z.string().nullable().describe("RFC 3339"),
        })
        .optional()
        .describe("What the CloudEvent that has started it says of itself; absent: none has"),
    }),
    tags: z.array(z.string()).describe("By peach.conf and by the trigger"),
    late: z.boolean().describe("Whether its last round was not final by `late_after`"),
    created_at: time,
    started_at: time.nullable(),
    finished_at: time.nullable(),
    duration_ms: z
      .number()
      .nullable()
      .describe(
        "Time at work in the last round: attempts side by side count once, waits and the time until a retry do not count. Null: it is not final, or nothing has begun",
      ),
    work_ms: z.number().describe("Attempts at work, in all rounds: those side by side count each"),
    waited_ms: z
      .number()
      .describe(
        "Waits of tasks, in all rounds: for limits, pauses, deploys, approvals, other runs. Those side by side count each",
      ),
    rounds: z.int().min(1).describe("1, and one more for each retry in place"),
    history: z
      .array(
        z.object({
          what: z.enum(RUN_ACTIONS),
          at: time,
          by: z
            .string()
            .nullable()
            .describe(
              "The token's name, or `access:` and an identity; of a trigger as in `trigger.by`; of a run that was cancelled with its parent, the parent. Null: nobody had to say who they are",
            ),
          task: taskName.optional().describe("Of `completed` and `paused`"),
        }),
      )
      .describe("What was done to it, the earliest first"),
    conf_version: z.string(),
    tasks: z.array(taskOfRunSchema),
    children: z.array(runReferenceSchema).describe("The runs that its attempts have triggered"),
  }),
);

/** Answer to a trigger. */
export const acceptedTriggerSchema = named(
  "AcceptedTrigger",
  z.object({
    run_id: runId,
    task: taskName,
    status: z.enum(RUN_STATUSES),
    deduplicated: z.boolean().describe("The idempotency key had started it before"),
    url: z.url(),
  }),
);

/** A run with all its tasks. */
export type RunDocument = Json<typeof runSchema>;

/** Entry of the history: an action on a run, its time and its actor. */
export type HistoryEntry = RunDocument["history"][number];

/** A task within a run. */
export type TaskOfRun = Json<typeof taskOfRunSchema>;

/** An attempt of a task. */
export type Attempt = Json<typeof attemptSchema>;

/**
 * Progress that an attempt reported; `fraction` is 0 to 1.
 * The document keeps the last one after the attempt has ended.
 */
export type Progress = NonNullable<TaskOfRun["progress"]>;

/** Items of a task with `each`, by status. The rest of `total` waits or was skipped. */
export type ItemCounts = NonNullable<TaskOfRun["each"]>;

/**
 * Reason why a task waits:
 *
 * - `run`: suspended until the named run is final.
 * - `completion`: until completed, or until the deadline.
 * - `deploy`: until deployed code has the method, or until the deadline.
 * - otherwise queued, and blocked by a limit or a pause; `key` is the limit's, null without a key.
 */
export type WaitingFor = NonNullable<TaskOfRun["waiting_for"]>;

/** Answer to a trigger. */
export type AcceptedTrigger = Json<typeof acceptedTriggerSchema>;
