/**
 * Replacement of queue messages nobody responded to: lost messages are sent again, late messages
 * are awaited.
 */
import { type Decision, DRIVER_WIDTH } from "./transition.ts";
import { isBegunByDrivers } from "../plan/run-graph.ts";
import { isHeldFirst } from "./limit-gate.ts";
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
  decision: Decision,
  ordinal: number,
  state: QueuedState,
  atWork: number,
): void {
  if (decision.hasUnknownItems(ordinal)) return decision.start(ordinal);
  if (state.notBefore !== undefined && isHeldFirst(decision.entry(ordinal)))
    return decision.makeReady(ordinal);
  const late =
    decision.laneOf(ordinal) === "driver" ? lookLater(state, decision.now, decision.queue) : null;
  if (late === null) decision.sendAgain(ordinal, state.dispatches + 1, atWork);
  else decision.set(ordinal, { ...state, ...late });
}

/** Handles pending items without a claim. */
export function sendAgainForItems(
  decision: Decision,
  ordinal: number,
  state: EachState,
  atWork: number,
): void {
  if (awaitDeployForItems(decision, ordinal)) return;
  const { task } = decision.entry(ordinal);
  const late = isBegunByDrivers(task) ? lookLater(state, decision.now, decision.queue) : null;
  if (late === null) decision.sendForItems(ordinal, state, atWork);
  else decision.set(ordinal, { ...state, ...late });
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
