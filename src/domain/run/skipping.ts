/** Whether a task whose upstream tasks are ending can still start. The rules themselves are in `run-if.ts`. */
import { endingFor } from "./ending.ts";
import type { GraphTask } from "../plan/run-graph.ts";
import { isFinal, type FinalState, type TaskState } from "./state.ts";
import { forbiddenBy, unmetBy, type SkipReason } from "./start-rule.ts";

/**
 * Why this pending task can never start, now that one of its upstream tasks has ended so, and so many have not; null if it may.
 * `stateOf`: of its upstream tasks, as decided so far.
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
