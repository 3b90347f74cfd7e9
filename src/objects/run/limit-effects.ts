/**
 * Calls from a run to its limits, and about paused tasks (see domain/run/limit-gate.ts). A call may
 * fail for good here: a blocked task asks again at its `redispatchAt`, and the limit's own check
 * finds a slot that was not released.
 */
import {
  slotStatusOf,
  type LimitGateEffect,
  type LimitGateEvent,
} from "../../domain/run/limit-gate.ts";
import type { LimitName } from "../../domain/limits/limit.ts";
import type { Run } from "../../domain/run/state.ts";
import type { LimitRpc } from "../limits/limit-rpc.ts";

/** Dependencies of the calls to limits. */
export interface SlotHost {
  /** Current time, epoch milliseconds. */
  now(): number;
  /** Calls the object of a limit; rejects if the object is unreachable. */
  call<T>(limit: LimitName, call: (limit: LimitRpc) => Promise<T>): Promise<T>;
  /**
   * Subscribes the run to the task's resumption; false: the task is not paused. Rejects like
   * `call`.
   */
  awaitResume(task: string): Promise<boolean>;
  /** Passes the event to the machine and returns the run afterwards, or null if the run is gone. */
  hold(event: LimitGateEvent): Run | null;
}

/**
 * Makes the call and passes the answer to the run. Rejects if the limit or storage is unreachable.
 */
export async function performHoldEffect(host: SlotHost, effect: LimitGateEffect): Promise<void> {
  switch (effect.type) {
    case "acquire_slot":
      await ask(host, effect);
      break;
    case "await_resume":
      if (!(await host.awaitResume(effect.task)))
        host.hold({ type: "task_resumed", task: effect.task });
      break;
    case "release_slot":
      await host.call(effect.limit, (limit) => limit.giveBack(effect.holder, effect.afterMs));
      break;
    case "consume_permit":
      await host.call(effect.limit, (limit) => limit.spend(effect.holder, effect.perMs));
      break;
  }
}

async function ask(
  host: SlotHost,
  { limit, request }: Extract<LimitGateEffect, { readonly type: "acquire_slot" }>,
): Promise<void> {
  const { holder } = request;
  const { ordinal, attempt } = holder;
  const answer = await host.call(limit, (object) => object.ask(limit, request));
  if (answer === "waiting") return;
  if (answer === "refused") {
    host.hold({ type: "slot_denied", ordinal, attempt });
    return;
  }
  const run = host.hold({ type: "slot_granted", kind: limit.kind, ordinal, attempt });
  // The attempt may have been cancelled during the call: then nobody will use the slot.
  const standing = slotStatusOf(run, limit.kind, holder, host.now());
  if (standing.type === "over")
    await host.call(limit, (object) => object.giveBack(holder, standing.afterMs));
}
