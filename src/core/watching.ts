/**
 * Runs that want to be told when this one is final, because a task of theirs awaits it. Telling is owed until each has answered:
 * it is repeated (`telling.ts`), and the run outlives its retention meanwhile.
 */
import type { Decision } from "./decision.ts";
import type { RunId } from "./ids.ts";
import { tellNow } from "./telling.ts";

/** Another run awaits this one. Who asks for a final run has its answer at once. */
export function noteWatcher(decision: Decision, by: RunId): void {
  const { run } = decision;
  if (run.open === 0) decision.ignore("run_final");
  else if (run.watchers.includes(by)) decision.ignore("already_watched");
  else decision.notes.watch({ watchers: [by] });
}

/** A final run was woken. */
export function tellAgain(decision: Decision): void {
  const { run, now } = decision;
  if (run.telling === null || run.telling.tellAt > now) return decision.ignore("not_due");
  const { effect, telling } = tellNow(run, now);
  decision.effect(effect);
  decision.notes.watch({ telling });
}

/** These have answered. */
export function noteTold(decision: Decision, watchers: readonly RunId[]): void {
  const told = watchers.filter((watcher) => decision.run.watchers.includes(watcher));
  if (told.length === 0) decision.ignore("already_told");
  else decision.notes.watch({ told });
}
