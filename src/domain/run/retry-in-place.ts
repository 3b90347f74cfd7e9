/**
 * Retry in place: reopens the unsuccessful tasks of a final run. This is the only event with an
 * effect on final states (invariant 4).
 *
 *     reopened                                   kept
 *     failed, cancelled                          succeeded, whatever its upstream tasks did
 *     skipped, with a reopened upstream task     skipped, if a kept upstream task forbids the
 *                                                task in any case (`forbiddenBy`)
 *
 * A reopened task may be skipped again for another reason, such as the choice of an upstream task.
 * Its children then see the new reason.
 *
 * A reopened task waits for its reopened upstream tasks; the first start at once. Earlier attempts
 * stay in the record without counting: every reopened task has fresh budgets for retries and
 * losses.
 */
import type { Decision } from "./transition.ts";
import { endingFor } from "./ending.ts";
import { isFinal } from "./task-state.ts";
import { forbiddenBy } from "./start-rule.ts";

/** Reopens the run. Rejects with `run_not_final`, or `nothing_to_retry` if every task is kept. */
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

/**
 * Ordinals of the tasks to reopen. Ordinals do not follow the edges, so each added parent checks
 * its children again.
 */
function tasksToRunAgain(decision: Decision): ReadonlySet<number> {
  const again = new Set<number>();
  for (const [ordinal, { state }] of decision.run.tasks.entries()) {
    if (state.status === "failed" || state.status === "cancelled") again.add(ordinal);
  }
  // Iteration over a set includes entries added meanwhile.
  for (const ordinal of again) {
    for (const child of decision.entry(ordinal).task.downstream) {
      const { state } = decision.entry(child);
      if (state.status === "skipped" && !staysSkipped(decision, child, again)) again.add(child);
    }
  }
  return new Set([...again].toSorted((a, b) => a - b));
}

/** Tests whether a kept upstream task forbids the task in any case. */
function staysSkipped(decision: Decision, ordinal: number, again: ReadonlySet<number>): boolean {
  const { task } = decision.entry(ordinal);
  return task.upstream.some((parent) => {
    if (again.has(parent)) return false;
    const { state } = decision.entry(parent);
    return isFinal(state) && forbiddenBy(task.runIf, endingFor(task.name, state)) !== null;
  });
}
