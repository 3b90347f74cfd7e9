import { parseDuration } from "../domain/duration.ts";

/** A duration as in peach.conf (`250ms`, `30s`, `5m`, `2h`, `7d`), or milliseconds. */
export type DurationInput = string | number;

/** Converts a duration to milliseconds. Throws a RangeError that lists the accepted forms. */
export function durationMs(duration: DurationInput): number {
  const ms = typeof duration === "number" ? duration : parseDuration(duration);
  if (ms !== null && Number.isFinite(ms) && ms >= 0) return ms;
  throw new RangeError(
    `a duration is written like 250ms, 30s, 5m, 2h or 7d, or is milliseconds; given ${duration}`,
  );
}

/** Renders a duration for the API. */
export function durationText(duration: DurationInput): string {
  return `${Math.round(durationMs(duration))}ms`;
}
