/**
 * Run metrics: ends, durations and attempts, as flat tables of numbers. Tables of many runs can be
 * added, stored and subtracted. Counters only grow: neither a retry nor a deletion takes a count
 * back.
 */
import type { Run } from "./state.ts";
import type { RunStatus } from "../statuses.ts";
import type { TriggerSource } from "../trigger.ts";

/** Sums by name, without zeros. */
export type Counts = Readonly<Record<string, number>>;

/**
 * Counters of a run.
 * - `runs`: `ended <status> <source>`; `duration <bin>` and `duration ms` (see `durationOf`);
 *   `delay <bin>` and `delay ms` (trigger to first attempt); `late` (see lateness.ts).
 * - `tasks`, by task name: `<attempt status>` of ended attempts; `<bin>` and `ms` of their
 *   durations.
 */
export interface RunMetrics {
  readonly runs: Counts;
  readonly tasks: Readonly<Record<string, Counts>>;
}

/** Upper bounds of the bins in milliseconds. A final bin holds the rest. */
export const DURATION_BOUNDS_MS = [
  5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 900_000,
  3_600_000,
] as const;

export const NO_METRICS: RunMetrics = { runs: {}, tasks: {} };

/** Counts one end of a run, without its attempts. */
export function metricsOfEnd(run: {
  readonly status: RunStatus;
  readonly source: TriggerSource;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly finishedAt: number;
  readonly durationMs?: number;
}): Counts {
  const counts: Record<string, number> = { [`ended ${run.status} ${run.source}`]: 1 };
  // A run cancelled before its start has no duration.
  if (run.startedAt !== null) {
    observe(counts, "duration ", run.durationMs ?? run.finishedAt - run.startedAt);
    observe(counts, "delay ", run.startedAt - run.createdAt);
  }
  return counts;
}

/** Counts the ended attempts of a run by task. */
export function metricsOfAttempts(run: Run): RunMetrics["tasks"] {
  const tasks: Record<string, Record<string, number>> = {};
  for (const { task, attempts } of [...run.tasks, ...run.items]) {
    for (const { status, startedAt, finishedAt } of attempts) {
      if (finishedAt === null) continue;
      const counts = (tasks[task.name] ??= {});
      counts[status] = (counts[status] ?? 0) + 1;
      observe(counts, "", finishedAt - startedAt);
    }
  }
  return tasks;
}

/** Adds counters. */
export function sumOfMetrics(all: Iterable<RunMetrics>): RunMetrics {
  const sum = { runs: {}, tasks: {} };
  for (const metrics of all) accumulate(sum, metrics, 1);
  return sum;
}

/** Subtracts the second from the first. */
export function subtractMetrics(one: RunMetrics, other: RunMetrics): RunMetrics {
  const rest: Sum = { runs: { ...one.runs }, tasks: {} };
  for (const [task, counts] of Object.entries(one.tasks)) rest.tasks[task] = { ...counts };
  accumulate(rest, other, -1);
  return rest;
}

export function isNothing({ runs, tasks }: RunMetrics): boolean {
  return Object.keys(runs).length === 0 && Object.keys(tasks).length === 0;
}

interface Sum {
  readonly runs: Record<string, number>;
  readonly tasks: Record<string, Record<string, number>>;
}

function accumulate(sum: Sum, metrics: RunMetrics, factor: 1 | -1): void {
  accumulateCounts(sum.runs, metrics.runs, factor);
  for (const [task, counts] of Object.entries(metrics.tasks)) {
    const own = (sum.tasks[task] ??= {});
    accumulateCounts(own, counts, factor);
    if (Object.keys(own).length === 0) delete sum.tasks[task];
  }
}

function accumulateCounts(sum: Record<string, number>, counts: Counts, factor: 1 | -1): void {
  for (const [name, count] of Object.entries(counts)) {
    const total = (sum[name] ?? 0) + factor * count;
    if (total === 0) delete sum[name];
    else sum[name] = total;
  }
}

/** Records a duration. A clock set back counts as zero. */
function observe(counts: Record<string, number>, prefix: string, milliseconds: number): void {
  const tookMs = Math.max(0, milliseconds);
  const bound = DURATION_BOUNDS_MS.findIndex((most) => tookMs <= most);
  const bin = `${prefix}${bound === -1 ? DURATION_BOUNDS_MS.length : bound}`;
  counts[bin] = (counts[bin] ?? 0) + 1;
  if (tookMs > 0) counts[`${prefix}ms`] = (counts[`${prefix}ms`] ?? 0) + tookMs;
}
