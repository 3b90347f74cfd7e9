/** Guesses the meaning of values in another notation, for the hint "did you mean ...?". */
import { nearest } from "../domain/nearest.ts";

/** The usual names of units, as Peach writes the unit. Names are in lower case. */
const UNITS: readonly (readonly [names: RegExp, unit: string])[] = [
  [/^(milliseconds?|millis|msec)$/, "ms"],
  [/^(seconds?|secs?)$/, "s"],
  [/^(minutes?|mins?)$/, "m"],
  [/^(hours?|hrs?)$/, "h"],
  [/^days?$/, "d"],
  [/^(b|bytes?)$/, "B"],
  [/^(k|kb|kib)$/, "KB"],
  [/^(mb|mib)$/, "MB"],
  [/^(g|gb|gib)$/, "GB"],
];

/** The unit below each unit, which makes a whole number of a fraction such as 1.5h. */
const BELOW: Readonly<Record<string, readonly [unit: string, many: number]>> = {
  d: ["h", 24],
  h: ["m", 60],
  m: ["s", 60],
  s: ["ms", 1000],
  MB: ["KB", 1024],
  KB: ["B", 1024],
};

/**
 * Guesses a duration or a size, such as 30s for 30, `30 sec` or `0.5 min`. `assumed` is the unit of
 * a number alone. The caller tests whether the guess has a unit of the right kind.
 */
export function nearQuantity(given: unknown, assumed: string): string | null {
  const text = typeof given === "number" || typeof given === "string" ? String(given).trim() : "";
  const [, digits, name = ""] = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(text) ?? [];
  if (digits === undefined) return null;
  const unit = name === "" ? assumed : unitOf(name.toLowerCase());
  const value = Number(digits);
  if (Number.isSafeInteger(value)) return `${value}${unit}`;
  const [lower, many] = BELOW[unit] ?? [unit, 1];
  return Number.isSafeInteger(value * many) ? `${value * many}${lower}` : null;
}

/** Returns the unit of Peach for a name, or the name itself. */
function unitOf(name: string): string {
  return UNITS.find(([names]) => names.test(name))?.[1] ?? name;
}

/** Guesses true or false from the words of older YAML, such as `yes` and `off`. */
export function nearFlag(given: unknown): boolean | null {
  const word = String(given).toLowerCase();
  if (/^(yes|y|on|true|1)$/.test(word)) return true;
  return /^(no|n|off|false|0)$/.test(word) ? false : null;
}

/** The nicknames of cron expressions, as words without an `@`. */
const NICKNAMES = /^@?(hourly|daily|midnight|weekly|monthly|yearly|annually)$/;

/** The cron expression of `every COUNT UNIT`; null if no expression has just these due times. */
const EVERY: Readonly<Record<string, (count: number) => string | null>> = {
  minute: (count) => (count === 1 ? "* * * * *" : count < 60 ? `*/${count} * * * *` : null),
  hour: (count) => (count === 1 ? "0 * * * *" : count < 24 ? `0 */${count} * * *` : null),
  day: (count) => (count === 1 ? "0 0 * * *" : null),
  week: (count) => (count === 1 ? "0 0 * * 0" : null),
  month: (count) => (count === 1 ? "0 0 1 * *" : null),
};

/** Guesses the cron expression of words such as `every 5 minutes`, `every 5m` or `daily`. */
export function nearCron(given: string): string | null {
  const text = given.trim().toLowerCase();
  const nickname = NICKNAMES.exec(text)?.[1];
  if (nickname !== undefined) return `@${nickname}`;
  const [, count = "1", name = ""] = /^@?every\s+(?:(\d+)\s*)?([a-z]+)$/.exec(text) ?? [];
  const short: Readonly<Record<string, string>> = { m: "minute", h: "hour", d: "day" };
  const unit = short[unitOf(name)] ?? nearest(name.replace(/s$/, ""), Object.keys(EVERY));
  return unit === null ? null : (EVERY[unit]?.(Number(count)) ?? null);
}
