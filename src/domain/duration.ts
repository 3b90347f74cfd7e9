/**
 * Durations (`250ms`, `30s`, `5m`, `2h`, `7d`) and sizes (`0B`, `64KB`, `10MB`, `1GB`) as people write them. Whole numbers,
 * no spaces, the unit's case counts. 1 KB is 1024 bytes.
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

/** Milliseconds, or null if the text is no duration. */
export function parseDuration(text: string): number | null {
  return parseQuantity(text, MS_BY_UNIT);
}

/** Bytes, or null if the text is no size. */
export function parseSize(text: string): number | null {
  return parseQuantity(text, BYTES_BY_UNIT);
}

function parseQuantity(text: string, units: ReadonlyMap<string, number>): number | null {
  const [, digits, unit = ""] = /^([0-9]{1,15})([A-Za-z]+)$/.exec(text) ?? [];
  const value = Number(digits) * (units.get(unit) ?? Number.NaN);
  return Number.isSafeInteger(value) ? value : null;
}
