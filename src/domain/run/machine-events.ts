/**
 * What can happen to a run, and what follows from it: the words that the machine, the run object and tests share.
 */
import type { HoldEffect, HoldEvent } from "./limit-gate.ts";
import type { RunId } from "../ids.ts";
import type { PayloadLimitKeys } from "../limits/limit.ts";
import type { PayloadRef } from "../payload.ts";
import type {
  AttemptError,
  AwaitedRun,
  ChildRun,
  FailReason,
  FinalRun,
  LogRef,
  LostTo,
  Owed,
  Progress,
  RunChange,
  TaskOutput,
} from "./state.ts";
import type { Trial } from "../trials.ts";

export interface LostOutcome {
  readonly type: "lost";
  readonly to: Exclude<LostTo, "deploy">;
  readonly error: AttemptError;
  /** Attempts of the task that have died while nobody else did, as far as a witness knows by now; absent: none was asked. */
  readonly sole?: readonly number[];
  /** Attempts of it that have died beside one that is known to kill. */
  readonly explained?: readonly number[];
  /** It was told that it is over and has not ended: nobody waits for it any more, and its code may go on until its time is over. */
  readonly goesOn?: true;
}

/** How an attempt ended, its payloads stored. */
export type Outcome =
  | { readonly type: "succeeded"; readonly passed: TaskOutput }
  | {
      readonly type: "failed";
      readonly error: AttemptError;
      readonly retryable: boolean;
      readonly retryAfterMs: number | null;
      readonly reason: FailReason;
    }
  | { readonly type: "timed_out"; readonly error: AttemptError }
  | LostOutcome
  /** The code of this deployment does not have the method: nothing was executed. */
  | { readonly type: "undeployed"; readonly deployment: string; readonly error: AttemptError }
  /** The method of an external task has returned: the attempt goes on until somebody completes it. */
  | { readonly type: "waiting" }
  /** It ended to await the results of other runs; the next attempt begins when one of them is there. */
  | { readonly type: "suspended"; readonly awaits: readonly AwaitedRun[] };

export interface SettledAttempt {
  readonly ordinal: number;
  readonly attempt: number;
  readonly token: number;
  readonly outcome: Outcome;
  readonly children: readonly ChildRun[];
  readonly logs: LogRef | null;
  readonly progress?: Progress;
}

/** A driver that asks for work: what it still runs, and what is left of its time. */
export interface DriverClaim {
  readonly holding: number;
  readonly budgetMs: number;
  /** The tasks that it knows to be paused; absent: none. */
  readonly paused?: readonly string[];
  /** Items of `each` tasks that it would take, where they are short enough to be taken in advance; absent: as many as tasks. */
  readonly items?: number;
  /** The driver, and which of its calls this is: the same in each try. Absent: it is not tried again. */
  readonly call?: string;
  /** Whose code it runs (`Deployment.id`); absent: it is not known, and nothing is kept from it. */
  readonly deployment?: string;
}

/** Who asks for work: what it knows of pauses, and whose code it runs. */
export interface Claimant extends Pick<DriverClaim, "paused" | "deployment"> {
  /** A suspect is tried now: its pause ends. Absent: it is not, or the pause is over anyway. */
  readonly onTrial?: true;
}

/** What somebody reports of an external attempt, its payload stored. */
export interface Completion {
  readonly ordinal: number;
  readonly attempt: number;
  readonly token: number;
  /** The same in each try of one report. */
  readonly nonce: string;
  readonly outcome:
    | { readonly type: "succeeded"; readonly passed: TaskOutput }
    | { readonly type: "failed"; readonly error: AttemptError };
}

export type RunEvent =
  /** The run was recorded; `claim` if the recording invocation drives it itself. */
  | { readonly type: "accepted"; readonly claim: DriverClaim | null; readonly delayMs?: number }
  /**
   * A debounced task was triggered again: the delay begins anew and this payload counts, unless the run has started. It starts at the
   * latest `maxWaitMs` after it was accepted.
   */
  | {
      readonly type: "postponed";
      readonly payload: PayloadRef;
      readonly limitKeys?: PayloadLimitKeys;
      readonly delayMs: number;
      readonly maxWaitMs?: number;
      readonly joined?: NonNullable<RunChange["joined"]>;
      /** The run that has triggered it, if a task did. */
      readonly by?: RunId;
    }
  | { readonly type: "claimed"; readonly claim: DriverClaim }
  | {
      readonly type: "settled";
      readonly attempts: readonly SettledAttempt[];
      readonly claim: DriverClaim | null;
    }
  /** The executor object of this name asks for this one task; asking again gives the same lease. */
  | {
      readonly type: "begun";
      readonly ordinal: number;
      readonly holder: string;
      readonly paused?: readonly string[];
      readonly deployment?: string;
      readonly onTrial?: true;
    }
  /** Time has passed. `silent`: tokens of attempts that are taken for lost, although their leases run on; absent: none. */
  | { readonly type: "woken"; readonly silent?: readonly number[] }
  /** `children`: with the runs that this one has triggered. */
  | { readonly type: "cancelled"; readonly children?: boolean }
  /** Somebody reports what an external attempt came to. */
  | { readonly type: "completed"; readonly completion: Completion }
  /** Somebody has the final run go on: what failed, and what did not run because of it, runs again. */
  | { readonly type: "retried" }
  /** A step of the attempt that holds this lease has finished. */
  | {
      readonly type: "stepped";
      readonly lease: GrantedLease;
      readonly name: string;
      readonly result: PayloadRef;
    }
  /** Runs that suspended tasks may await are final, or are no more. */
  | { readonly type: "awaited"; readonly runs: readonly FinalRun[] }
  /** Another run wants to be told when this one is final. */
  | { readonly type: "watched"; readonly by: RunId }
  /** Another run has found this one by its key. */
  | { readonly type: "found"; readonly by: RunId }
  /** The parent run has this one among its children. */
  | { readonly type: "parent_knows" }
  /** A run says that an attempt of this one has triggered it. */
  | { readonly type: "triggered"; readonly child: ChildRun }
  /** These watchers know of the ending that the run had at this revision. */
  | { readonly type: "told"; readonly watchers: readonly RunId[]; readonly revision: number }
  /** A debt was paid; `next`: of runs to be cancelled, only those before this number. */
  | { readonly type: "paid"; readonly id: number; readonly next: number | null }
  /** A debt that was in vain too often is recorded as a dead letter. */
  | { readonly type: "parked"; readonly id: number }
  /** A person has a parked debt paid after all. */
  | { readonly type: "redriven"; readonly id: number }
  | HoldEvent;

/** Performed after the commit; all may be lost or repeated, since the state says what is still owed. */
export type Effect =
  /** Tell the queue that this run has work for so many drivers. */
  | { readonly type: "dispatch"; readonly drivers: number }
  /** Start an executor object of this name for one task. `trial`: of a suspect that is tried; absent: it is none. */
  | {
      readonly type: "start_executor";
      readonly ordinal: number;
      readonly name: string;
      readonly trial?: Trial;
    }
  /** Note that drivers have died, or do not say anything: the longest of their attempts, its token and when it was begun. */
  | { readonly type: "note_death"; readonly token: number; readonly startedAt: number }
  /** The run became final. */
  | { readonly type: "finished" }
  /** Have these runs say when they are final, or that they are. */
  | { readonly type: "watch"; readonly runIds: readonly RunId[] }
  /** Tell these runs that this one is final; `revision` is for saying which ending they know. */
  | { readonly type: "tell"; readonly runIds: readonly RunId[]; readonly revision: number }
  /** Pay a debt, and say so. */
  | { readonly type: "pay"; readonly owed: Owed }
  /** Record a debt as a dead letter, since it was paid in vain too often, and say so. */
  | { readonly type: "park"; readonly owed: Owed }
  /** These runs could not be told that this one is final, and are not told any more: they ask for it by themselves. */
  | { readonly type: "untold"; readonly runIds: readonly RunId[] }
  | HoldEffect;

/** The right to run one attempt. */
export interface GrantedLease {
  readonly ordinal: number;
  readonly attempt: number;
  readonly token: number;
}

/** Why something that came in changed nothing. */
export type Ignored =
  | "already_accepted"
  | "already_started"
  | "stale_lease"
  | "not_held"
  | "no_such_task"
  | "run_final"
  | "run_not_final"
  | "nothing_to_retry"
  | "not_due"
  | "no_work"
  | "not_open"
  | "step_recorded"
  | "not_awaited"
  | "already_watched"
  | "already_known"
  | "already_told"
  | "retried_since"
  | "already_paid";

export interface Advance {
  /** Null: nothing changes. */
  readonly change: RunChange | null;
  readonly effects: readonly Effect[];
  readonly leases: readonly GrantedLease[];
  readonly ignored: readonly Ignored[];
}
