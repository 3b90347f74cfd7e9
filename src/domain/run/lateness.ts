/**
 * Late runs: not final by the `late_after` of their root task. The time counts from the trigger,
 * from the end of the delay, or from the last retry in place. The alarm of the run notes the
 * lateness once, at the root task, and the run goes on.
 *
 * A run without `late_after` has neither an alarm nor a note for this purpose.
 */
import type { Run } from "./state.ts";
import type { Transition } from "./transition.ts";

/** Time at which the open run becomes late; Infinity for a run that is late or never will be. */
export function lateDueAt({ graph, tasks, createdAt }: Run): number {
  const { lateAfterMs } = graph;
  if (lateAfterMs === undefined) return Number.POSITIVE_INFINITY;
  const [root] = tasks;
  return root?.lateAt === undefined
    ? createdAt + lateAfterMs
    : (root.lateAt ?? Number.POSITIVE_INFINITY);
}

/** Tests for a run whose last round was not final in time. */
export function isLate({ tasks: [root] }: Pick<Run, "tasks">): boolean {
  return root?.lateAt === null;
}

/** Counts the time of the run from `from` on. */
export function restartLateness(transition: Transition, from: number): void {
  const { lateAfterMs } = transition.run.graph;
  if (lateAfterMs !== undefined) transition.setLateAt(from + lateAfterMs);
}

/** Notes a run as late at the due time. Returns true for a new note. */
export function noteLateness(transition: Transition): boolean {
  const { run, now } = transition;
  if (run.finishedAt !== null || lateDueAt(run) > now) return false;
  transition.setLateAt(null);
  return true;
}
