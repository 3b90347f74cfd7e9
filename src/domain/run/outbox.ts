/**
 * The transactional outbox of a run: messages to other objects, stored in the run's state by the
 * commit which causes them, and kept until acknowledged. The alarm redelivers an entry with growing
 * delays, and the run outlives its retention meanwhile. Delivery is at least once, so receivers
 * must be idempotent. After about a day in vain an entry becomes a dead letter for a person, and
 * the retention of the run goes on.
 */
import {
  deliveryStep,
  FIRST_PAUSE_MS,
  newOutboxEntry,
  type OutboxMessage,
  type FailedTask,
} from "./outbox-entry.ts";
import type { Transition } from "./transition.ts";
import type { ChildRun, Run } from "./state.ts";
import type { ChangeBuilder } from "./change-builder.ts";
import type { TaskChange } from "./run-change.ts";

/** Failed tasks listed in an alert, at most. */
const LISTED_FAILURES = 100;
const MAX_PAUSE_MS = 900_000;

/** Redelivers every due entry. Returns false without any. */
export function redeliverDue(transition: Transition): boolean {
  const due = transition.run.outbox.filter(
    ({ dueAt, parked }) => parked !== true && dueAt <= transition.now,
  );
  for (const entry of due) {
    const tries = entry.tries + 1;
    const pauseMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** entry.tries);
    if (deliveryStep({ tries }) === "drop") transition.builder.update({ ...entry, parked: true });
    else transition.builder.enqueue({ ...entry, tries, dueAt: transition.now + pauseMs });
  }
  return due.length > 0;
}

/** Removes an acknowledged entry. A cancellation acknowledged up to `next` continues from there. */
export function acknowledgeEntry(transition: Transition, id: number, next: number | null): void {
  const { run, now, builder } = transition;
  const entry = run.outbox.find((candidate) => candidate.id === id);
  if (entry === undefined) return transition.reject("already_acknowledged");
  const { message } = entry;
  if (message.type === "cancel_children" && next !== null && next < message.until)
    builder.enqueue(
      newOutboxEntry({ ...message, next: Math.max(message.next, next) }, id - 1, now),
    );
  else builder.acknowledge(id);
}

/** Marks an entry as a dead letter. */
export function parkEntry(transition: Transition, id: number): void {
  const entry = transition.run.outbox.find((candidate) => candidate.id === id);
  if (entry === undefined || entry.parked === true) transition.reject("already_acknowledged");
  else transition.builder.update({ ...entry, parked: true });
}

/** Redelivers a parked entry at a person's request. */
export function redriveEntry(transition: Transition, id: number): void {
  const entry = transition.run.outbox.find((candidate) => candidate.id === id);
  if (entry?.parked !== true) transition.reject("already_acknowledged");
  else transition.builder.enqueue(newOutboxEntry(entry.message, id - 1, transition.now));
}

/** Cancels the children of the run, including children found later. */
export function cancelChildren(transition: Transition): void {
  const { run, builder } = transition;
  if (run.cancelsChildren || (run.open === 0 && run.children.length === 0)) return;
  builder.cancelsChildren(true);
  enqueueCancellation(transition, 0, run.children.length);
}

/** Adds a child at its own request: an attempt which died unsettled never reported the child. */
export function addChild(transition: Transition, child: ChildRun): void {
  const { run, builder } = transition;
  if (run.children.some(({ runId }) => runId === child.runId))
    return transition.reject("already_known");
  builder.children([child]);
  cancelLateChildren(transition);
}

/**
 * Cancels children which became known after the cancellation: an attempt ended late, or the child
 * reported itself. A retry of the run stops this: children found or triggered afterwards are not
 * cancelled.
 */
export function cancelLateChildren(transition: Transition): void {
  const { run, builder } = transition;
  if (!run.cancelsChildren) return;
  const known = run.children.length;
  const until = known + builder.newChildren;
  const open = run.outbox.find(
    ({ message, parked }) =>
      message.type === "cancel_children" && message.until === known && parked !== true,
  );
  // The pending delivery covers the new children too.
  if (open?.message.type === "cancel_children" && until > known)
    builder.update({ ...open, message: { ...open.message, until } });
  else enqueueCancellation(transition, known, until);
}

function enqueueCancellation({ run, builder, now }: Transition, next: number, until: number): void {
  if (next < until)
    builder.enqueue(
      newOutboxEntry({ type: "cancel_children", next, until }, run.lastOutboxId, now),
    );
}

/**
 * Enqueues the alert of a failed run, if peach.conf has `on_failure`. `changes`: pending changes by
 * ordinal.
 */
export function enqueueAlert(
  run: Run,
  builder: ChangeBuilder,
  changes: ReadonlyMap<number, TaskChange>,
  times: { readonly startedAt: number | null; readonly finishedAt: number },
): void {
  if (run.graph.onFailure === undefined) return;
  const failed = run.tasks.flatMap((entry, ordinal): FailedTask[] => {
    const change = changes.get(ordinal);
    const state = change?.state ?? entry.state;
    if (state.status !== "failed") return [];
    const attempts = (change?.attempts ?? []).reduce(
      (most, { attempt }) => Math.max(most, attempt),
      entry.attempts.length,
    );
    return [{ ordinal, reason: state.reason, attempts }];
  });
  const message: OutboxMessage = {
    type: "alert",
    ...times,
    failed: failed.slice(0, LISTED_FAILURES),
  };
  builder.enqueue(newOutboxEntry(message, run.lastOutboxId, times.finishedAt));
}
