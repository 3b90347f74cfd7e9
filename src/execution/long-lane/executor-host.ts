/** The platform of an executor object, as its controller sees it. */
import type { Claimant } from "../../domain/run/machine-events.ts";
import type { Trial } from "../../domain/trials.ts";
import type { Lease } from "../../objects/run/lease-rpc.ts";
import type { Settlement } from "../../objects/run/settlement-rpc.ts";
import type { ExecutorOrder, FoundDeath, WitnessReport } from "./executor-order.ts";

export type TrialClaim = Pick<Claimant, "onTrial">;

export interface ExecutorHost {
  /** Epoch milliseconds. */
  now(): number;
  /** The version of the deployed code. */
  readonly version: string;
  order(): ExecutorOrder | null;
  note(order: ExecutorOrder): void;
  /** Resolves once the stored order is durable. */
  sync(): Promise<void>;
  /** Deletes the order and the alarm. */
  deleteAll(): Promise<void>;
  setAlarm(at: number): void;
  /** Claims the task of this order from its run. */
  begin(order: ExecutorOrder, claim: TrialClaim): Promise<Lease | null>;
  /** Never rejects. */
  execute(lease: Lease): Promise<Settlement>;
  /** Settles with the run, with a few tries; `onFailure` is called after each failed try. */
  settle(
    order: ExecutorOrder,
    settlement: Settlement,
    onFailure: () => Promise<void>,
  ): Promise<void>;
  /**
   * Reports the death of this order's attempt to the witness. Never rejects. Resolves to the
   * attempts of the task, this one included, that died while nothing else died as far as known now,
   * and those with another cause; to null if the witness is unreachable.
   */
  reportDeath(order: ExecutorOrder, death: FoundDeath): Promise<WitnessReport | null>;
  /**
   * Asks whether the suspect of this order may begin now; null if the answer cannot be had. Never
   * rejects.
   */
  askTrial(order: ExecutorOrder, trial: Trial): Promise<boolean | null>;
  /** Ends the trial of this order's suspect. Never rejects. */
  endTrial(order: ExecutorOrder): Promise<void>;
  /** The run was unreachable. The order is tried again unless `isLast`. */
  alarmFailed(order: ExecutorOrder, error: unknown, isLast: boolean): void;
}
