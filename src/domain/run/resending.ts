/**
 * Replacement of queue messages nobody responded to: lost messages are sent again, late messages
 * are awaited.
 */
import { makeReady, startTask } from "./cascade.ts";
import { resend, resendForItems } from "./dispatching.ts";
import type { Transition } from "./transition.ts";
import { DRIVER_WIDTH } from "./leasing.ts";
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
  if (transition.hasUnknownItems(ordinal)) return startTask(transition, ordinal);
  if (state.notBefore !== undefined && isLimited(transition.entry(ordinal)))
    return makeReady(transition, ordinal);
  const late =
    transition.laneOf(ordinal) === "driver"
      ? lookLater(state, transition.now, transition.queue)
      : null;
  if (late === null) resend(transition, ordinal, state.dispatches + 1, atWork);
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
  if (late === null) resendForItems(transition, ordinal, state, atWork);
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
