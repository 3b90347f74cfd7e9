/**
 * Parsers for durations (`250ms`, `30s`, `5m`, `2h`, `7d`) and sizes (`0B`, `64KB`, `10MB`, `1GB`).
 * Values are whole numbers without spaces; units are case-sensitive. 1 KB is 1024 bytes.
 */
const MS_BY_UNIT: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);

const BYTES_BY_UNIT: ReadonlyMap<string, number> = new Map([
  ["B", 1],
  ["KB", 1024],
  ["MB", 1024 ** 2],
  ["GB", 1024 ** 3],
]);

/** The units of a duration, the smallest first. */
export const DURATION_UNITS: readonly string[] = [...MS_BY_UNIT.keys()];

/** The units of a size, the smallest first. */
export const SIZE_UNITS: readonly string[] = [...BYTES_BY_UNIT.keys()];

/** Returns milliseconds, or null if the text is not a duration. */
export function parseDuration(text: string): number | null {
  return parseQuantity(text, MS_BY_UNIT);
}

/** Returns bytes, or null if the text is not a size. */
export function parseSize(text: string): number | null {
  return parseQuantity(text, BYTES_BY_UNIT);
}

function parseQuantity(text: string, units: ReadonlyMap<string, number>): number | null {
  const [, digits, unit = ""] = /^([0-9]{1,15})([A-Za-z]+)$/.exec(text) ?? [];
  const value = Number(digits) * (units.get(unit) ?? Number.NaN);
  return Number.isSafeInteger(value) ? value : null;
}
