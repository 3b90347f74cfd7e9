/** The stored order of an executor object, and the settlement of an attempt that it has lost. */
import type { RunId } from "../../domain/ids.ts";
import type { LostTo } from "../../domain/run/attempt.ts";
import type { Trial } from "../../domain/trials.ts";
import type { Versioned } from "../../domain/version.ts";
import type { Settlement } from "../../objects/run/settlement-rpc.ts";

/** Age at which an order without a lease is dropped. Milliseconds. */
export const ORDER_MS = 900_000;

/** The order of an executor object. `v` and `at` keep their meaning in every format. */
export interface ExecutorOrder extends Versioned {
  readonly runId: RunId;
  readonly ordinal: number;
  /** Time of the order. */
  readonly at: number;
  /** The attempt running here; null before the claim. */
  readonly lease: NotedLease | null;
  /** The trial of a suspect; absent for other tasks. */
  readonly trial?: Trial;
}

/** The claimed attempt, as stored with the order. Times are epoch milliseconds. */
export interface NotedLease {
  readonly attempt: number;
  readonly token: number;
  /** Start of the attempt; absent if older code claimed it. */
  readonly begunAt?: number;
  /** End of the lease. */
  readonly until: number;
  /** The version of the code that started the attempt. */
  readonly version: string;
  /** The attempt has ended, and its run was unreachable. Absent while it runs. */
  readonly hasEnded?: true;
  /**
   * When a later life found the attempt dead; it then waits for reports of attempts that died with
   * it. Absent otherwise.
   */
  readonly missedAt?: number;
  /** The run knows of the death, but the witness does not. Absent otherwise. */
  readonly isUnwitnessed?: true;
}

/** A death that a later life found. Times are epoch milliseconds. */
export interface FoundDeath {
  readonly attempt: number;
  readonly begunAt: number;
  readonly foundAt: number;
}

/** The witness's view of the task's attempts that died. */
export interface WitnessReport {
  readonly sole: readonly number[];
  readonly explained: readonly number[];
}

/** The time of the last try for an order. */
export function lastTryAt({ at, lease }: ExecutorOrder): number {
  return lease === null ? at + ORDER_MS : lease.until;
}

/** The death of the attempt, found at `foundAt`. */
export function deathOf(
  { at }: ExecutorOrder,
  { attempt, begunAt = at }: NotedLease,
  foundAt: number,
): FoundDeath {
  return { attempt, begunAt, foundAt };
}

/** The settlement of a lost attempt. `report`: the witness's report on a dead worker. */
export function lostSettlement(
  { ordinal }: ExecutorOrder,
  { attempt, token }: NotedLease,
  to: Exclude<LostTo, "deploy">,
  message: string,
  report?: WitnessReport,
): Settlement {
  return {
    ordinal,
    attempt,
    token,
    outcome: {
      type: "lost",
      to,
      error: { name: "WorkerLostError", message, stack: null },
      ...report,
    },
    children: [],
    logs: [],
    logsDropped: 0,
  };
}
