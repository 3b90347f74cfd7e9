/** Inputs and outputs of the run machine, shared by the machine, the run object and the tests. */
import type { LimitGateEffect, LimitGateEvent } from "./limit-gate.ts";
import type { RunId } from "../ids.ts";
import type { PayloadLimitKeys } from "../limits/limit.ts";
import type { PayloadRef } from "../payload.ts";
import type { AttemptError, LogRef, LostTo, Progress } from "./attempt.ts";
import type { AwaitedRun, FailReason, FinalRun, TaskOutput } from "./task-state.ts";
import type { ChildRun } from "./state.ts";
import type { RunChange } from "./run-change.ts";
import type { OutboxEntry } from "./outbox-entry.ts";
import type { Trial } from "../trials.ts";

/**
 * The worker died, or the infrastructure failed: the attempt is repeated, without counting against
 * `retries`.
 */
export interface LostOutcome {
  readonly type: "lost";
  readonly to: Exclude<LostTo, "deploy">;
  readonly error: AttemptError;
  /** Attempts of the task which died alone, according to the witness; absent without a question. */
  readonly sole?: readonly number[];
  /** Attempts which died beside a known killer. */
  readonly explained?: readonly number[];
  /** The attempt was told to stop and has not ended. Its code may run until its timeout. */
  readonly goesOn?: true;
}

/** `retryAfterMs` replaces the policy's delay. */
export interface FailedOutcome {
  readonly type: "failed";
  readonly error: AttemptError;
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;
  readonly reason: FailReason;
}

/** End of an attempt, with stored payloads. */
export type Outcome =
  | { readonly type: "succeeded"; readonly passed: TaskOutput }
  | FailedOutcome
  | { readonly type: "timed_out"; readonly error: AttemptError }
  | LostOutcome
  /** The deployment lacks the method; nothing was executed, and the task waits for a deploy. */
  | { readonly type: "undeployed"; readonly deployment: string; readonly error: AttemptError }
  /** The method of an external task has returned; the attempt stays open for its completion. */
  | { readonly type: "waiting" }
  /** The attempt ended to await other runs; the next attempt starts with their results. */
  | { readonly type: "suspended"; readonly awaits: readonly AwaitedRun[] };

export interface SettledAttempt extends GrantedLease {
  readonly outcome: Outcome;
  readonly children: readonly ChildRun[];
  readonly logs: LogRef | null;
  readonly progress?: Progress;
}

/** Request of a driver for work. */
export interface DriverClaim {
  /** Number of tasks that the driver is running; with 0 and no lease granted the driver ends. */
  readonly holding: number;
  /** Remaining time of the driver, in milliseconds; a task is granted only if its timeout fits. */
  readonly budgetMs: number;
  /** Names of paused tasks known to the driver; their leases are not granted. Absent: none. */
  readonly paused?: readonly string[];
  /** Actors that paused these tasks, by task, as far as the driver knows. */
  readonly pausedBy?: Readonly<Record<string, string>>;
  /**
   * Number of `each` items which may be taken in advance, if short enough; absent: as many as
   * tasks.
   */
  readonly items?: number;
  /** Driver and number of the call, equal in each retry of the call; absent without retries. */
  readonly call?: string;
  /**
   * Deployment of the driver (`Deployment.id`); absent if unknown, and then nothing is withheld.
   */
  readonly deployment?: string;
}

/** Knowledge of a claimant about pauses and its deployment. */
export interface Claimant extends Pick<DriverClaim, "paused" | "pausedBy" | "deployment"> {
  /** Starts a suspect's trial, which ends its delay. */
  readonly onTrial?: true;
}

/** Report of an external attempt's completion, with a stored payload. */
export interface Completion extends GrantedLease {
  /** Equal in each retry of a report. */
  readonly nonce: string;
  /** Actor that reports; absent for a report by the completion URL. */
  readonly by?: string;
  readonly outcome:
    | { readonly type: "succeeded"; readonly passed: TaskOutput }
    | { readonly type: "failed"; readonly error: AttemptError };
}

export type MachineEvent =
  /** The run was recorded. `claim`: set if the recording invocation drives the run. */
  | { readonly type: "accepted"; readonly claim: DriverClaim | null; readonly delayMs?: number }
  /**
   * A debounced task was triggered again: the delay restarts and the new payload counts, unless the
   * run has started. The run starts at most `maxWaitMs` after its acceptance.
   */
  | {
      readonly type: "postponed";
      readonly payload: PayloadRef;
      readonly limitKeys?: PayloadLimitKeys;
      readonly delayMs: number;
      readonly maxWaitMs?: number;
      readonly joined?: NonNullable<RunChange["joined"]>;
      /** The triggering run, for a trigger inside a task. */
      readonly by?: RunId;
    }
  | { readonly type: "claimed"; readonly claim: DriverClaim }
  | {
      readonly type: "settled";
      readonly attempts: readonly SettledAttempt[];
      readonly claim: DriverClaim | null;
    }
  /** An executor object claims its task. A repeated claim gives the same lease. */
  | (Claimant & { readonly type: "begun"; readonly ordinal: number; readonly holder: string })
  /** The alarm fired. `silent`: tokens of attempts taken for lost although their leases go on. */
  | { readonly type: "woken"; readonly silent?: readonly number[] }
  /** A cancellation; `children` includes the triggered runs. */
  | { readonly type: "cancelled"; readonly children?: boolean; readonly actor?: string }
  /** An external attempt was completed. */
  | { readonly type: "completed"; readonly completion: Completion }
  /** A retry in place: failed tasks, and tasks skipped because of them, run again. */
  | { readonly type: "retried"; readonly actor?: string }
  /** The attempt with this lease finished a step. */
  | {
      readonly type: "stepped";
      readonly lease: GrantedLease;
      readonly name: string;
      readonly result: PayloadRef;
    }
  /** Awaited runs are final, or no longer exist. */
  | { readonly type: "awaited"; readonly runs: readonly FinalRun[] }
  /** Another run subscribes to the end of this run. */
  | { readonly type: "subscribed"; readonly by: RunId }
  /** Another run found this run by its key. */
  | { readonly type: "found"; readonly by: RunId }
  /** The parent run has recorded this run among its children. */
  | { readonly type: "parent_knows" }
  /** A run reports an attempt of this run as its trigger. */
  | { readonly type: "triggered"; readonly child: ChildRun }
  /** Waiting runs acknowledged the end of this revision. */
  | {
      readonly type: "waiters_acknowledged";
      readonly waiters: readonly RunId[];
      readonly revision: number;
    }
  /** An outbox entry was acknowledged; `next`: for a cancellation, up to this child only. */
  | { readonly type: "entry_acknowledged"; readonly id: number; readonly next: number | null }
  /** An undeliverable outbox entry was recorded as a dead letter. */
  | { readonly type: "entry_parked"; readonly id: number }
  /** A person redrives a parked outbox entry. */
  | { readonly type: "entry_redriven"; readonly id: number }
  | LimitGateEvent;

/** Calls made after the commit. All may be lost or repeated; the state keeps the pending work. */
export type Effect =
  /** Sends queue messages for this many drivers. */
  | { readonly type: "dispatch"; readonly drivers: number }
  /** Starts an executor object for a task. `trial`: set for a suspect on trial. */
  | {
      readonly type: "start_executor";
      readonly ordinal: number;
      readonly name: string;
      readonly trial?: Trial;
    }
  /** Reports dead or silent drivers to the witness: token and start of the longest attempt. */
  | { readonly type: "note_death"; readonly token: number; readonly startedAt: number }
  /** The run became final. */
  | { readonly type: "finished" }
  /** Subscribes to the end of these runs. */
  | { readonly type: "subscribe"; readonly runIds: readonly RunId[] }
  /** Notifies runs of the end of this run; `revision` identifies the end. */
  | { readonly type: "notify"; readonly runIds: readonly RunId[]; readonly revision: number }
  /** Delivers an outbox entry. */
  | { readonly type: "deliver"; readonly entry: OutboxEntry }
  /** Records an undeliverable outbox entry as a dead letter. */
  | { readonly type: "park"; readonly entry: OutboxEntry }
  /** These runs were notified in vain and are given up; they ask by themselves. */
  | { readonly type: "unnotified"; readonly runIds: readonly RunId[] }
  | LimitGateEffect;

/** Right to run one attempt. */
export interface GrantedLease {
  readonly ordinal: number;
  readonly attempt: number;
  readonly token: number;
}

/** Reasons of rejected inputs, which change nothing. */
export type Rejection =
  | "already_accepted"
  | "already_started"
  | "stale_lease"
  | "not_blocked"
  | "no_such_task"
  | "run_final"
  | "run_not_final"
  | "nothing_to_retry"
  | "not_due"
  | "no_work"
  | "not_open"
  | "step_recorded"
  | "not_awaited"
  | "already_subscribed"
  | "already_known"
  | "already_notified"
  | "retried_since"
  | "already_acknowledged";

export interface TransitionResult {
  /** Null without a change. */
  readonly change: RunChange | null;
  readonly effects: readonly Effect[];
  readonly leases: readonly GrantedLease[];
  readonly rejections: readonly Rejection[];
}
