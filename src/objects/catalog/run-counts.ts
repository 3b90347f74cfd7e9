/**
 * How many runs there are, by status and source, for each quarter of an hour in which they were created. Sums answer counts, and
 * say where a list need not look. Pure; a few thousand numbers for a month.
 */
import type { RunFilter } from "../../domain/run/summary.ts";
import { RUN_STATUSES, type RunStatus } from "../../domain/statuses.ts";
import type { TallyRow } from "./store.ts";

export const BUCKET_MS = 900_000;
export const BUCKETS_A_DAY = 96;

export type RunCounts = Readonly<Record<RunStatus, number>>;
export const NO_RUNS: RunCounts = { queued: 0, running: 0, succeeded: 0, failed: 0, cancelled: 0 };

/** The number of the bucket that a run belongs to which was created then. */
export function bucketOf(createdAt: number): number {
  return Math.floor(createdAt / BUCKET_MS);
}

interface Bucket {
  /** By status and source: `failed api`. */
  readonly counts: Map<string, number>;
  /** No run in it is due to be deleted before that; it may be later. */
  forgetFrom: number;
  /** No run in it has changed after that; it may be earlier. */
  changedAt: number;
}

/** A bucket as JSON has it. */
interface StoredBucket {
  readonly counts: Readonly<Record<string, number>>;
  readonly forgetFrom: number | null;
  readonly changedAt: number;
}

export class Tallies {
  readonly #buckets = new Map<number, Bucket>();

  /** Adds what was counted, `times` -1 takes it away. */
  add(tallies: Iterable<TallyRow>, times: 1 | -1 = 1): void {
    for (const { bucket: number, status, source, runs, forgetFrom, changedAt } of tallies) {
      const bucket = this.#bucket(number);
      const key = `${status} ${source}`;
      const sum = (bucket.counts.get(key) ?? 0) + times * runs;
      if (sum === 0) bucket.counts.delete(key);
      else bucket.counts.set(key, sum);
      if (times === 1) {
        bucket.forgetFrom = Math.min(bucket.forgetFrom, forgetFrom);
        bucket.changedAt = Math.max(bucket.changedAt, changedAt);
      }
      if (bucket.counts.size === 0) this.#buckets.delete(number);
    }
  }

  /** Numbers of the buckets that have runs. */
  buckets(): Iterable<number> {
    return this.#buckets.keys();
  }

  /** How many runs of this bucket there are, and how many of them are asked for. */
  runsIn(number: number, filter: RunFilter): { readonly all: number; readonly wanted: number } {
    let all = 0;
    let wanted = 0;
    for (const [key, runs] of this.#buckets.get(number)?.counts ?? []) {
      all += runs;
      if (isWanted(key, filter)) wanted += runs;
    }
    return { all, wanted };
  }

  /** The runs of this bucket that are asked for, by status. */
  countsIn(number: number, filter: RunFilter): RunCounts {
    const counts = { ...NO_RUNS };
    for (const [key, runs] of this.#buckets.get(number)?.counts ?? []) {
      const status = statusOf(key);
      if (status !== null && isWanted(key, filter)) counts[status] += runs;
    }
    return counts;
  }

  /** No run of this bucket is due to be deleted before that. */
  forgetFrom(number: number): number {
    return this.#buckets.get(number)?.forgetFrom ?? Number.POSITIVE_INFINITY;
  }

  /** It was found that none is due before that. */
  setForgetFrom(number: number, at: number): void {
    const bucket = this.#buckets.get(number);
    if (bucket !== undefined) bucket.forgetFrom = at;
  }

  /** No run of this bucket has changed after that. */
  changedAt(number: number): number {
    return this.#buckets.get(number)?.changedAt ?? Number.NEGATIVE_INFINITY;
  }

  /** The buckets of this day as JSON; null if there are none. */
  writeDay(day: number): string | null {
    const stored: Record<string, StoredBucket> = {};
    for (let number = day * BUCKETS_A_DAY; number < (day + 1) * BUCKETS_A_DAY; number += 1) {
      const bucket = this.#buckets.get(number);
      if (bucket === undefined) continue;
      const { counts, forgetFrom, changedAt } = bucket;
      stored[number] = {
        counts: Object.fromEntries(counts),
        forgetFrom: Number.isFinite(forgetFrom) ? forgetFrom : null,
        changedAt,
      };
    }
    return Object.keys(stored).length === 0 ? null : JSON.stringify(stored);
  }

  readDay(json: string): void {
    for (const [number, { counts, forgetFrom, changedAt }] of Object.entries(storedDay(json))) {
      this.#buckets.set(Number(number), {
        counts: new Map(Object.entries(counts)),
        forgetFrom: forgetFrom ?? Number.POSITIVE_INFINITY,
        changedAt,
      });
    }
  }

  #bucket(number: number): Bucket {
    const known = this.#buckets.get(number);
    if (known !== undefined) return known;
    const made = {
      counts: new Map<string, number>(),
      forgetFrom: Number.POSITIVE_INFINITY,
      changedAt: Number.NEGATIVE_INFINITY,
    };
    this.#buckets.set(number, made);
    return made;
  }
}

/** The sum of both. */
export function addCounts(one: RunCounts, other: RunCounts): RunCounts {
  const sum = { ...NO_RUNS };
  for (const status of RUN_STATUSES) sum[status] = one[status] + other[status];
  return sum;
}

function isWanted(key: string, { statuses, sources }: RunFilter): boolean {
  const [status, source] = key.split(" ");
  return (
    (statuses?.some((wanted) => wanted === status) ?? true) &&
    (sources?.some((wanted) => wanted === source) ?? true)
  );
}

function statusOf(key: string): RunStatus | null {
  const [name] = key.split(" ");
  return RUN_STATUSES.find((status) => status === name) ?? null;
}

/** The one mapping of stored tallies: `writeDay` alone writes them. */
function storedDay(json: string): Record<string, StoredBucket> {
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return JSON.parse(json) as Record<string, StoredBucket>;
}
