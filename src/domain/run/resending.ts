/** What a run does when nobody has come for work that it has sent messages for: the messages were lost, or are late. */
import { type Decision, DRIVER_WIDTH } from "./transition.ts";
import { isBegunByDrivers } from "../plan/run-graph.ts";
import { isHeldFirst } from "./limit-gate.ts";
import { lookLater } from "../queue-progress.ts";
import { awaitDeployForItems } from "./undeployed.ts";
import { entryOf, type Run, type TaskState } from "./state.ts";

type QueuedState = Extract<TaskState, { readonly status: "queued" }>;
type EachState = Extract<TaskState, { readonly status: "each" }>;

/** Nobody came for the task, or its delay is over. What has an executor object is asked for again, whatever the queue does. `atWork`: see `driversAtWork`. */
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

/** Nobody came for items of the task that are not begun. */
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

/** How many drivers the run has at least. They come back for more work by themselves. */
export function driversAtWork(run: Run): number {
  let running = 0;
  for (const ordinal of run.active) {
    const state = entryOf(run, ordinal)?.state;
    if (state?.status === "running" && state.holder === undefined) running += 1;
  }
  return Math.ceil(running / DRIVER_WIDTH);
}
