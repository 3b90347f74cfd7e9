/**
 * Runs that want to be told when this one is final, because a task of theirs awaits it. Telling is owed until each has answered:
 * it is repeated (`telling.ts`), and the run outlives its retention meanwhile, for a day at most.
 */
import type { Decision } from "./transition.ts";
import type { RunId } from "../ids.ts";
import { MOST_TELLS, tellNow } from "./waiters.ts";

/** So many runs that have found this one by its key are kept in mind. */
export const MOST_FINDERS = 100;

/** Another run awaits this one. Who asks for a final run has its answer at once. */
export function noteWatcher(decision: Decision, by: RunId): void {
  const { run } = decision;
  if (run.open === 0) decision.ignore("run_final");
  else if (run.watchers.includes(by)) decision.ignore("already_watched");
  else
    decision.notes.watch({ watchers: [by], ...(isParent(decision, by) && { parentKnows: true }) });
}

/** Another run has found this one by its key: this one must be found again for as long as either may be retried. */
export function noteFound(decision: Decision, by: RunId): void {
  const { foundBy, origin } = decision.run;
  if (origin.parent?.runId === by || foundBy.includes(by) || foundBy.length >= MOST_FINDERS)
    decision.ignore("already_watched");
  else decision.notes.watch({ foundBy: by });
}

/** The parent run has this one among its children. */
export function noteParentKnows(decision: Decision): void {
  if (decision.run.parentKnows) decision.ignore("already_known");
  else decision.notes.watch({ parentKnows: true });
}

/** A task awaits only what it has triggered, and the entry that suspends it names that as a child. */
function isParent({ run }: Decision, by: RunId): boolean {
  return run.origin.parent?.isChild === true && run.origin.parent.runId === by;
}

/** A final run was woken. */
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

/** These have answered. What they know of an ending that a retry has undone since does not count: they are told of the next one. */
export function noteTold(decision: Decision, watchers: readonly RunId[], revision: number): void {
  if (revision !== decision.run.revision) return decision.ignore("retried_since");
  const told = watchers.filter((watcher) => decision.run.watchers.includes(watcher));
  if (told.length === 0) decision.ignore("already_told");
  else decision.notes.watch({ told });
}
