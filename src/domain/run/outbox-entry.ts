/** Entries of a run's outbox (see outbox.ts): content, due time, and end of retries. */
import type { FailReason } from "./task-state.ts";

/**
 * Message of an outbox entry.
 * - `alert`: triggers the task of `on_failure` with a summary of the failed run. A retry does not
 *   change the summary.
 * - `cancel_children`: cancels the children from number `next` up to (excluding) `until`, the
 *   children known at the cancellation. Children triggered after a retry are not affected.
 */
export type OutboxMessage =
  | {
      readonly type: "alert";
      readonly startedAt: number | null;
      readonly finishedAt: number;
      /** First failed tasks. `attempts`: the number of attempts. */
      readonly failed: readonly FailedTask[];
    }
  | { readonly type: "cancel_children"; readonly next: number; readonly until: number };

export interface FailedTask {
  readonly ordinal: number;
  readonly reason: FailReason;
  readonly attempts: number;
}

export interface OutboxEntry {
  /** Number from 1 over the whole run. */
  readonly id: number;
  readonly message: OutboxMessage;
  readonly tries: number;
  /** Next delivery without an acknowledgement. */
  readonly dueAt: number;
  /**
   * Set after giving up: no delivery is due, and the run is not kept for the entry. A person may
   * redrive the entry.
   */
  readonly parked?: true;
}

/** Delay before the first redelivery. */
export const FIRST_PAUSE_MS = 10_000;

/** Makes an entry due now. `before`: number of earlier entries. */
export function newOutboxEntry(message: OutboxMessage, before: number, now: number): OutboxEntry {
  return { id: before + 1, message, tries: 1, dueAt: now + FIRST_PAUSE_MS };
}

/** Due time of the next redelivery; Infinity without one. */
export function nextDeliveryAt({ outbox }: { readonly outbox: readonly OutboxEntry[] }): number {
  return outbox.reduce(
    (soonest, { dueAt, parked }) => (parked === true ? soonest : Math.min(soonest, dueAt)),
    Number.POSITIVE_INFINITY,
  );
}

/** Deliveries before an entry becomes a dead letter, about a day. */
const MAX_DELIVERIES = 100;

/** Attempts to record the dead letter, over an hour. Afterwards only the log mentions the entry. */
const MAX_RECORDINGS = 6;

/** Next action for an entry, due for the `tries`th time. */
export function deliveryStep({ tries }: Pick<OutboxEntry, "tries">): "deliver" | "park" | "drop" {
  if (tries <= MAX_DELIVERIES) return "deliver";
  return tries <= MAX_DELIVERIES + MAX_RECORDINGS ? "park" : "drop";
}
