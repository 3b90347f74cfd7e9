/** Statistics of the tasks of a pipeline, from the documents of its last runs. Pure. */
import type { RunDocument } from "../contract/run.ts";
import type { RunSummary } from "../contract/run-lists.ts";
import { workMs } from "./compare.ts";
import { percentile } from "./format.ts";

/** Figures of a task. Durations are of its attempts at work, in milliseconds. */
export interface TaskStats {
  readonly task: string;
  /** Runs in which the task has begun. */
  readonly runs: number;
  readonly failed: number;
  /** Attempts beyond the first of each run. */
  readonly retries: number;
  readonly medianMs: number | null;
  readonly p95Ms: number | null;
  /** The share of this task in the work of all tasks, from 0 to 1. */
  readonly share: number;
}

/** Computes the figures, in the order in which the tasks first appear. */
export function taskStats(runs: readonly Pick<RunDocument, "tasks">[]): TaskStats[] {
  const durations = new Map<string, number[]>();
  const counts = new Map<string, { runs: number; failed: number; retries: number }>();
  for (const task of runs.flatMap((run) => run.tasks)) {
    const count = counts.get(task.task) ?? { runs: 0, failed: 0, retries: 0 };
    counts.set(task.task, count);
    if (task.attempts.length === 0) continue;
    count.runs += 1;
    count.retries += task.attempts.length - 1;
    if (task.status === "failed") count.failed += 1;
    const ms = workMs(task);
    if (ms !== null) durations.set(task.task, [...(durations.get(task.task) ?? []), ms]);
  }
  const sum = (values: readonly number[]): number => values.reduce((total, ms) => total + ms, 0);
  const all = Math.max(1, sum([...durations.values()].flat()));
  return [...counts].map(([task, count]) => {
    const values = durations.get(task) ?? [];
    return {
      task,
      ...count,
      medianMs: percentile(values, 0.5),
      p95Ms: percentile(values, 0.95),
      share: sum(values) / all,
    };
  });
}

/** A version of peach.conf among the runs. */
export interface VersionStats {
  readonly version: string;
  /** The creation time of the oldest listed run of this version, in ISO format. */
  readonly first: string;
  readonly runs: number;
  readonly failed: number;
}

/** The versions of these runs, the newest first. */
export function versionStats(runs: readonly RunSummary[]): VersionStats[] {
  const versions = new Map<string, VersionStats>();
  for (const { conf_version: version, created_at: at, status } of runs) {
    if (version === undefined) continue;
    const known = versions.get(version) ?? { version, first: at, runs: 0, failed: 0 };
    versions.set(version, {
      version,
      first: at < known.first ? at : known.first,
      runs: known.runs + 1,
      failed: known.failed + (status === "failed" ? 1 : 0),
    });
  }
  return [...versions.values()].toSorted((one, other) => other.first.localeCompare(one.first));
}
