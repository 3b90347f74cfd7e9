/**
 * Dead letters: unprocessable queue messages and abandoned outbox entries of runs, kept with a
 * reason. Pure.
 */
import type { DeadLetterId } from "./ids.ts";

/**
 * Reason of a dead letter.
 * - `not_understood`: the body matches no message format of the queue.
 * - `refused`: a task refused the trigger in the message.
 * - `given_up`: every delivery of the message failed, or every delivery of an outbox entry (see
 *   outbox.ts).
 */
export const DEAD_LETTER_REASONS = ["not_understood", "refused", "given_up"] as const;
export type DeadLetterReason = (typeof DEAD_LETTER_REASONS)[number];

export interface DeadLetter {
  readonly id: DeadLetterId;
  /** Name of the queue; `none: owed by a run` for an outbox entry. */
  readonly queue: string;
  readonly reason: DeadLetterReason;
  /** The reason in words. */
  readonly detail: string;
  /** Content of the message, as JSON text. */
  readonly body: string;
  /** Epoch milliseconds of recording. */
  readonly receivedAt: number;
  /** Number of failed deliveries and redrives. */
  readonly attempts: number;
  /** Epoch milliseconds of deletion. */
  readonly expiresAt: number;
}
