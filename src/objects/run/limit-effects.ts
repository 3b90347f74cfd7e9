/**
 * The calls that a run owes its limits, and about pauses (see domain/run/limit-gate.ts). Each may fail for good here: a held task asks again at its
 * `redispatchAt`, and a slot that was not given back is found by the limit's own check.
 */
import { standingOf, type HoldEffect, type HoldEvent } from "../../domain/run/limit-gate.ts";
import type { LimitName } from "../../domain/limits/limit.ts";
import type { Run } from "../../domain/run/state.ts";
import type { LimitRpc } from "../limits/limit-rpc.ts";

export interface SlotSurroundings {
  /** Epoch milliseconds. */
  now(): number;
  /** Calls the object of a limit; rejects if it cannot be reached. */
  call<T>(limit: LimitName, call: (limit: LimitRpc) => Promise<T>): Promise<T>;
  /** Has the run be told when the task is resumed; false: it is not paused. Rejects like `call`. */
  awaitResume(task: string): Promise<boolean>;
  /** Lets the machine decide; the run as it is then, null if there is none any more. */
  hold(event: HoldEvent): Run | null;
}

/** Makes the call, and lets the run know what came of it. Rejects if the limit, or storage, cannot be reached. */
export async function performHoldEffect(
  around: SlotSurroundings,
  effect: HoldEffect,
): Promise<void> {
  switch (effect.type) {
    case "ask_slot":
      await ask(around, effect);
      break;
    case "await_resume":
      if (!(await around.awaitResume(effect.task)))
        around.hold({ type: "resumed", task: effect.task });
      break;
    case "give_slot_back":
      await around.call(effect.limit, (limit) => limit.giveBack(effect.holder, effect.afterMs));
      break;
    case "spend_slot":
      await around.call(effect.limit, (limit) => limit.spend(effect.holder, effect.perMs));
      break;
  }
}

async function ask(
  around: SlotSurroundings,
  { limit, request }: Extract<HoldEffect, { readonly type: "ask_slot" }>,
): Promise<void> {
  const { holder } = request;
  const { ordinal, attempt } = holder;
  const answer = await around.call(limit, (object) => object.ask(limit, request));
  if (answer === "waiting") return;
  if (answer === "refused") {
    around.hold({ type: "refused", ordinal, attempt });
    return;
  }
  const run = around.hold({ type: "permitted", kind: limit.kind, ordinal, attempt });
  // Cancelled meanwhile: nobody will come for it.
  const standing = standingOf(run, limit.kind, holder, around.now());
  if (standing.type === "over")
    await around.call(limit, (object) => object.giveBack(holder, standing.afterMs));
}
