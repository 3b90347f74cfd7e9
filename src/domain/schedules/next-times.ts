/** Upcoming due times of a schedule, for display. */
import type { SchedulePlan } from "../plan/plan.ts";
import { dueTimes } from "./cron.ts";

export interface NextTime {
  /** Local time in the schedule's zone with offset: `2027-03-28T03:00:00+02:00`. */
  readonly local: string;
  readonly utc: string;
}

/** Returns the first `count` due times after `now` (epoch milliseconds), or fewer at the end. */
export function nextTimes(
  { cron, timezone }: Pick<SchedulePlan, "cron" | "timezone">,
  now: number,
  count: number,
) {
  const times = dueTimes(cron, timezone);
  const next: NextTime[] = [];
  for (let at = times.next(now); at !== null && next.length < count; at = times.next(at))
    next.push({
      local: localTime(at, timezone),
      utc: `${new Date(at).toISOString().slice(0, 19)}Z`,
    });
  return next;
}

/**
 * Formats ISO 8601 with the zone's offset at that time. Whole seconds: due times have no fraction.
 */
function localTime(at: number, timezone: string): string {
  const parts = new Intl.DateTimeFormat("en", {
    timeZone: timezone,
    calendar: "gregory",
    numberingSystem: "latn",
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  }).formatToParts(at);
  const part = (type: string): number => Number(parts.find((one) => one.type === type)?.value ?? 0);
  const wall = Date.UTC(
    part("year"),
    part("month") - 1,
    part("day"),
    part("hour"),
    part("minute"),
    part("second"),
  );
  const offset = Math.round((wall - at) / 1_000);
  return `${new Date(wall).toISOString().slice(0, 19)}${offsetText(offset)}`;
}

function offsetText(seconds: number): string {
  const minutes = Math.round(Math.abs(seconds) / 60);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${seconds < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
