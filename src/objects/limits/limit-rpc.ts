/** RPC and name of the object that holds the slots of one limit. Every call may be retried. */
import type { LimitName, SlotHolder, SlotRequest } from "../../domain/limits/limit.ts";
import type { AcquireAnswer } from "../../domain/limits/limiter.ts";

export interface LimitUse {
  readonly inUse: number;
  readonly waiting: number;
}

export interface LimitRpc {
  /** Asks for a slot. `waiting`: the object notifies the run when the attempt gets the slot. */
  ask(name: LimitName, request: SlotRequest): Promise<AcquireAnswer>;
  /** Releases the slot now, or after this many milliseconds. */
  giveBack(holder: SlotHolder, afterMs: number): Promise<void>;
  /** Counts a started attempt in the window for this many milliseconds. */
  spend(holder: SlotHolder, perMs: number): Promise<void>;
  use(): Promise<LimitUse>;
}

/** The name of the object: one per task, kind of limit and key. */
export function limitObjectName({ kind, task, key }: LimitName): string {
  return `${kind}/${task}/${key ?? ""}`;
}
