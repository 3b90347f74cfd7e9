/**
 * The history seen from outside when the load is over: every report of an attempt to the recorder,
 * in order, and the API's answers about each run. The checks use nothing else.
 */
import * as z from "zod";
import type { HeldState } from "./object-state.ts";

const attempt = { run: z.string(), task: z.string(), attempt: z.number() };
const digests = z.record(z.string(), z.string());

/** A task's report (scripts/chaos/pipelines/attempt.ts). Digests are SHA-256, in hex. */
export const REPORT = z.discriminatedUnion("event", [
  // Sent after reading; the task waits for the answer before doing anything. `item`: the client's
  // name of the trigger, on root tasks. `user`: on tasks that are limited by user.
  z.object({
    ...attempt,
    event: z.literal("start"),
    item: z.string().nullable(),
    read: digests,
    user: z.string().optional(),
  }),
  // Sent before passing: `to` holds the outputs for single children, `passed` the common output.
  z.object({ ...attempt, event: z.literal("end"), passed: z.string(), to: digests }),
  // A step was executed, but is not recorded yet.
  z.object({ ...attempt, event: z.literal("step"), step: z.number() }),
  // Items of an `each` task: the array of its upstream task, the result of an item, and the array
  // read in the end.
  z.object({ ...attempt, event: z.literal("made"), items: z.array(z.string()) }),
  z.object({
    ...attempt,
    event: z.literal("item"),
    index: z.number(),
    read: z.string(),
    passed: z.string(),
  }),
  z.object({ ...attempt, event: z.literal("joined"), items: z.array(z.string()) }),
  // An external task and its completion URL.
  z.object({ ...attempt, event: z.literal("asked"), url: z.string(), user: z.string().nullable() }),
  // A poison item runs: the recorder's owner kills the runtime in its place.
  z.object({ ...attempt, event: z.literal("poison") }),
  // The `ordinal`th trigger of another task.
  z.object({
    ...attempt,
    event: z.literal("child"),
    target: z.string(),
    ordinal: z.number(),
    run_id: z.string(),
    item: z.string(),
    sent: z.string(),
  }),
]);
export type Report = z.infer<typeof REPORT>;

const runReference = z.object({ run_id: z.string(), task: z.string() });

/** The part of a run's document that is compared with the reports. */
export const RUN_DOCUMENT = z.object({
  ...runReference.shape,
  status: z.string(),
  trigger: z.object({ source: z.string() }),
  finished_at: z.string().nullable(),
  tasks: z.array(
    z.object({
      task: z.string(),
      status: z.string(),
      reason: z.string().nullable(),
      upstream: z.array(z.string()),
      each: z.object({ total: z.number(), succeeded: z.number(), failed: z.number() }).optional(),
      attempts: z.array(
        z.object({
          attempt: z.number(),
          status: z.string(),
          error: z.object({ name: z.string(), message: z.string() }).nullable(),
        }),
      ),
    }),
  ),
  children: z.array(runReference),
});
export type RunDocument = z.infer<typeof RUN_DOCUMENT>;
export type TaskDocument = RunDocument["tasks"][number];

/**
 * The origin of our knowledge of a run: the API answered 202, a task's trigger resolved, a PUT
 * announced it, or only its tasks were seen.
 */
export type Source = "answered" | "triggered" | "announced" | "seen";

export interface FollowedRun {
  readonly runId: string;
  readonly source: Source;
  /** The digest of the trigger's payload; null if the client does not know it. */
  readonly sent: string | null;
  /** `accepted`: the API confirmed the cancellation; `asked`: the run may have been cancelled. */
  readonly cancelled: "no" | "asked" | "accepted";
  /** For each task, the number of reports when the task was first read as succeeded. */
  readonly succeededAt: ReadonlyMap<string, number>;
  /** The first read in a final status; `at` counts reports. */
  readonly final: { readonly document: RunDocument; readonly at: number } | null;
  /** A second read some time later, before the end of retention. */
  readonly later: RunDocument | null;
  /** The last read; null: none. */
  readonly lastRead: RunDocument | null;
  /**
   * Whether the run was answered 404. `early`: before its retention can have ended; `after`: after
   * it; `unread`: before any read as final, but so late that the run may have been deleted; `no`:
   * the run still exists.
   */
  readonly gone: "no" | "early" | "after" | "unread";
  /** True if any of its tasks has reported. */
  readonly heard: boolean;
  /**
   * Only for announced runs: true if a kill followed so soon that the notification may have been
   * lost.
   */
  readonly excused: boolean;
}

export interface History {
  readonly reports: readonly Report[];
  readonly runs: readonly FollowedRun[];
  /** The number of reports at each kill. */
  readonly killedAt: readonly number[];
  /** Items sent with an idempotency key. */
  readonly keyed: ReadonlySet<string>;
  /** Keys under runs/ in the payload bucket after the retention of all runs. */
  readonly leftovers: readonly string[];
  /** Runs whose objects have an alarm at this time. */
  readonly alarms: ReadonlySet<string>;
  /** Run objects with any state after the retention of all runs. */
  readonly heldState: readonly HeldState[];
  /**
   * Runs with a wrong status in the list, or missing from it, after the time for reporting, in
   * words.
   */
  readonly wronglyListed: readonly string[];
  /** Answers during the load that no client should get, in words. */
  readonly refusals: readonly string[];
}
