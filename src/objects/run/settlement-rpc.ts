/** Results and progress of attempts, as drivers report them over RPC. */
import type { PayloadLimitKeys } from "../../domain/limits/limit.ts";
import type { NewPayload } from "../../domain/payload.ts";
import type { Progress } from "../../domain/run/attempt.ts";
import type { ChildRun } from "../../domain/run/state.ts";
import type { GrantedLease, Outcome } from "../../domain/run/machine-events.ts";
import type { Versioned } from "../../domain/version.ts";
import type { ClaimRequest } from "./lease-rpc.ts";

/** The result of an attempt: an `Outcome` whose payloads are not stored yet. */
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
  | Exclude<Outcome, { readonly type: "succeeded" }>;

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
