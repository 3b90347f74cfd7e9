/** Times and durations as a test writes them. */
import { parseDuration } from "../domain/duration.ts";
import type { DurationInput } from "../execution/author/api.ts";

/** Epoch milliseconds of a time. Throws a TypeError for anything else. */
export function timeOf(now: string | Date | number): number {
  const time = new Date(now).getTime();
  if (!Number.isNaN(time)) return time;
  throw new TypeError(`now is a time such as "2026-11-29T10:00:00Z", given ${String(now)}`);
}

/** Milliseconds of a duration. Throws a RangeError for anything else. */
export function millisecondsOf(duration: DurationInput, what: string): number {
  const ms = typeof duration === "number" ? duration : parseDuration(duration);
  if (ms !== null && ms >= 0 && Number.isFinite(ms)) return ms;
  throw new RangeError(
    `${what} is a duration such as "30s" or "2h", or milliseconds, given ${JSON.stringify(duration)}`,
  );
}
