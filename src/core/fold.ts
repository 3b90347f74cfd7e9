/**
 * How a change folds into a run. Folding all changes of a journal in order gives the run; so the fold must stay able to read the
 * entries of older versions.
 */
import { foldEach, foldItem } from "./each.ts";
import { entryOf, isActive, isFinal, type AttemptRecord, type Run, type RunChange } from "./run.ts";

/** Folds a change into the run, in place: a run may be wide and a change touches few tasks. Call it after the commit. */
export function fold(run: Run, change: RunChange): void {
  for (const { ordinal, state, attempts, retriedAfter } of change.tasks) {
    const entry = entryOf(run, ordinal);
    if (entry === undefined) throw new RangeError(`run ${run.id} has no task ${ordinal}`);
    if (entry.item === undefined) {
      const ended = Number(isFinal(state)) - Number(isFinal(entry.state));
      run.open -= ended;
      if (ended !== 0) for (const child of entry.task.downstream) countDown(run, child, ended);
      foldEach(run, ordinal, entry, state);
    } else foldItem(run, entry, entry.item, state);
    entry.state = state;
    if (retriedAfter !== undefined) entry.retriedAfter = retriedAfter;
    if (isActive(state)) run.active.add(ordinal);
    else run.active.delete(ordinal);
    for (const attempt of attempts) {
      entry.attempts[attempt.attempt - 1] = attempt;
      if (entry.item !== undefined) forgetOld(entry.attempts, attempt.attempt - 1 - FULL_ATTEMPTS);
    }
  }
  Object.assign(run, change.run);
  if (change.lastToken !== undefined) run.lastToken = change.lastToken;
  if (change.children !== undefined) run.children.push(...change.children);
  if (change.payload !== undefined) run.payload = change.payload;
}

/** Of an item that is tried again and again, so many attempts keep their error and log. */
const FULL_ATTEMPTS = 5;

function forgetOld(attempts: AttemptRecord[], index: number): void {
  const old = attempts[index];
  if (old !== undefined) attempts[index] = { ...old, error: null, logs: null };
}

function countDown(run: Run, ordinal: number, by: number): void {
  const entry = run.tasks[ordinal];
  if (entry !== undefined) entry.waitingOn -= by;
}
