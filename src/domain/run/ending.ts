/** How a task ended, in the words of the rules of `run_if`. */
import type { FinalState } from "./state.ts";
import type { Ending } from "./start-rule.ts";

/** What the child of this name sees of a task that ended so. */
export function endingFor(child: string, state: FinalState): Ending {
  if (state.status === "succeeded" && state.passed.chosen?.includes(child) === false)
    return "chose_others";
  if (state.status === "skipped" && state.reason === "upstream_failed") return "upstream_failed";
  return state.status;
}
