/**
 * What is known from outside when the load is over: what each attempt told the recorder, in order, and what the API answered
 * about each run. The verdict (verdict.ts) is drawn from this alone.
 */
import { z } from "zod";
import type { HeldState } from "./object-state.ts";

const attempt = { run: z.string(), task: z.string(), attempt: z.number() };
const digests = z.record(z.string(), z.string());

/** What a task tells (scripts/chaos/pipelines/attempt.ts). Digests are SHA-256, in hex. */
export const REPORT = z.discriminatedUnion("event", [
  /** It has read, and does nothing before this is written down. `item`: the client's name for the trigger, on root tasks. */
  // `user`: of a task that is limited by user.
  z.object({
    ...attempt,
    event: z.literal("start"),
    item: z.string().nullable(),
    read: digests,
    user: z.string().optional(),
  }),
  /** It is about to pass: `to` for the children named there, else `passed`. */
  z.object({ ...attempt, event: z.literal("end"), passed: z.string(), to: digests }),
  /** It has done a step, which is not recorded yet. */
  z.object({ ...attempt, event: z.literal("step"), step: z.number() }),
  /** It has triggered another task, for the `ordinal`th time. */
  // Of a task that runs once per item: the array that its upstream task made, what became of an item, what was read in the end.
  z.object({ ...attempt, event: z.literal("made"), items: z.array(z.string()) }),
  z.object({
    ...attempt,
    event: z.literal("item"),
    index: z.number(),
    read: z.string(),
    passed: z.string(),
  }),
  z.object({ ...attempt, event: z.literal("joined"), items: z.array(z.string()) }),
  /** An external task: where it can be completed. */
  z.object({ ...attempt, event: z.literal("asked"), url: z.string(), user: z.string().nullable() }),
  /** It kills the runtime: the recorder's owner does it in its place. */
  z.object({ ...attempt, event: z.literal("poison") }),
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

/** The run as the API shows it, as far as it is held against the reports. */
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

/** How we know of a run: the API answered 202, a task's trigger resolved, a PUT announced it, or only its tasks were seen. */
export type Source = "answered" | "triggered" | "announced" | "seen";

export interface FollowedRun {
  readonly runId: string;
  readonly source: Source;
  /** The digest of what its trigger carried; null if the client does not know. */
  readonly sent: string | null;
  /** `accepted`: the API confirmed that it was cancelled; `asked`: it may have been. */
  readonly cancelled: "no" | "asked" | "accepted";
  /** Task to the number of reports that had come in when it was first read as succeeded. */
  readonly succeededAt: ReadonlyMap<string, number>;
  /** As it was first read in a final status; `at` counts reports. */
  readonly final: { readonly document: RunDocument; readonly at: number } | null;
  /** As it was read again some time later, before its retention was over. */
  readonly later: RunDocument | null;
  /** The last status that was read; null: none. */
  readonly lastRead: RunDocument | null;
  /**
   * Answered 404: `early` before its retention can have been over, `after` it was; `unread`, before it was ever read as final, but
   * so late that it may have been deleted; `no`: it is still there.
   */
  readonly gone: "no" | "early" | "after" | "unread";
  /** Whether any of its tasks has told the recorder something. */
  readonly heard: boolean;
  /** Only of announced runs: whether a kill followed so soon that the notification may have been lost with it. */
  readonly excused: boolean;
}

export interface History {
  readonly reports: readonly Report[];
  readonly runs: readonly FollowedRun[];
  /** How many reports had come in at each kill. */
  readonly killedAt: readonly number[];
  /** Items that were sent with an idempotency key. */
  readonly keyed: ReadonlySet<string>;
  /** Keys under runs/ in the payload bucket after the retention of all runs. */
  readonly leftovers: readonly string[];
  /** Runs whose objects have an alarm then. */
  readonly alarms: ReadonlySet<string>;
  /** Objects of runs that hold something after the retention of all runs. */
  readonly heldState: readonly HeldState[];
  /** Runs that were listed otherwise than they had ended, or not at all, though there was time to tell, in words. */
  readonly wronglyListed: readonly string[];
  /** What went wrong while the load was sent, in words: an answer that no client should get. */
  readonly refusals: readonly string[];
}
