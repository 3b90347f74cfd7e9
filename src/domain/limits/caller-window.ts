/**
 * How many requests of one caller came within a window that slides. Pure.
 *
 * Each request takes a place, which comes free when the window has passed over it: to the millisecond up to a hundred places; above,
 * places come free together, at most a hundred times a window, never early. So no window of any position holds more than `limit`.
 */
import { placeFreeAt } from "./place-free-at.ts";

/** At most `limit` requests in any `perMs`. */
export interface CallerRule {
  readonly limit: number;
  readonly perMs: number;
}

/** Places that are taken, by the time at which they come free (epoch milliseconds), in order. */
export type CallerWindow = readonly (readonly [freeAt: number, count: number])[];

export type Taken =
  | { readonly isAdmitted: true; readonly window: CallerWindow }
  /** `freeAt`: when the next place comes free. */
  | { readonly isAdmitted: false; readonly freeAt: number };

const MOST_STEPS = 100;

/** Takes a place at `now` (epoch milliseconds), if one is free. */
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
