/**
 * Admission control: new work is taken at once, taken with a delay, or refused, by the lag of the
 * run queue. A delayed sender sends less, so the accepted rate falls to the finished rate. A sender
 * without back-pressure is refused once the backlog exceeds the promised lag. A few stragglers in
 * the queue delay nobody.
 */
import type { QueueProgress } from "./queue-progress.ts";

export type Admission =
  /** `isIdle`: no older work is waiting. */
  | { readonly type: "taken"; readonly afterMs: number; readonly isIdle: boolean }
  | { readonly type: "refused"; readonly retryAfterSeconds: number };

/** Normal lag of a message without any backlog. */
const IDLE_LAG_MS = 1_000;
/** Longest lag at which new work is still accepted. */
const MAX_LAG_MS = 60_000;
/** Delay of a trigger: this share of the lag, at most `mostMs`. */
const HOLD_UP = { share: 0.1, mostMs: 5_000 } as const;
/** `Retry-After` of a refusal: the time to finish half of the backlog. */
const RETRY_AFTER = { share: 0.5, mostSeconds: 300 } as const;

/**
 * Lowest message rate of a real backlog, per second of lag. Consumers take tens of messages a
 * second.
 */
const FEWEST_A_SECOND = 1;

/** Decides about a trigger from the state of the run queue. An unknown state admits the trigger. */
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

/**
 * Detects a few old messages without a backlog: a message which cannot be processed yet is
 * redelivered for hours.
 */
function isStraggling({ waiting, lagMs }: QueueProgress): boolean {
  return waiting !== undefined && waiting < (FEWEST_A_SECOND * lagMs) / 1_000;
}
