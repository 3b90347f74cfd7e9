/**
 * Decides whether a task can still start while its upstream tasks end. The rules are in
 * `start-rule.ts`.
 */
import { endingFor } from "./ending.ts";
import type { GraphTask } from "../plan/run-graph.ts";
import { isFinal, type FinalState, type TaskState } from "./task-state.ts";
import { forbiddenBy, unmetBy, type SkipReason } from "./start-rule.ts";

/**
 * Reason for skipping a pending task after the end of an upstream task, with `waitingOn` left; null
 * if the task may start. `stateOf`: upstream states including pending changes.
 */
export function whySkipped(
  { name, runIf, upstream }: GraphTask,
  ended: FinalState,
  waitingOn: number,
  stateOf: (ordinal: number) => TaskState,
): SkipReason | null {
  if (waitingOn > 0) return forbiddenBy(runIf, endingFor(name, ended));
  const endings = upstream.flatMap((parent) => {
    const state = stateOf(parent);
    return isFinal(state) ? [endingFor(name, state)] : [];
  });
  return unmetBy(runIf, endings);
}
