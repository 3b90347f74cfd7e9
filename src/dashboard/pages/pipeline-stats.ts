/** Statistics of the last runs of a task. Pure. */
import type { RunSummary } from "../../contract/run-lists.ts";
import { percentile } from "../format.ts";

/** Statistics of some runs. Durations are in milliseconds and null without a run that counts. */
export interface PipelineStats {
  /** Runs that succeeded or failed; the success rate is a share of these. */
  readonly counted: number;
  readonly succeeded: number;
  readonly medianMs: number | null;
  readonly p95Ms: number | null;
}

/**
 * Computes the statistics. Durations count successful runs only: a run that fails early is not
 * fast.
 */
export function pipelineStats(runs: readonly RunSummary[]): PipelineStats {
  const counted = runs.filter(({ status }) => status === "succeeded" || status === "failed");
  const succeeded = counted.filter(({ status }) => status === "succeeded");
  const durations = succeeded.flatMap(({ duration_ms }) => duration_ms ?? []);
  return {
    counted: counted.length,
    succeeded: succeeded.length,
    medianMs: percentile(durations, 0.5),
    p95Ms: percentile(durations, 0.95),
  };
}

/**
 * Computes the height of each run's bar, from 0 to 1: the square root of its share of the longest
 * duration, so that short runs stay visible. A run without a duration has a full bar.
 */
export function stripHeights(runs: readonly RunSummary[]): number[] {
  const longest = Math.max(1, ...runs.map(({ duration_ms }) => duration_ms ?? 0));
  return runs.map(({ duration_ms }) =>
    duration_ms === null ? 1 : Math.max(0.18, Math.sqrt(duration_ms / longest)),
  );
}

/** Lists the tasks in a run of this root, in the given topological order. */
export function tasksBelow<
  Task extends { readonly task: string; readonly downstream: readonly string[] },
>(root: string, tasks: readonly Task[]): Task[] {
  const byName = new Map(tasks.map((task) => [task.task, task]));
  const found = new Set<string>([root]);
  // The loop also visits the names that are added to the set meanwhile.
  for (const name of found)
    for (const child of byName.get(name)?.downstream ?? []) found.add(child);
  return tasks.filter(({ task }) => found.has(task));
}
