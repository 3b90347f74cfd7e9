/**
 * What a run owes to others beyond its own tasks. It stands in the run's state from the commit that makes it until somebody has
 * acknowledged it; until then the alarm repeats it, with growing pauses, and the run outlives its retention. Whoever is paid twice
 * must not mind.
 */
import type { Decision } from "./decision.ts";
import type { RunId } from "./ids.ts";
import { FIRST_PAUSE_MS, newOwed } from "./owing.ts";

const MAX_PAUSE_MS = 300_000;

/** Time has passed: what is due is paid again. Whether there was any. */
export function payAgain(decision: Decision): boolean {
  const due = decision.run.owed.filter(({ dueAt }) => dueAt <= decision.now);
  for (const { tries, ...owed } of due) {
    const pauseMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries);
    decision.notes.owe({ ...owed, tries: tries + 1, dueAt: decision.now + pauseMs });
  }
  return due.length > 0;
}

/** Somebody has acknowledged it; of runs to be cancelled, those before number `next`. */
export function notePaid(decision: Decision, id: number, next: number | null): void {
  const { run, now } = decision;
  const owed = run.owed.find((candidate) => candidate.id === id);
  if (owed === undefined) return decision.ignore("already_paid");
  if (owed.debt.type === "cancel_children" && next !== null && next < run.children.length)
    decision.notes.owe({ ...newOwed({ type: "cancel_children", next }, id - 1, now) });
  else decision.notes.pay(id);
}

/** Has the runs cancelled that this one has triggered, and those that its attempts will turn out to have triggered. */
export function cancelChildren({ run, notes, now }: Decision): void {
  if (run.cancelsChildren || (run.open === 0 && run.children.length === 0)) return;
  notes.cancelsChildren(true);
  if (run.children.length > 0) notes.owe(newOwed({ type: "cancel_children", next: 0 }, run.owedEver, now));
}

/** An attempt has ended after its run was cancelled: what it had triggered is known only now. */
export function noteLateChildren({ run, notes, now }: Decision, children: readonly { readonly runId: RunId }[]): void {
  if (!run.cancelsChildren || run.owed.some(({ debt }) => debt.type === "cancel_children")) return;
  const isNew = children.some(({ runId }) => !run.children.some((known) => known.runId === runId));
  if (isNew) notes.owe(newOwed({ type: "cancel_children", next: run.children.length }, run.owedEver, now));
}
