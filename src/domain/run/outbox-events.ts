/**
 * What a run owes to others beyond its own tasks. It stands in the run's state from the commit that makes it until somebody has
 * acknowledged it; until then the alarm repeats it, with growing pauses, and the run outlives its retention. Whoever is paid twice
 * must not mind. It has an end: what was in vain for about a day becomes a dead letter, so that a person sees it, and the run's
 * retention goes on.
 */
import { stepOf } from "./outbox-end.ts";
import type { Decision } from "./transition.ts";
import { FIRST_PAUSE_MS, newOwed } from "./outbox.ts";
import type { ChildRun } from "./state.ts";

const MAX_PAUSE_MS = 900_000;

/** Time has passed: what is due is paid again. Whether there was any. */
export function payAgain(decision: Decision): boolean {
  const due = decision.run.owed.filter(
    ({ dueAt, parked }) => parked !== true && dueAt <= decision.now,
  );
  for (const owed of due) {
    const tries = owed.tries + 1;
    const pauseMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** owed.tries);
    if (stepOf({ tries }) === "drop") decision.notes.defer({ ...owed, parked: true });
    else decision.notes.owe({ ...owed, tries, dueAt: decision.now + pauseMs });
  }
  return due.length > 0;
}

/** Somebody has acknowledged it; of runs to be cancelled, those before number `next`. */
export function notePaid(decision: Decision, id: number, next: number | null): void {
  const { run, now, notes } = decision;
  const owed = run.owed.find((candidate) => candidate.id === id);
  if (owed === undefined) return decision.ignore("already_paid");
  const { debt } = owed;
  if (debt.type === "cancel_children" && next !== null && next < debt.until)
    notes.owe(newOwed({ ...debt, next: Math.max(debt.next, next) }, id - 1, now));
  else notes.pay(id);
}

/** It is a dead letter now. */
export function notePark(decision: Decision, id: number): void {
  const owed = decision.run.owed.find((candidate) => candidate.id === id);
  if (owed === undefined || owed.parked === true) decision.ignore("already_paid");
  else decision.notes.defer({ ...owed, parked: true });
}

/** A person has a debt paid that was given up. */
export function payParked(decision: Decision, id: number): void {
  const owed = decision.run.owed.find((candidate) => candidate.id === id);
  if (owed?.parked !== true) decision.ignore("already_paid");
  else decision.notes.owe(newOwed(owed.debt, id - 1, decision.now));
}

/** Has the runs cancelled that this one has triggered, and those that its attempts will turn out to have triggered. */
export function cancelChildren(decision: Decision): void {
  const { run, notes } = decision;
  if (run.cancelsChildren || (run.open === 0 && run.children.length === 0)) return;
  notes.cancelsChildren(true);
  oweCancelling(decision, 0, run.children.length);
}

/** A child says that an attempt of this run has triggered it: an attempt that has died unsettled could not say so. */
export function noteChild(decision: Decision, child: ChildRun): void {
  const { run, notes } = decision;
  if (run.children.some(({ runId }) => runId === child.runId))
    return decision.ignore("already_known");
  notes.children([child]);
  cancelLateChildren(decision);
}

/**
 * Runs became known that the run has triggered, after it was cancelled with them: an attempt has ended only now, or the run itself says so. A
 * retry of the run puts an end to that: what its attempts find again, or trigger anew, is not cancelled.
 */
export function cancelLateChildren(decision: Decision): void {
  const { run, notes } = decision;
  if (!run.cancelsChildren) return;
  const known = run.children.length;
  const until = known + notes.newChildren;
  const open = run.owed.find(
    ({ debt, parked }) =>
      debt.type === "cancel_children" && debt.until === known && parked !== true,
  );
  // Who pays it goes on to these by itself.
  if (open?.debt.type === "cancel_children" && until > known)
    notes.defer({ ...open, debt: { ...open.debt, until } });
  else oweCancelling(decision, known, until);
}

function oweCancelling({ run, notes, now }: Decision, next: number, until: number): void {
  if (next < until) notes.owe(newOwed({ type: "cancel_children", next, until }, run.owedEver, now));
}
