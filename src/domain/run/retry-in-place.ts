/**
 * Retry in place: a final run goes on, with what is not right about it. The one event that changes final states (invariant 4).
 *
 *     again                                          kept
 *     failed, cancelled                              succeeded, whatever its upstream tasks did and do now
 *     skipped, if an upstream task of it is          skipped, if an upstream task that is kept forbids it whatever
 *     among these                                    the others do (`forbiddenBy`)
 *
 * What was skipped and is looked at again may be skipped again: no longer because of a failure that is gone, but since it was not
 * chosen, say. Its own children then see that.
 *
 * What runs again waits for those of its upstream tasks that run again too; the first of them start at once. Earlier attempts stay
 * in the record and count no more: every task that runs again has its whole budget of retries and of lost attempts.
 */
import type { Decision } from "./transition.ts";
import { endingFor } from "./ending.ts";
import { isFinal } from "./state.ts";
import { forbiddenBy } from "./start-rule.ts";

/** Opens the run again, or ignores the event: `run_not_final`, or `nothing_to_retry` if everything is kept. */
export function retryInPlace(decision: Decision): void {
  const { run } = decision;
  if (run.open > 0) return decision.ignore("run_not_final");
  const again = tasksToRunAgain(decision);
  if (again.size === 0) return decision.ignore("nothing_to_retry");
  for (const ordinal of again) decision.reopen(ordinal);
  if (run.cancelsChildren) decision.notes.cancelsChildren(false);
  for (const ordinal of again) {
    if (!decision.entry(ordinal).task.upstream.some((parent) => again.has(parent)))
      decision.start(ordinal);
  }
}

/** By ordinal. Ordinals do not follow the edges, so a task is looked at again with each upstream task that joins. */
function tasksToRunAgain(decision: Decision): ReadonlySet<number> {
  const again = new Set<number>();
  for (const [ordinal, { state }] of decision.run.tasks.entries()) {
    if (state.status === "failed" || state.status === "cancelled") again.add(ordinal);
  }
  // A set is walked through to those that are added meanwhile.
  for (const ordinal of again) {
    for (const child of decision.entry(ordinal).task.downstream) {
      const { state } = decision.entry(child);
      if (state.status === "skipped" && !staysSkipped(decision, child, again)) again.add(child);
    }
  }
  return new Set([...again].toSorted((a, b) => a - b));
}

/** Whether an upstream task that is kept forbids it by itself. */
function staysSkipped(decision: Decision, ordinal: number, again: ReadonlySet<number>): boolean {
  const { task } = decision.entry(ordinal);
  return task.upstream.some((parent) => {
    if (again.has(parent)) return false;
    const { state } = decision.entry(parent);
    return isFinal(state) && forbiddenBy(task.runIf, endingFor(task.name, state)) !== null;
  });
}
