/**
 * Sliding-window rate limit per caller. Pure. Each request occupies a place until the window has
 * passed: to the millisecond up to a hundred places. Above a hundred, places become free in groups,
 * at most a hundred times per window and never early. So no window of any position holds more than
 * `limit` requests.
 */
import { placeFreeAt } from "./place-free-at.ts";

/** At most `limit` requests in any `perMs`. */
export interface CallerRule {
  readonly limit: number;
  readonly perMs: number;
}

/** Occupied places by the time of release (epoch milliseconds), in order. */
export type CallerWindow = readonly (readonly [freeAt: number, count: number])[];

export type Taken =
  | { readonly isAdmitted: true; readonly window: CallerWindow }
  /** `freeAt`: release of the next place. */
  | { readonly isAdmitted: false; readonly freeAt: number };

const MOST_STEPS = 100;

/** Takes a place at `now` (epoch milliseconds) if one is free. */
export function takePlace(before: CallerWindow, { limit, perMs }: CallerRule, now: number): Taken {
  const window = before.filter(([freeAt]) => freeAt > now);
  let excess = window.reduce((sum, [, count]) => sum + count, 0) - limit;
  if (excess >= 0) {
    const next = window.find(([, count]) => (excess -= count) < 0);
    return { isAdmitted: false, freeAt: next?.[0] ?? now + perMs };
  }
  const freeAt = placeFreeAt(now, perMs, limit, MOST_STEPS);
  const index = window.findIndex(([at]) => at >= freeAt);
  const same = window[index];
  if (same?.[0] === freeAt)
    return { isAdmitted: true, window: window.with(index, [freeAt, same[1] + 1]) };
  return {
    isAdmitted: true,
    window: window.toSpliced(index < 0 ? window.length : index, 0, [freeAt, 1]),
  };
}
