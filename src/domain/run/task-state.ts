/** States of a task or item, and the data in them. */
import type { RunId } from "../ids.ts";
import type { BlockedBy, PayloadLimitKeys } from "../limits/limit.ts";
import type { PayloadRef } from "../payload.ts";
import type { RunStatus } from "../statuses.ts";
import type { SkipReason } from "./start-rule.ts";

/** A run awaited by a suspended task. */
export interface AwaitedRun {
  readonly runId: RunId;
  readonly task: string;
  /** Identity of the `result()` call. The next attempt finds its deadline by this value. */
  readonly call: string;
  /** Deadline of the wait. */
  readonly until: number;
  /** Set if the output is awaited: the wait fails if the run fails. */
  readonly needsSuccess?: true;
}

/** Report of an awaited run's end. */
export interface FinalRun {
  readonly runId: RunId;
  /** `gone`: the run no longer exists, its retention has passed. */
  readonly status: RunStatus | "gone";
  /** Document of the run; absent if too large, or gone. */
  readonly document?: PayloadRef;
}

/** Output of an attempt. Every child gets `output`, except children listed in `to`. */
export interface TaskOutput {
  readonly output: PayloadRef;
  readonly to: Readonly<Record<string, PayloadRef>> | null;
  /** Children chosen to run (`runOnlyChildTasks`); absent means all. */
  readonly chosen?: readonly string[];
  /** Limit keys of the passed data, by child. */
  readonly limitKeys?: Readonly<Record<string, PayloadLimitKeys>>;
}

/**
 * Reason of a failed task; the last three belong to mapped tasks.
 * - `error`: the last allowed attempt threw or timed out, or the error is not retryable.
 * - `worker_lost`: the task killed a worker of its own three times in a row.
 * - `unavailable`: every attempt was lost for a day, whatever the cause.
 * - `broken`: the transitions of the run failed again and again (see broken-run.ts).
 * - `method_missing`: no deployment had the method during the run's retention.
 * - `not_an_array`: the input is not a JSON array, or the upstream task passed nothing.
 * - `too_many_items`: the array has more than 10,000 items.
 * - `item_failed`: an item failed for good.
 */
export const FAIL_REASONS = [
  "error",
  "worker_lost",
  "unavailable",
  "broken",
  "method_missing",
  "not_an_array",
  "too_many_items",
  "item_failed",
] as const;

export type FailReason = (typeof FAIL_REASONS)[number];

/**
 * State of a task; a member carries only its legal fields. `TASK_STATUSES` describes each status.
 * `*At` are epoch milliseconds.
 */
export type TaskState =
  | { readonly status: "pending" }
  /**
   * `redispatchAt`: next check for a lost message, or the next request of a blocked task. `sentAt`:
   * send time of the message, if not implied (see `queue-progress.ts`). `notBefore`: end of the
   * trigger's delay. `blockedBy`: a limit, a pause or a missing deploy (see `limit-gate.ts`).
   */
  | {
      readonly status: "queued";
      readonly dispatches: number;
      readonly redispatchAt: number;
      readonly sentAt?: number;
      readonly notBefore?: number;
      readonly blockedBy?: BlockedBy;
    }
  /**
   * Only the holder of `token` may settle. `holder` is the executor object, `call` the driver's
   * call; each may repeat its claim.
   */
  | {
      readonly status: "running";
      readonly attempt: number;
      readonly token: number;
      readonly expiresAt: number;
      readonly holder?: string;
      readonly call?: string;
    }
  | { readonly status: "retrying"; readonly retryAt: number }
  /**
   * A mapped task with active items; ordinals begin with `first`. `redispatchAt`: next check for
   * the message about pending items, sent at `sentAt`; null if every place is taken.
   */
  | {
      readonly status: "each";
      readonly first: number;
      readonly total: number;
      readonly dispatches: number;
      readonly redispatchAt: number | null;
      readonly sentAt?: number;
    }
  /**
   * Suspended until all awaited runs are final, a wait fails, or a deadline passes. `until`: the
   * first open deadline. `awaits`: the awaited runs; absent if unchanged. `askAt`: next repeated
   * question.
   */
  | {
      readonly status: "waiting";
      readonly for: "run";
      readonly awaits?: readonly AwaitedRun[];
      readonly until: number;
      readonly asks: number;
      readonly askAt: number;
    }
  /** An external task after the return of its method. Its attempt stays open. */
  | {
      readonly status: "waiting";
      readonly for: "completion";
      readonly attempt: number;
      readonly token: number;
      readonly expiresAt: number;
    }
  | { readonly status: "succeeded"; readonly finishedAt: number; readonly passed: TaskOutput }
  | { readonly status: "failed"; readonly finishedAt: number; readonly reason: FailReason }
  | { readonly status: "skipped"; readonly finishedAt: number; readonly reason: SkipReason }
  /**
   * `reason`: preempted by a newer attempt (`strategy: cancel_running`); absent after a cancelled
   * run.
   */
  | { readonly status: "cancelled"; readonly finishedAt: number; readonly reason?: "concurrency" };

export type FinalState = Extract<TaskState, { readonly finishedAt: number }>;

/** Tests for a state which never changes by itself. */
export function isFinal(state: TaskState): state is FinalState {
  switch (state.status) {
    case "succeeded":
    case "failed":
    case "skipped":
    case "cancelled":
      return true;
    case "pending":
    case "queued":
    case "running":
    case "retrying":
    case "each":
    case "waiting":
      return false;
  }
}

/** Tests for a state with a due time. */
export function isActive(state: TaskState): boolean {
  return dueAt(state) !== null;
}

/** Due time of the next check without a call; null without one. */
export function dueAt(state: TaskState): number | null {
  switch (state.status) {
    case "queued":
    case "each":
      return state.redispatchAt;
    case "running":
      return state.expiresAt;
    case "retrying":
      return state.retryAt;
    case "waiting":
      if (state.for === "completion") return state.expiresAt;
      return Math.min(state.until, state.askAt);
    case "pending":
    case "succeeded":
    case "failed":
    case "skipped":
    case "cancelled":
      return null;
  }
}
