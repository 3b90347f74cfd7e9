/**
 * The transactional outbox of a run: messages to other objects, stored in the run's state by the
 * commit which causes them, and kept until acknowledged. The alarm redelivers an entry with growing
 * delays, and the run outlives its retention meanwhile. Delivery is at least once, so receivers
 * must be idempotent. After about a day in vain an entry becomes a dead letter for a person, and
 * the retention of the run goes on.
 */
import { stepOf } from "./outbox-end.ts";
import type { Decision } from "./transition.ts";
import { FIRST_PAUSE_MS, newOwed } from "./outbox.ts";
import type { ChildRun } from "./state.ts";

const MAX_PAUSE_MS = 900_000;

/** Redelivers every due entry. Returns false without any. */
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

/** Removes an acknowledged entry. A cancellation acknowledged up to `next` continues from there. */
export function notePaid(decision: Decision, id: number, next: number | null): void {
  const { run, now, notes } = decision;
  const owed = run.owed.find((candidate) => candidate.id === id);
  if (owed === undefined) return decision.ignore("already_paid");
  const { debt } = owed;
  if (debt.type === "cancel_children" && next !== null && next < debt.until)
    notes.owe(newOwed({ ...debt, next: Math.max(debt.next, next) }, id - 1, now));
  else notes.pay(id);
}

/** Marks an entry as a dead letter. */
export function notePark(decision: Decision, id: number): void {
  const owed = decision.run.owed.find((candidate) => candidate.id === id);
  if (owed === undefined || owed.parked === true) decision.ignore("already_paid");
  else decision.notes.defer({ ...owed, parked: true });
}

/** Redelivers a parked entry at a person's request. */
export function payParked(decision: Decision, id: number): void {
  const owed = decision.run.owed.find((candidate) => candidate.id === id);
  if (owed?.parked !== true) decision.ignore("already_paid");
  else decision.notes.owe(newOwed(owed.debt, id - 1, decision.now));
}

/** Cancels the children of the run, including children found later. */
export function cancelChildren(decision: Decision): void {
  const { run, notes } = decision;
  if (run.cancelsChildren || (run.open === 0 && run.children.length === 0)) return;
  notes.cancelsChildren(true);
  oweCancelling(decision, 0, run.children.length);
}

/** Adds a child at its own request: an attempt which died unsettled never reported the child. */
export function noteChild(decision: Decision, child: ChildRun): void {
  const { run, notes } = decision;
  if (run.children.some(({ runId }) => runId === child.runId))
    return decision.ignore("already_known");
  notes.children([child]);
  cancelLateChildren(decision);
}

/**
 * Cancels children which became known after the cancellation: an attempt ended late, or the child
 * reported itself. A retry of the run stops this: children found or triggered afterwards are not
 * cancelled.
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
  // The pending delivery covers the new children too.
  if (open?.debt.type === "cancel_children" && until > known)
    notes.defer({ ...open, debt: { ...open.debt, until } });
  else oweCancelling(decision, known, until);
}

function oweCancelling({ run, notes, now }: Decision, next: number, until: number): void {
  if (next < until) notes.owe(newOwed({ type: "cancel_children", next, until }, run.owedEver, now));
}
