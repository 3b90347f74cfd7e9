/** Translates the end of a task into the vocabulary of `run_if`. */
import type { FinalState } from "./task-state.ts";
import type { Ending } from "./start-rule.ts";

/** Ending of a task as seen by the child of this name. */
export function endingFor(child: string, state: FinalState): Ending {
  if (state.status === "succeeded" && state.passed.chosen?.includes(child) === false)
    return "chose_others";
  if (state.status === "skipped" && state.reason === "upstream_failed") return "upstream_failed";
  return state.status;
}
