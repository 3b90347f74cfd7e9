/** Counts of plays in hours (UTC), and the sums of hours in a window of time. */

/** How often each item was played. */
export type Counts = ReadonlyMap<string, number>;

/** The windows of time, in hours. The hour under way counts as one. */
export const WINDOWS = { hour: 1, day: 24, week: 7 * 24 } as const;
export type WindowName = keyof typeof WINDOWS;

/** The longest list that is served. */
const MAX_LIST = 50;
const HOUR_MS = 3_600_000;

/** The hour of a moment as `2026-11-29T10`: the start of its ISO 8601 time. */
export function hourOf(at: Date): string {
  return at.toISOString().slice(0, 13);
}

/** The hours of a window that ends now, newest first. */
export function hoursBefore(now: Date, hours: number): string[] {
  return Array.from({ length: hours }, (_, before) => hourOf(new Date(now.getTime() - before * HOUR_MS)));
}

/** The most played items, best first. Equal counts are in the order of the items' names. */
export function mostPlayed(hours: Iterable<Counts>): [item: string, plays: number][] {
  const sums = new Map<string, number>();
  for (const counts of hours) for (const [item, plays] of counts) sums.set(item, (sums.get(item) ?? 0) + plays);
  return [...sums].toSorted(([a, playsA], [b, playsB]) => playsB - playsA || (a < b ? -1 : 1)).slice(0, MAX_LIST);
}
