/** Results and progress of attempts, as drivers report them over RPC. */
import type { PayloadLimitKeys } from "../../domain/limits/limit.ts";
import type { NewPayload } from "../../domain/payload.ts";
import type { AttemptError, Progress } from "../../domain/run/attempt.ts";
import type { AwaitedRun, FailReason } from "../../domain/run/task-state.ts";
import type { ChildRun } from "../../domain/run/state.ts";
import type { GrantedLease, LostOutcome } from "../../domain/run/machine-events.ts";
import type { Versioned } from "../../domain/version.ts";
import type { ClaimRequest } from "./lease-rpc.ts";

/** The result of an attempt. */
export type AttemptOutcome =
  | {
      readonly type: "succeeded";
      readonly output: NewPayload;
      readonly to: Readonly<Record<string, NewPayload>> | null;
      /** Children that may run; absent: all. */
      readonly chosen?: readonly string[];
      /** Limit keys of the outputs for the lease's `limited` children. */
      readonly limitKeys?: Readonly<Record<string, PayloadLimitKeys>>;
    }
  /** `retryAfterMs` replaces the policy's delay. */
  | {
      readonly type: "failed";
      readonly error: AttemptError;
      readonly retryable: boolean;
      readonly retryAfterMs: number | null;
      readonly reason: FailReason;
    }
  | { readonly type: "timed_out"; readonly error: AttemptError }
  /** The method of an external task has returned. */
  | { readonly type: "waiting" }
  /**
   * The worker died, or the infrastructure failed: the attempt is repeated, without counting
   * against `retries`.
   */
  | LostOutcome
  /**
   * The deployment's code lacks the method: nothing was executed, and the task waits for a deploy
   * with the method.
   */
  | { readonly type: "undeployed"; readonly deployment: string; readonly error: AttemptError }
  /**
   * The attempt awaits other runs, and is repeated when all are final, or when a wait fails or
   * ends.
   */
  | { readonly type: "suspended"; readonly awaits: readonly AwaitedRun[] };

/** A log line of an attempt; `at` in epoch milliseconds. */
export interface LogLine {
  readonly at: number;
  readonly level: "info" | "warn" | "error";
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>> | null;
}

/** The end of one attempt, with all its results. */
export interface Settlement extends GrantedLease {
  readonly outcome: AttemptOutcome;
  /** Runs that the attempt triggered, whatever the outcome. */
  readonly children: readonly ChildRun[];
  readonly logs: readonly LogLine[];
  readonly logsDropped: number;
  /** Last progress; absent: none. */
  readonly progress?: Progress;
}

/**
 * Progress and log lines of a running attempt. Kept in memory only: the settlement repeats
 * everything.
 */
export interface AttemptReport extends GrantedLease {
  /** Progress, if changed. */
  readonly progress?: Progress;
  /** Number of the first line in `lines`. */
  readonly from: number;
  readonly lines: readonly LogLine[];
  readonly dropped: number;
}

/** Answer to an `AttemptReport`. */
export interface ReportAnswer {
  /** Number of the attempt's lines known to the run, where the next report starts. */
  readonly lines: number;
  /** Reason why the attempt is over and should end; null: the attempt goes on. */
  readonly over: "cancelled" | "superseded" | null;
}

/** Settlements of a driver, with a claim for more work. */
export interface SettleRequest extends Versioned {
  readonly settlements: readonly Settlement[];
  /** Null: the caller wants no more work. */
  readonly claim: ClaimRequest | null;
}
