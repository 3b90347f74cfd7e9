/**
 * What is counted of runs for the metrics: ends, durations and attempts, as flat tables of numbers, so that those of many runs are
 * added up, kept as a sum, and told apart again by subtraction. Counters only ever grow: what a run counted is never taken back,
 * also when it is retried or deleted.
 */
import type { Run } from "./state.ts";
import type { RunStatus } from "../statuses.ts";
import type { TriggerSource } from "../trigger.ts";

/** Sums by name. Zeros are left out. */
export type Counts = Readonly<Record<string, number>>;

/**
 * - `runs`: `ended <status> <source>`; `duration <bin>` and `duration ms` (from the first attempt to the end); `delay <bin>` and
 *   `delay ms` (from the trigger to the first attempt).
 * - `tasks`, by the task's name: `<attempt status>` of attempts that have ended; `<bin>` and `ms` of how long they took.
 */
export interface RunFigures {
  readonly runs: Counts;
  readonly tasks: Readonly<Record<string, Counts>>;
}

/** Upper bounds of the bins, in milliseconds; what is above all of them is in the bin behind the last. */
export const DURATION_BOUNDS_MS = [
  5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 900_000,
  3_600_000,
] as const;

export const NO_FIGURES: RunFigures = { runs: {}, tasks: {} };

/** What one end of a run counts, apart from its attempts. */
export function figuresOfEnd(run: {
  readonly status: RunStatus;
  readonly source: TriggerSource;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly finishedAt: number;
}): Counts {
  const counts: Record<string, number> = { [`ended ${run.status} ${run.source}`]: 1 };
  // A run that was cancelled before it began has taken no time.
  if (run.startedAt !== null) {
    observe(counts, "duration ", run.finishedAt - run.startedAt);
    observe(counts, "delay ", run.startedAt - run.createdAt);
  }
  return counts;
}

/** What the attempts of a run count that have ended, by task. */
export function figuresOfAttempts(run: Run): RunFigures["tasks"] {
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

/** The sum of all of them. */
export function sumOfFigures(all: Iterable<RunFigures>): RunFigures {
  const sum = { runs: {}, tasks: {} };
  for (const figures of all) accumulate(sum, figures, 1);
  return sum;
}

/** What the first has more than the second. */
export function subtractFigures(one: RunFigures, other: RunFigures): RunFigures {
  const rest: Sum = { runs: { ...one.runs }, tasks: {} };
  for (const [task, counts] of Object.entries(one.tasks)) rest.tasks[task] = { ...counts };
  accumulate(rest, other, -1);
  return rest;
}

export function isNothing({ runs, tasks }: RunFigures): boolean {
  return Object.keys(runs).length === 0 && Object.keys(tasks).length === 0;
}

interface Sum {
  readonly runs: Record<string, number>;
  readonly tasks: Record<string, Record<string, number>>;
}

function accumulate(sum: Sum, figures: RunFigures, factor: 1 | -1): void {
  accumulateCounts(sum.runs, figures.runs, factor);
  for (const [task, counts] of Object.entries(figures.tasks)) {
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

/** The clock may have been set back: nothing took less than no time. */
function observe(counts: Record<string, number>, prefix: string, milliseconds: number): void {
  const tookMs = Math.max(0, milliseconds);
  const bound = DURATION_BOUNDS_MS.findIndex((most) => tookMs <= most);
  const bin = `${prefix}${bound === -1 ? DURATION_BOUNDS_MS.length : bound}`;
  counts[bin] = (counts[bin] ?? 0) + 1;
  if (tookMs > 0) counts[`${prefix}ms`] = (counts[`${prefix}ms`] ?? 0) + tookMs;
}
