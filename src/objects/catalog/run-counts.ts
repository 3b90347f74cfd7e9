/**
 * Counts runs by status and source for each quarter of an hour of creation. The sums answer counts,
 * and tell a list which buckets to skip. Pure; a few thousand numbers for a month.
 */
import type { RunFilter } from "../../domain/run/summary.ts";
import { RUN_STATUSES, type RunStatus } from "../../domain/statuses.ts";
import type { BucketCount } from "./store.ts";

export const BUCKET_MS = 900_000;
export const BUCKETS_A_DAY = 96;

export type RunCounts = Readonly<Record<RunStatus, number>>;
export const NO_RUNS: RunCounts = { queued: 0, running: 0, succeeded: 0, failed: 0, cancelled: 0 };

/** The number of the bucket for a time of creation. */
export function bucketOf(createdAt: number): number {
  return Math.floor(createdAt / BUCKET_MS);
}

interface Bucket {
  /** Counts by status and source, such as `failed api`. */
  readonly counts: Map<string, number>;
  /** Lower bound of the next expiry in the bucket. Epoch milliseconds. */
  forgetFrom: number;
  /** Upper bound of the last change in the bucket. Epoch milliseconds. */
  changedAt: number;
}

/** Stored form of a bucket. */
interface StoredBucket {
  readonly counts: Readonly<Record<string, number>>;
  /** JSON has null for Infinity. */
  readonly forgetFrom: number | null;
  readonly changedAt: number;
}

export class BucketedCounts {
  readonly #buckets = new Map<number, Bucket>();

  /** Adds counts; with `times` -1 subtracts them. */
  add(counts: Iterable<BucketCount>, times: 1 | -1 = 1): void {
    for (const { bucket: number, status, source, runs, forgetFrom, changedAt } of counts) {
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

  /** Numbers of the buckets that hold runs. */
  buckets(): Iterable<number> {
    return this.#buckets.keys();
  }

  /** The number of runs in this bucket, and the number of runs that match the filter. */
  runsIn(number: number, filter: RunFilter): { readonly all: number; readonly wanted: number } {
    let all = 0;
    let wanted = 0;
    for (const [key, runs] of this.#buckets.get(number)?.counts ?? []) {
      all += runs;
      if (isWanted(key, filter)) wanted += runs;
    }
    return { all, wanted };
  }

  /** Matching runs of this bucket by status. */
  countsIn(number: number, filter: RunFilter): RunCounts {
    const counts = { ...NO_RUNS };
    for (const [key, runs] of this.#buckets.get(number)?.counts ?? []) {
      const status = statusOf(key);
      if (status !== null && isWanted(key, filter)) counts[status] += runs;
    }
    return counts;
  }

  /** Lower bound of the next expiry in this bucket. */
  forgetFrom(number: number): number {
    return this.#buckets.get(number)?.forgetFrom ?? Number.POSITIVE_INFINITY;
  }

  /** Raises the lower bound after the rows were checked. */
  setForgetFrom(number: number, at: number): void {
    const bucket = this.#buckets.get(number);
    if (bucket !== undefined) bucket.forgetFrom = at;
  }

  /** Upper bound of the last change in this bucket. */
  changedAt(number: number): number {
    return this.#buckets.get(number)?.changedAt ?? Number.NEGATIVE_INFINITY;
  }

  /** Serializes the buckets of this day as JSON; null without runs. */
  writeDay(day: number): string | null {
    const stored: Record<string, StoredBucket> = {};
    for (let number = day * BUCKETS_A_DAY; number < (day + 1) * BUCKETS_A_DAY; number += 1) {
      const bucket = this.#buckets.get(number);
      if (bucket === undefined) continue;
      const { counts, forgetFrom, changedAt } = bucket;
      stored[number] = { counts: Object.fromEntries(counts), forgetFrom, changedAt };
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

/** Adds counts by status. */
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

/** Maps stored counts; only `writeDay` writes them. */
function storedDay(json: string): Record<string, StoredBucket> {
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return JSON.parse(json) as Record<string, StoredBucket>;
}
