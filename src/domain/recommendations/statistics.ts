/**
 * Counts of a recommendation endpoint's components, as flat tables of numbers that can be added. An
 * isolate gathers them, an object keeps them.
 */
import type { Counts } from "../run/metrics.ts";
import type { ServedBy } from "./served.ts";

/**
 * The end of a request.
 * - `served`: the component answered.
 * - `fallback`: the component failed, and the fallback answered.
 * - `failed`: neither of them answered.
 */
export const OUTCOMES = ["served", "fallback", "failed"] as const;
export type Outcome = (typeof OUTCOMES)[number];

/**
 * Upper bounds of the bins in milliseconds. A final bin holds the rest. Finer than those of runs: a
 * recommendation takes a few milliseconds, and percentiles are read off the bins.
 */
export const SERVING_BOUNDS_MS = [
  1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 500, 750, 1_000, 2_000, 5_000, 10_000,
  30_000,
] as const;

/**
 * Counts of a component. The names are: an outcome, `hit` (served from the cache), `click`,
 * a bin's number, and `ms` (the sum of all durations).
 */
export interface ComponentCounts {
  readonly counts: Counts;
  /** The computation of the latest result that was served; null if unknown. */
  readonly run: ServedBy | null;
}

/** An answered request. */
export interface Serving {
  readonly outcome: Outcome;
  readonly ms: number;
  readonly isHit: boolean;
  readonly run: ServedBy | null;
}

const NONE: ComponentCounts = { counts: {}, run: null };

/** Counts a request. */
export function countsOfServing({ outcome, ms, isHit, run }: Serving): ComponentCounts {
  const tookMs = Math.max(0, ms);
  const bound = SERVING_BOUNDS_MS.findIndex((most) => tookMs <= most);
  const bin = bound === -1 ? SERVING_BOUNDS_MS.length : bound;
  const counts = {
    [outcome]: 1,
    [String(bin)]: 1,
    ...(tookMs > 0 && { ms: tookMs }),
    ...(isHit && { hit: 1 }),
  };
  return { counts, run };
}

/** Counts a click. */
export const CLICK: ComponentCounts = { counts: { click: 1 }, run: null };

/** Adds counts of one component; the later run stays. */
export function addCounts(
  one: ComponentCounts | undefined,
  other: ComponentCounts,
): ComponentCounts {
  const { counts, run } = one ?? NONE;
  const sum: Record<string, number> = { ...counts };
  for (const [name, count] of Object.entries(other.counts)) sum[name] = (sum[name] ?? 0) + count;
  return { counts: sum, run: other.run ?? run };
}

/** The bins of the durations, for a histogram. */
export function binsOf(counts: Counts): number[] {
  return Array.from({ length: SERVING_BOUNDS_MS.length + 1 }, (_, bin) => counts[bin] ?? 0);
}

/**
 * Estimates a percentile in milliseconds: within the bin, requests count as evenly spread. Null
 * without requests. `fraction` is above 0 and at most 1.
 */
export function percentileMs(counts: Counts, fraction: number): number | null {
  const bins = binsOf(counts);
  const total = bins.reduce((sum, bin) => sum + bin, 0);
  if (total === 0) return null;
  let before = 0;
  for (const [index, bin] of bins.entries()) {
    const wanted = fraction * total - before;
    if (bin > 0 && wanted <= bin) {
      const [lower, upper] = [SERVING_BOUNDS_MS[index - 1] ?? 0, SERVING_BOUNDS_MS[index]];
      return upper === undefined ? lower : lower + (upper - lower) * (wanted / bin);
    }
    before += bin;
  }
  return SERVING_BOUNDS_MS.at(-1) ?? null;
}
