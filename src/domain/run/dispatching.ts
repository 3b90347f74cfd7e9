/** Queue messages for drivers, and starts of executor objects. */
import { startExecutor } from "./blame.ts";
import { DRIVER_WIDTH } from "./leasing.ts";
import { itemsForDrivers } from "./mapped-task.ts";
import type { TaskState } from "./task-state.ts";
import type { Transition } from "./transition.ts";

/** Messages per wide fan-out: one batch of the queue. */
const MAX_DRIVERS = 100;

/** Sends the `nth` message for a queued task; `atWork`: number of active drivers. */
export function resend(transition: Transition, ordinal: number, nth: number, atWork: number): void {
  const sending = transition.sendOf(nth, transition.laneOf(ordinal));
  transition.set(ordinal, { status: "queued", ...sending });
  transition.ready.push(ordinal);
  transition.driversAtWork = atWork;
}

/** Sends the next message for pending items, like `resend`. */
export function resendForItems(
  transition: Transition,
  ordinal: number,
  state: Extract<TaskState, { readonly status: "each" }>,
  atWork: number,
): void {
  const { status, first, total, dispatches } = state;
  const sending = transition.sendOf(dispatches + 1, "driver");
  transition.set(ordinal, { status, first, total, ...sending });
  transition.driversAtWork = atWork;
  // Marks the task as touched: long-lane items may start.
  transition.mapped.progress(ordinal);
  transition.readyMapped.add(ordinal);
}

/** Adds the messages and starts for every task made ready by the transition and not granted. */
export function dispatchReady(transition: Transition): void {
  let forDrivers = 0;
  let asks = 0;
  for (const ordinal of transition.ready) {
    const state = transition.state(ordinal);
    if (state.status !== "queued") continue;
    if (state.blockedBy !== undefined && state.blockedBy.for !== "deploy") continue;
    const { attempts } = transition.entry(ordinal);
    // One message finds out whether code exists for all waiting tasks.
    if (transition.laneOf(ordinal) === "driver" && state.blockedBy !== undefined) asks = 1;
    else if (transition.laneOf(ordinal) === "driver") forDrivers += 1;
    else
      transition.effect(
        startExecutor(transition.run, ordinal, attempts.length + 1, state.dispatches),
      );
  }
  for (const of of transition.readyMapped)
    forDrivers += itemsForDrivers(transition.entry(of).task, transition.mapped.progress(of));
  const wanted = Math.min(MAX_DRIVERS, Math.ceil(forDrivers / DRIVER_WIDTH));
  const { driversAtWork } = transition;
  const drivers = Math.max(asks, wanted - Math.min(driversAtWork, Math.max(0, wanted - 1)));
  // A driver at the end of its time sends one message for its successor; successors share the rest.
  if (drivers > 0 || transition.isDriverLeaving)
    transition.effect({ type: "dispatch", drivers: Math.max(1, drivers) });
}
