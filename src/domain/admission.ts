/**
 * What becomes of new work while older work waits: taken at once, later, or not at all. Who is slowed down sends less, so that what is
 * accepted a second comes down to what is finished; and who sends without waiting for answers is refused, once what waits is more than
 * can be promised. Messages that are old for reasons of their own hold nobody up.
 */
import type { QueueProgress } from "./queue-progress.ts";

export type Admission =
  /** `isIdle`: nothing older waits. */
  | { readonly type: "taken"; readonly afterMs: number; readonly isIdle: boolean }
  | { readonly type: "refused"; readonly retryAfterSeconds: number };

/** A message is under way so long without any backlog. */
const IDLE_LAG_MS = 1_000;
/** Beyond, what waits is more than can be promised. */
const MAX_LAG_MS = 60_000;
/** A trigger is held up by this share of the time that messages wait, at most so long. */
const HOLD_UP = { share: 0.1, mostMs: 5_000 } as const;
/** What is refused may come again when half of what waits is done. */
const RETRY_AFTER = { share: 0.5, mostSeconds: 300 } as const;

/** Consumers that are behind leave more messages than so many for each second of it: they take tens a second. */
const FEWEST_A_SECOND = 1;

/** Decides about a trigger by what is known of the run queue; where nothing is known it is taken. */
export function admissionOf(queue: QueueProgress | null): Admission {
  const lagMs = queue?.lagMs ?? 0;
  if (lagMs > IDLE_LAG_MS && queue !== null && isStraggling(queue))
    return { type: "taken", afterMs: 0, isIdle: false };
  if (lagMs > MAX_LAG_MS) {
    const seconds = Math.ceil((lagMs * RETRY_AFTER.share) / 1_000);
    return { type: "refused", retryAfterSeconds: Math.min(RETRY_AFTER.mostSeconds, seconds) };
  }
  if (lagMs <= IDLE_LAG_MS) return { type: "taken", afterMs: 0, isIdle: true };
  return {
    type: "taken",
    afterMs: Math.min(HOLD_UP.mostMs, Math.round(lagMs * HOLD_UP.share)),
    isIdle: false,
  };
}

/** Whether the oldest messages are old for reasons of their own: one that cannot be processed yet comes again and again, for hours. */
function isStraggling({ waiting, lagMs }: QueueProgress): boolean {
  return waiting !== undefined && waiting < (FEWEST_A_SECOND * lagMs) / 1_000;
}
