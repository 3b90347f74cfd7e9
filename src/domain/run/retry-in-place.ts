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
import { reopenTask, startTask } from "./cascade.ts";
import type { Transition } from "./transition.ts";
import { restartLateness } from "./lateness.ts";
import { roundsOf } from "./run-times.ts";
import { endingFor } from "./ending.ts";
import { isFinal } from "./task-state.ts";
import { forbiddenBy } from "./start-rule.ts";

/** Reopens the run. Rejects with `run_not_final`, or `nothing_to_retry` if every task is kept. */
export function retryInPlace(transition: Transition, by: string | null): void {
  const { run } = transition;
  if (run.open > 0) return transition.reject("run_not_final");
  const again = tasksToRunAgain(transition);
  if (again.size === 0) return transition.reject("nothing_to_retry");
  const round = roundsOf(run) + 1;
  for (const ordinal of again) reopenTask(transition, ordinal, round);
  restartLateness(transition, transition.now);
  const [first] = again;
  if (first !== undefined) transition.note(first, { what: "retried", at: transition.now, by });
  if (run.cancelsChildren) transition.builder.cancelsChildren(false);
  for (const ordinal of again) {
    if (!transition.entry(ordinal).task.upstream.some((parent) => again.has(parent)))
      startTask(transition, ordinal);
  }
}

/**
 * Ordinals of the tasks to reopen. Ordinals do not follow the edges, so each added parent checks
 * its children again.
 */
function tasksToRunAgain(transition: Transition): ReadonlySet<number> {
  const again = new Set<number>();
  for (const [ordinal, { state }] of transition.run.tasks.entries()) {
    if (state.status === "failed" || state.status === "cancelled") again.add(ordinal);
  }
  // Iteration over a set includes entries added meanwhile.
  for (const ordinal of again) {
    for (const child of transition.entry(ordinal).task.downstream) {
      const { state } = transition.entry(child);
      if (state.status === "skipped" && !staysSkipped(transition, child, again)) again.add(child);
    }
  }
  return new Set([...again].toSorted((a, b) => a - b));
}

/** Tests whether a kept upstream task forbids the task in any case. */
function staysSkipped(
  transition: Transition,
  ordinal: number,
  again: ReadonlySet<number>,
): boolean {
  const { task } = transition.entry(ordinal);
  return task.upstream.some((parent) => {
    if (again.has(parent)) return false;
    const { state } = transition.entry(parent);
    return isFinal(state) && forbiddenBy(task.runIf, endingFor(task.name, state)) !== null;
  });
}
