/**
 * Cron expressions and time zones: validation and due times. This file alone uses the library.
 *
 * Daylight saving follows croner's `fixedTimeRule: "no-wildcard"`, the closest to Vixie cron. An
 * expression without `*` or step in seconds, minutes and hours names fixed times. Each is due once
 * a day: a skipped time at the first moment after the gap, a repeated time at its first occurrence.
 * Any other expression is an interval on the wall clock: skipped times are omitted, and repeated
 * times are due twice.
 */
import { Cron } from "croner";
import type { DueTimes } from "./due-times.ts";
import { nearest } from "../nearest.ts";

const FIELDS = [
  ["seconds", "0-59"],
  ["minutes", "0-59"],
  ["hours", "0-23"],
  ["day of month", "1-31, L or 15W"],
  ["month", "1-12 or JAN-DEC"],
  ["day of week", "0-7 or SUN-SAT, FRI#2 or FRI#L"],
] as const;

const NICKNAMES = ["@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"];
/** Patterns repeat with the calendar, so any start works. */
const ANY_TIME = new Date(Date.UTC(2000, 0, 1));

/** Fault of a cron expression; `expected` completes "expected ...". */
export interface CronFault {
  readonly expected: string;
  readonly hint: string | null;
}

/** Finds the fault of an expression; null if valid. */
export function cronFault(expression: string): CronFault | null {
  const cron = normalCron(expression);
  if (cron.startsWith("@")) {
    if (NICKNAMES.includes(cron.toLowerCase())) return null;
    return { expected: `a cron expression, or one of ${NICKNAMES.join(", ")}`, hint: null };
  }
  const fields = cron.split(" ");
  if (fields.length !== 5 && fields.length !== 6) {
    return {
      expected: "a cron expression of five fields, such as 0 3 * * *",
      hint: "the fields are minutes, hours, day of month, month, day of week; a sixth, in front, is seconds",
    };
  }
  const names = FIELDS.slice(-fields.length);
  for (const [index, [name, range]] of names.entries()) {
    if (
      parse(names.map((_, at) => (at === index ? (fields[index] ?? "") : "*")).join(" "), "UTC") !==
      null
    )
      continue;
    return {
      expected: `a cron expression whose ${name} (field ${index + 1}) is ${range}`,
      hint: `\`${fields[index] ?? ""}\` is not; a field is *, a value, a list 1,2, a range 1-5, or a step */5 or 0-30/5`,
    };
  }
  const whole = parse(cron, "UTC");
  if (whole === null) return { expected: "a cron expression", hint: null };
  if (whole.nextRun(ANY_TIME) !== null) return null;
  return {
    expected: "a cron expression that is due some day",
    hint: "no month of these has such a day",
  };
}

/** Finds the fault of a time zone name; null if the name is in the IANA database. */
export function timezoneFault(name: string): { readonly hint: string } | null {
  if (isTimezone(name)) return null;
  const zones = Intl.supportedValuesOf("timeZone");
  // A city alone is the usual slip.
  const city = zones.find((zone) => zone.toLowerCase().endsWith(`/${name.toLowerCase()}`));
  const meant = city ?? nearest(name, zones);
  return { hint: meant === null ? "it is written as Area/City, or UTC" : `did you mean ${meant}?` };
}

/** Rejects offsets such as +02:00, which have no daylight saving. Intl accepts them as zones. */
function isTimezone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

/** Normalises spaces: one between fields, none around them. */
export function normalCron(expression: string): string {
  return expression.trim().replaceAll(/\s+/g, " ");
}

/** Due times of a valid expression in a valid zone. Invalid input throws the library's error. */
export function dueTimes(cron: string, timezone: string): DueTimes {
  const times = new Cron(cron, { ...OPTIONS, timezone });
  const next = (after: number): number | null => times.nextRun(new Date(after))?.getTime() ?? null;
  return {
    next,
    latest(count, after, until) {
      // Backward search is slower than forward search, and most calls find nothing.
      const first = next(after);
      if (first === null || first > until) return [];
      const found: number[] = [];
      let before = until + 1;
      while (found.length < count) {
        const [date] = times.previousRuns(1, new Date(before));
        if (date === undefined || date.getTime() <= after) break;
        before = date.getTime();
        found.push(before);
      }
      return found.toReversed();
    },
  };
}

const OPTIONS = { mode: "5-or-6-parts", fixedTimeRule: "no-wildcard", paused: true } as const;

function parse(cron: string, timezone: string): Cron | null {
  try {
    return new Cron(cron, { ...OPTIONS, timezone });
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return null;
    throw error;
  }
}
