/** Outbox entries: creation and due times (see outbox-events.ts). */
import type { ChangeBuilder } from "./change-builder.ts";
import type { OutboxMessage, FailedTask, OutboxEntry } from "./outbox-entry.ts";
import type { Run } from "./state.ts";
import type { TaskChange } from "./run-change.ts";

/** Delay before the first redelivery. */
export const FIRST_PAUSE_MS = 10_000;

/** Failed tasks listed in an alert, at most. */
const LISTED_FAILURES = 100;

/** Makes an entry due now. `before`: number of earlier entries. */
export function newOutboxEntry(debt: OutboxMessage, before: number, now: number): OutboxEntry {
  return { id: before + 1, debt, tries: 1, dueAt: now + FIRST_PAUSE_MS };
}

/** Due time of the next redelivery; Infinity without one. */
export function nextDeliveryAt({ owed }: Pick<Run, "owed">): number {
  return owed.reduce(
    (soonest, { dueAt, parked }) => (parked === true ? soonest : Math.min(soonest, dueAt)),
    Number.POSITIVE_INFINITY,
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
  const debt: OutboxMessage = { type: "alert", ...times, failed: failed.slice(0, LISTED_FAILURES) };
  builder.enqueue(newOutboxEntry(debt, run.owedEver, times.finishedAt));
}
