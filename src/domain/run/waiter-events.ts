/**
 * Runs waiting for the end of this run. Notifications are repeated until acknowledged
 * (`waiters.ts`); the run outlives its retention meanwhile, for a day at most.
 */
import type { Decision } from "./transition.ts";
import type { RunId } from "../ids.ts";
import { MOST_TELLS, tellNow } from "./waiters.ts";

/** Remembered runs which found this run by its key, at most. */
export const MOST_FINDERS = 100;

/** Subscribes another run. A request to a final run is answered at once. */
export function noteWatcher(decision: Decision, by: RunId): void {
  const { run } = decision;
  if (run.open === 0) decision.ignore("run_final");
  else if (run.watchers.includes(by)) decision.ignore("already_watched");
  else
    decision.notes.watch({ watchers: [by], ...(isParent(decision, by) && { parentKnows: true }) });
}

/**
 * Records a run which found this run by its key. This run must exist as long as either may be
 * retried.
 */
export function noteFound(decision: Decision, by: RunId): void {
  const { foundBy, origin } = decision.run;
  if (origin.parent?.runId === by || foundBy.includes(by) || foundBy.length >= MOST_FINDERS)
    decision.ignore("already_watched");
  else decision.notes.watch({ foundBy: by });
}

/** Records the parent's knowledge of this run. */
export function noteParentKnows(decision: Decision): void {
  if (decision.run.parentKnows) decision.ignore("already_known");
  else decision.notes.watch({ parentKnows: true });
}

/**
 * Tests for the parent. A task awaits only triggered runs, and the suspending entry lists them as
 * children.
 */
function isParent({ run }: Decision, by: RunId): boolean {
  return run.origin.parent?.isChild === true && run.origin.parent.runId === by;
}

/** Notifies the waiting runs of a final run again, or gives up. */
export function tellAgain(decision: Decision): void {
  const { run, now } = decision;
  if (run.telling === null || run.telling.tellAt > now) return decision.ignore("not_due");
  if (run.telling.tells >= MOST_TELLS) {
    decision.effect({ type: "untold", runIds: run.watchers });
    return decision.notes.watch({ told: run.watchers });
  }
  const { effect, telling } = tellNow(run.watchers, run.revision, run.telling.tells, now);
  decision.effect(effect);
  decision.notes.watch({ telling });
}

/**
 * Removes acknowledged runs. An acknowledgement of an ending undone by a retry does not count; the
 * next ending is notified again.
 */
export function noteTold(decision: Decision, watchers: readonly RunId[], revision: number): void {
  if (revision !== decision.run.revision) return decision.ignore("retried_since");
  const told = watchers.filter((watcher) => decision.run.watchers.includes(watcher));
  if (told.length === 0) decision.ignore("already_told");
  else decision.notes.watch({ told });
}
