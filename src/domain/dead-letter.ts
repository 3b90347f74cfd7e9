/** A dead letter: a queue message that could not be processed, or what a run has given up to do, kept with its reason. Pure. */
import type { DeadLetterId } from "./ids.ts";

/**
 * Why a message is a dead letter:
 * - `not_understood`: its body is none that the queue carries.
 * - `refused`: it was understood, and a task refused what it would be triggered with.
 * - `given_up`: each of its deliveries failed, and the queue gave it up; or each try of a run to do what it owes (see owed.ts).
 */
export const DEAD_LETTER_REASONS = ["not_understood", "refused", "given_up"] as const;
export type DeadLetterReason = (typeof DEAD_LETTER_REASONS)[number];

export interface DeadLetter {
  readonly id: DeadLetterId;
  /** The queue that it was sent to; `none: owed by a run` if it was sent to none. */
  readonly queue: string;
  readonly reason: DeadLetterReason;
  /** The reason in words. */
  readonly detail: string;
  /** What the message carried, as JSON text. */
  readonly body: string;
  /** When it was recorded. Epoch milliseconds. */
  readonly receivedAt: number;
  /** How often it was tried to process it: deliveries, and redrives that failed. */
  readonly attempts: number;
  /** When it is deleted. Epoch milliseconds. */
  readonly expiresAt: number;
}
