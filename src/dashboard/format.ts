/**
 * Formats numbers, sizes, times and durations for people. `now` is an argument; the time zone is
 * the one that the page shows.
 */
import { timeZone } from "./zone.ts";

/**
 * Formats a duration: `840 ms`, `12.4 s`, `3 m 12 s`, `2 h 5 m`, `3 d 4 h`. The limits below lie
 * where rounding would otherwise give `60.0 s` or `10.00 s`.
 */
export function formatDuration(ms: number): string {
  if (ms < 0) return "0 ms";
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 9_950) return `${(ms / 1_000).toFixed(2)} s`;
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return two(Math.floor(seconds / 60), "m", seconds % 60, "s");
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1_440) return two(Math.floor(minutes / 60), "h", minutes % 60, "m");
  const hours = Math.round(ms / 3_600_000);
  return two(Math.floor(hours / 24), "d", hours % 24, "h");
}

/** Joins two units; a second part of zero is left out. */
function two(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/**
 * Formats a time relative to `now`, in milliseconds since 1970: `now`, `12 s ago`, `in 5 m`, `3 d
 * ago`. A single unit, rounded down.
 */
export function formatRelative(at: number, now: number): string {
  const away = Math.abs(now - at);
  if (away < 1_000) return "now";
  const text =
    away < 60_000
      ? `${Math.floor(away / 1_000)} s`
      : away < 3_600_000
        ? `${Math.floor(away / 60_000)} m`
        : away < 86_400_000
          ? `${Math.floor(away / 3_600_000)} h`
          : `${Math.floor(away / 86_400_000)} d`;
  return at > now ? `in ${text}` : `${text} ago`;
}

/**
 * Formats a time with an offset as a clock in its place shows the time: `Tue 1 Dec 2026, 03:00` for
 * `2026-12-01T03:00:00+01:00`. The offset is left out.
 */
export function formatWallClock(local: string): string {
  const day = new Date(`${local.slice(0, 10)}T00:00:00Z`).toLocaleDateString("en-GB", {
    timeZone: "UTC",
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
  });
  return `${day.replace(",", "")}, ${local.slice(11, 16)}`;
}

/** Formats a time in the shown zone to the millisecond, with the zone's name. */
export function formatExact(at: number): string {
  const date = new Date(at);
  const inZone = { timeZone: timeZone.value };
  const day = date.toLocaleDateString("en-GB", {
    ...inZone,
    day: "numeric",
    month: "short",
    year: "numeric",
  });
  const time = date.toLocaleTimeString("en-GB", {
    ...inZone,
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hour12: false,
    fractionalSecondDigits: 3,
  });
  const zone = Intl.DateTimeFormat("en-GB", { ...inZone, timeZoneName: "short" })
    .formatToParts(date)
    .find(({ type }) => type === "timeZoneName")?.value;
  return `${day}, ${time}${zone === undefined ? "" : ` ${zone}`}`;
}

/** Formats a time of today as `14:02`, an earlier one as `29 Nov 14:02`. */
export function formatClock(at: number, now: number): string {
  const inZone = { timeZone: timeZone.value };
  const date = new Date(at);
  const time = date.toLocaleTimeString("en-GB", {
    ...inZone,
    hour: "2-digit",
    minute: "2-digit",
  });
  const dayOf = (day: Date): string =>
    day.toLocaleDateString("en-GB", { ...inZone, day: "numeric", month: "short" });
  const day = dayOf(date);
  return day === dayOf(new Date(now)) ? time : `${day} ${time}`;
}

/**
 * Formats a size: `312 B`, `4.2 KB`, `18 MB`. Units are powers of 1,000, as R2 bills them. Null is
 * an unknown size, as of a body that its endpoint did not read to the end.
 */
export function formatBytes(bytes: number | null): string {
  if (bytes === null) return "unknown size";
  const units = ["B", "KB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : Number(value.toFixed(1))} ${units[unit] ?? ""}`;
}

/** Formats a count with separators: `1,234`. */
export function formatCount(count: number): string {
  return count.toLocaleString("en-US");
}

/** Formats a count with its noun: `1 run`, `12 runs`. */
export function formatPlural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/**
 * Formats a share: `98.5%`. 100% and 0% are exact: a single failure among many runs shows as 99.9%.
 */
export function formatRate(part: number, whole: number): string {
  if (whole === 0) return "–";
  const percent = (part / whole) * 100;
  if (part === whole || part === 0) return `${percent}%`;
  return `${Math.min(99.9, Math.max(0.1, percent)).toFixed(1).replace(/\.0$/, "")}%`;
}

/** The value below which this share of the values lies (nearest rank); null for an empty list. */
export function percentile(values: readonly number[], share: number): number | null {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null;
}

/** Shortens an id to `run_01ABC…WXYZ`, which is enough to tell runs apart. */
export function shortId(id: string): string {
  return id.length <= 14 ? id : `${id.slice(0, 8)}…${id.slice(-4)}`;
}

/**
 * Renders hidden characters of a text as escapes of JSON: marks of the reading direction,
 * characters without a width, and control characters other than tabs and line breaks. A value then
 * reads as a program reads it.
 */
export function formatHidden(text: string): string {
  const hidden =
    // oxlint-disable-next-line no-control-regex -- These are the ones.
    /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]/g;
  return text.replaceAll(
    hidden,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
