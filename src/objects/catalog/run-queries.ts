/**
 * Reads of a catalog object: lists, counts and changes over the stored runs and the unfinished runs
 * in memory. Counts by bucket tell which buckets a list has to read.
 */
import {
  byPlace,
  matches,
  type RunFilter,
  type RunPlace,
  type RunSummary,
} from "../../domain/run/summary.ts";
import { RUN_STATUSES } from "../../domain/statuses.ts";
import { TRIGGER_SOURCES } from "../../domain/trigger.ts";
import type { Change } from "./catalog-rpc.ts";
import { addCounts, bucketOf, BUCKET_MS, NO_RUNS, type RunCounts } from "./run-counts.ts";
import type { RunIndex } from "./run-index.ts";
import type { CatalogStore } from "./store.ts";

/**
 * Limit of rows that a list reads without a match; then the list answers with the runs found so
 * far.
 */
const MAX_ROWS_READ = 200_000;

/** Runs in list order, and the place up to which the list is complete; null: up to its end. */
interface FoundRuns {
  readonly runs: RunSummary[];
  readonly end: RunPlace | null;
}

export class RunQueries {
  readonly #store: CatalogStore;
  readonly #index: RunIndex;
  readonly #unfinished: ReadonlyMap<string, Change>;
  readonly #now: () => number;

  constructor(
    store: CatalogStore,
    index: RunIndex,
    unfinished: ReadonlyMap<string, Change>,
    now: () => number,
  ) {
    this.#store = store;
    this.#index = index;
    this.#unfinished = unfinished;
    this.#now = now;
  }

  /** Lists runs after that place, newest first. */
  list(filter: RunFilter, after: RunPlace | null, limit: number): FoundRuns {
    const begin = beginOf(filter, after);
    const { runs: found, end } = this.#find(filter, begin, limit);
    const unfinished = [...this.#unfinished.values()].flatMap(({ summary }) =>
      matches(filter, summary) &&
      byPlace(begin, summary) < 0 &&
      (end === null || byPlace(summary, end) < 0)
        ? [summary]
        : [],
    );
    const all = [...found, ...unfinished].toSorted(byPlace);
    const runs = all.slice(0, limit).map(listed);
    const isCut = all.length > limit || found.length === limit;
    return { runs, end: isCut ? placeOf(runs.at(-1)) : end };
  }

  /** Counts runs by status. */
  count(filter: RunFilter): RunCounts {
    const [from, until] = [
      filter.createdAfter ?? 0,
      filter.createdBefore ?? Number.MAX_SAFE_INTEGER,
    ];
    let counts: RunCounts = NO_RUNS;
    for (const part of this.#index.parts) {
      for (const bucket of part.buckets()) {
        const start = bucket * BUCKET_MS;
        if (start >= from && start + BUCKET_MS <= until)
          counts = addCounts(counts, part.countsIn(bucket, filter));
      }
    }
    for (const [start, end] of this.#edges(from, until)) {
      for (const { status, source, runs } of this.#store.countByBucket(BUCKET_MS, start, end)) {
        if (
          (filter.statuses?.includes(status) ?? true) &&
          (filter.sources?.includes(source) ?? true)
        )
          counts = addCounts(counts, { ...NO_RUNS, [status]: runs });
      }
    }
    for (const { summary } of this.#unfinished.values())
      if (matches(filter, summary)) counts = addCounts(counts, { ...NO_RUNS, [summary.status]: 1 });
    return counts;
  }

  /** Finds stored runs after `begin`, at most `limit`. */
  #find(filter: RunFilter, begin: RunPlace, limit: number): FoundRuns {
    const { statuses = RUN_STATUSES, sources = TRIGGER_SOURCES, createdAfter = 0 } = filter;
    const now = this.#now();
    const areRare = statuses.every((status) => status === "failed" || status === "cancelled");
    if (areRare || (filter.statuses === undefined && filter.sources === undefined))
      return {
        runs: this.#store.page({ from: createdAfter, after: begin, statuses, sources, now, limit }),
        end: null,
      };
    const { parts } = this.#index;
    const runs: RunSummary[] = [];
    let rowsRead = 0;
    for (const bucket of this.#bucketsFrom(begin, createdAfter)) {
      const counts = parts.map((part) => part.runsIn(bucket, filter));
      if (counts.every(({ wanted }) => wanted === 0)) continue;
      const start = bucket * BUCKET_MS;
      if (rowsRead > MAX_ROWS_READ) return { runs, end: { createdAt: start + BUCKET_MS, id: "" } };
      const end: RunPlace = { createdAt: start + BUCKET_MS, id: "" };
      const after = byPlace(begin, end) < 0 ? end : begin;
      const from = Math.max(start, createdAfter);
      runs.push(
        ...this.#store.page({ from, after, statuses, sources, now, limit: limit - runs.length }),
      );
      if (runs.length >= limit) break;
      rowsRead += counts.reduce((sum, { all }) => sum + all, 0);
    }
    return { runs, end: null };
  }

  /** Numbers of the buckets that may hold runs between these places, newest first. */
  #bucketsFrom(begin: RunPlace, from: number): number[] {
    const numbers = new Set(this.#index.parts.flatMap((part) => [...part.buckets()]));
    return [...numbers]
      .filter((bucket) => bucket <= bucketOf(begin.createdAt) && bucket >= bucketOf(from))
      .toSorted((one, other) => other - one);
  }

  /** The partial buckets at both ends of an interval. */
  #edges(from: number, until: number): (readonly [from: number, until: number])[] {
    const [first, last] = [
      Math.ceil(from / BUCKET_MS) * BUCKET_MS,
      Math.floor(until / BUCKET_MS) * BUCKET_MS,
    ];
    if (first > last) return [[from, until]];
    const edges = [
      [from, first],
      [last, until],
    ] as const;
    return edges.filter(([start, end]) => start < end);
  }

  /** Changes since that time, read from memory and from the stored runs. */
  changedSince(since: number, limit: number): Change[] {
    const changes = [...this.#unfinished.values()].filter(({ changedAt }) => changedAt > since);
    const { parts } = this.#index;
    for (const bucket of this.#bucketsFrom({ createdAt: Number.MAX_SAFE_INTEGER, id: "" }, 0)) {
      if (parts.every((part) => part.changedAt(bucket) <= since)) continue;
      const start = bucket * BUCKET_MS;
      changes.push(...this.#store.changed(start, start + BUCKET_MS, since, limit));
    }
    return changes
      .map(({ summary, changedAt }) => ({ summary: listed(summary), changedAt }))
      .toSorted((one, other) => one.changedAt - other.changedAt)
      .slice(0, limit);
  }
}

/** The place where a list begins: behind `after`, and before `createdBefore`. */
function beginOf(
  { createdBefore = Number.MAX_SAFE_INTEGER }: RunFilter,
  after: RunPlace | null,
): RunPlace {
  const begin = { createdAt: createdBefore, id: "" };
  return after !== null && byPlace(begin, after) < 0 ? after : begin;
}

function placeOf(run: RunSummary | undefined): RunPlace | null {
  return run === undefined ? null : { createdAt: run.createdAt, id: run.id };
}

/** A summary without the counters of attempts, which lists do not show. */
export function listed(summary: RunSummary): RunSummary {
  return { ...summary, attempts: {} };
}
