/** What others may call on the object that has the slots of one limit, and what it is called. Every call may be made again. */
import type { LimitName, SlotHolder, SlotRequest } from "../../domain/limits/limit.ts";
import type { AskAnswer } from "../../domain/limits/limiter.ts";

export interface LimitUse {
  readonly inUse: number;
  readonly waiting: number;
}

export interface LimitRpc {
  /** `waiting`: the run is told when it is the attempt's turn. */
  ask(name: LimitName, request: SlotRequest): Promise<AskAnswer>;
  /** The attempt needs its slot no longer, or only for so long. */
  giveBack(holder: SlotHolder, afterMs: number): Promise<void>;
  /** The attempt has started, and counts in the window for so long. */
  spend(holder: SlotHolder, perMs: number): Promise<void>;
  use(): Promise<LimitUse>;
}

/** The name of the object: one for each task, kind of limit and key. */
export function limitObjectName({ kind, task, key }: LimitName): string {
  return `${kind}/${task}/${key ?? ""}`;
}
