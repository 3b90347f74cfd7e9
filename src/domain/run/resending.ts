/**
 * Replacement of queue messages nobody responded to: lost messages are sent again, late messages
 * are awaited.
 */
import { type Transition, DRIVER_WIDTH } from "./transition.ts";
import { isBegunByDrivers } from "../plan/run-graph.ts";
import { isLimited } from "./limit-gate.ts";
import { lookLater } from "../queue-progress.ts";
import { awaitDeployForItems } from "./undeployed.ts";
import { entryOf, type Run } from "./state.ts";
import { type TaskState } from "./task-state.ts";

type QueuedState = Extract<TaskState, { readonly status: "queued" }>;
type EachState = Extract<TaskState, { readonly status: "each" }>;

/**
 * Handles a queued task without a claim, or the end of its delay. Executor objects are started
 * again whatever the queue does. `atWork`: see `driversAtWork`.
 */
export function sendAgainFor(
  transition: Transition,
  ordinal: number,
  state: QueuedState,
  atWork: number,
): void {
  if (transition.hasUnknownItems(ordinal)) return transition.start(ordinal);
  if (state.notBefore !== undefined && isLimited(transition.entry(ordinal)))
    return transition.makeReady(ordinal);
  const late =
    transition.laneOf(ordinal) === "driver"
      ? lookLater(state, transition.now, transition.queue)
      : null;
  if (late === null) transition.sendAgain(ordinal, state.dispatches + 1, atWork);
  else transition.set(ordinal, { ...state, ...late });
}

/** Handles pending items without a claim. */
export function sendAgainForItems(
  transition: Transition,
  ordinal: number,
  state: EachState,
  atWork: number,
): void {
  if (awaitDeployForItems(transition, ordinal)) return;
  const { task } = transition.entry(ordinal);
  const late = isBegunByDrivers(task) ? lookLater(state, transition.now, transition.queue) : null;
  if (late === null) transition.sendForItems(ordinal, state, atWork);
  else transition.set(ordinal, { ...state, ...late });
}

/** Minimum number of active drivers, which return for more work by themselves. */
export function driversAtWork(run: Run): number {
  let running = 0;
  for (const ordinal of run.active) {
    const state = entryOf(run, ordinal)?.state;
    if (state?.status === "running" && state.holder === undefined) running += 1;
  }
  return Math.ceil(running / DRIVER_WIDTH);
}
