/**
 * Reads of a catalog object: lists, counts and changes over the stored runs and the unfinished runs
 * in memory. Counts by bucket tell which buckets a list has to read.
 */
import {
  byPlace,
  isDetailed,
  isOfFailures,
  matches,
  type RunFilter,
  type RunPlace,
  type RunSummary,
} from "../../domain/run/summary.ts";
import { RUN_STATUSES, type RunStatus } from "../../domain/statuses.ts";
import { TRIGGER_SOURCES } from "../../domain/trigger.ts";
import type { Change } from "./catalog-rpc.ts";
import { FailureGroups, joinGroups, type FailureGroup } from "./failure-groups.ts";
import { addCounts, bucketOf, BUCKET_MS, NO_RUNS, type RunCounts } from "./run-counts.ts";
import type { RunIndex } from "./run-index.ts";
import type { CatalogStore, PageQuery } from "./store.ts";

/**
 * Limit of rows that a list reads without a match; then the list answers with the runs found so
 * far.
 */
const MAX_ROWS_READ = 200_000;

/** Rows of a single read, for a filter by details. */
const ROWS_PER_READ = 500;
/** Limit of rows read for a filter by details. */
const MAX_DETAILS_READ = 20_000;
/** Limit of grouped runs, and of groups with a search for the last good run. */
const MAX_GROUPED = 5_000;
const MAX_COMPARED = 20;

/** Runs in list order, and the place up to which the list is complete; null: up to its end. */
interface FoundRuns {
  readonly runs: RunSummary[];
  readonly end: RunPlace | null;
}

/** Reads runs for lists, counts and groups. */
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

  /** Unfinished runs in memory, created since then. */
  unfinishedSince(since: number): RunSummary[] {
    return [...this.#unfinished.values()].flatMap(({ summary }) =>
      summary.createdAt >= since ? [summary] : [],
    );
  }

  /** Groups the newest runs with a failure since then. */
  failures(since: number): FailureGroup[] {
    const groups = new FailureGroups();
    const failed = this.#store.page({
      from: since,
      after: { createdAt: Number.MAX_SAFE_INTEGER, id: "" },
      statuses: ["failed"],
      sources: TRIGGER_SOURCES,
      now: this.#now(),
      limit: MAX_GROUPED,
    });
    for (const run of failed) groups.add(run);
    return joinGroups(groups.all).map((group, index) =>
      index < MAX_COMPARED ? { ...group, lastGood: this.#goodBefore(group.first) } : group,
    );
  }

  /** The newest success among the thousand runs created before. */
  #goodBefore(time: number): FailureGroup["lastGood"] {
    const found = this.#store.lastSucceeded(time);
    if (found === null) return null;
    const { id, createdAt, confVersion } = found;
    return { id, createdAt, confVersion: confVersion ?? null };
  }

  /** Counts runs by status. */
  count(filter: RunFilter): RunCounts {
    if (isDetailed(filter)) return this.#countListed(filter);
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

  /** Counts runs row by row, for a filter by details. */
  #countListed(filter: RunFilter): RunCounts {
    const { runs } = this.list(filter, null, MAX_DETAILS_READ);
    const counts = { ...NO_RUNS };
    for (const { status } of runs) counts[status] += 1;
    return counts;
  }

  /** Finds stored runs after `begin`, at most `limit`. */
  #find(filter: RunFilter, begin: RunPlace, limit: number): FoundRuns {
    const { sources = TRIGGER_SOURCES, createdAfter = 0 } = filter;
    const statuses = statusesOf(filter);
    const now = this.#now();
    const areRare = statuses.every((status) => status === "failed" || status === "cancelled");
    if (areRare || (statuses.length === RUN_STATUSES.length && filter.sources === undefined))
      return this.#page(
        { from: createdAfter, after: begin, statuses, sources, now, limit },
        filter,
      );
    const { parts } = this.#index;
    const runs: RunSummary[] = [];
    let rowsRead = 0;
    for (const bucket of this.#bucketsFrom(begin, createdAfter)) {
      const counts = parts.map((part) => part.runsIn(bucket, { ...filter, statuses }));
      if (counts.every(({ wanted }) => wanted === 0)) continue;
      const start = bucket * BUCKET_MS;
      if (rowsRead > MAX_ROWS_READ) return { runs, end: { createdAt: start + BUCKET_MS, id: "" } };
      const end: RunPlace = { createdAt: start + BUCKET_MS, id: "" };
      const after = byPlace(begin, end) < 0 ? end : begin;
      const from = Math.max(start, createdAfter);
      const query = { from, after, statuses, sources, now, limit: limit - runs.length };
      const found = this.#page(query, filter);
      runs.push(...found.runs);
      if (runs.length >= limit) break;
      if (found.end !== null) return { runs, end: found.end };
      rowsRead += counts.reduce((sum, { all }) => sum + all, 0);
    }
    return { runs, end: null };
  }

  /** Reads a page; with a filter by details, reads on until the page is full. */
  #page(query: PageQuery, filter: RunFilter): FoundRuns {
    if (!isDetailed(filter)) return { runs: this.#store.page(query), end: null };
    const runs: RunSummary[] = [];
    let { after } = query;
    for (let read = 0; read < MAX_DETAILS_READ; read += ROWS_PER_READ) {
      const rows = this.#store.page({ ...query, after, limit: ROWS_PER_READ });
      runs.push(...rows.filter((run) => matches(filter, run)));
      if (rows.length < ROWS_PER_READ || runs.length >= query.limit)
        return { runs: runs.slice(0, query.limit), end: null };
      after = placeOf(rows.at(-1)) ?? after;
    }
    return { runs, end: after };
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

/** Statuses of possibly matching rows. */
function statusesOf(filter: RunFilter): readonly RunStatus[] {
  const { statuses = RUN_STATUSES } = filter;
  if (filter.waiting === true)
    return [...new Set([...(filter.statuses ?? []), "queued", "running"] as const)];
  return isOfFailures(filter) ? statuses.filter((status) => status === "failed") : statuses;
}

/** The place where a list begins: behind `after`, and before `createdBefore`. */
function beginOf(
  { createdBefore = Number.MAX_SAFE_INTEGER }: RunFilter,
  after: RunPlace | null,
): RunPlace {
  const begin = { createdAt: createdBefore, id: "" };
  return after !== null && byPlace(begin, after) < 0 ? after : begin;
}

/** The place of a run in the order of lists. */
function placeOf(run: RunSummary | undefined): RunPlace | null {
  return run === undefined ? null : { createdAt: run.createdAt, id: run.id };
}

/** A summary without the counters of attempts, which lists do not show. */
export function listed(summary: RunSummary): RunSummary {
  return { ...summary, attempts: {} };
}
