/** Entries of a run's outbox (see outbox-events.ts). */
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
  readonly debt: OutboxMessage;
  readonly tries: number;
  /** Next delivery without an acknowledgement. */
  readonly dueAt: number;
  /**
   * Set after giving up: no delivery is due, and the run is not kept for the entry. A person may
   * redrive the entry.
   */
  readonly parked?: true;
}
