/** Runs over time: counts by interval of creation, the span before, and waiting runs. */
import { WAITING_KINDS, type WaitingKind } from "../../domain/run/waiting.ts";
import type { RunStatistics, StatisticsQuery } from "./catalog-rpc.ts";
import type { RunIndex } from "./run-index.ts";
import type { RunQueries } from "./run-queries.ts";
import { addCounts, BUCKET_MS, NO_RUNS, type RunCounts } from "./run-counts.ts";
import type { CatalogStore } from "./store.ts";

/** Limit of runs counted row by row, for intervals shorter than a bucket. */
const MAX_COUNTED = 20_000;
/** Limit of counted waiting runs. */
const MAX_WAITING = 1_000;

/** Computes the statistics from the counts of the index, at no cost of rows. */
export function runStatistics(
  store: CatalogStore,
  index: RunIndex,
  queries: RunQueries,
  { since, until, intervalMs }: StatisticsQuery,
): RunStatistics {
  const intervals: Record<number, RunCounts> = {};
  const add = (at: number, counts: RunCounts): void => {
    const start = Math.floor(at / intervalMs) * intervalMs;
    intervals[start] = addCounts(intervals[start] ?? NO_RUNS, counts);
  };
  const counted = queries.count({ createdAfter: since, createdBefore: until });
  const total = Object.values(counted).reduce((sum, runs) => sum + runs, 0);
  if (intervalMs < BUCKET_MS && total <= MAX_COUNTED) {
    for (const { bucket, status, runs } of store.countByBucket(intervalMs, since, until))
      add(bucket * intervalMs, { ...NO_RUNS, [status]: runs });
  } else {
    for (const part of index.parts)
      for (const bucket of part.buckets()) {
        const at = bucket * BUCKET_MS;
        if (at + BUCKET_MS > since && at < until)
          add(Math.max(at, since), part.countsIn(bucket, {}));
      }
  }
  for (const { createdAt, status } of queries.unfinishedSince(since))
    if (createdAt < until) add(createdAt, { ...NO_RUNS, [status]: 1 });
  return {
    intervals,
    before: queries.count({ createdAfter: since - (until - since), createdBefore: since }),
    waiting: waitingOf(queries),
  };
}

/** Counts open runs by kind of wait. A run counts for each kind. */
function waitingOf(queries: RunQueries): Record<WaitingKind, number> {
  const { runs } = queries.list({ waiting: true }, null, MAX_WAITING);
  const count = (kind: WaitingKind): number =>
    runs.filter(({ waiting }) => waiting?.some((task) => task.for === kind)).length;
  const [completion, run, time] = WAITING_KINDS.map(count);
  return { completion: completion ?? 0, run: run ?? 0, time: time ?? 0 };
}

/** Adds the statistics of two objects. */
export function addStatistics(one: RunStatistics, other: RunStatistics): RunStatistics {
  const intervals = { ...one.intervals };
  for (const [at, counts] of Object.entries(other.intervals))
    intervals[Number(at)] = addCounts(intervals[Number(at)] ?? NO_RUNS, counts);
  return {
    intervals,
    before: addCounts(one.before, other.before),
    waiting: {
      completion: one.waiting.completion + other.waiting.completion,
      run: one.waiting.run + other.waiting.run,
      time: one.waiting.time + other.waiting.time,
    },
  };
}
