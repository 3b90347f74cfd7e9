/** What the last runs of a task say about it. Pure. */
import type { RunSummary } from "../documents.ts";
import { percentile } from "../format.ts";

export interface PipelineStats {
  /** Final runs that were not cancelled: what a rate is counted of. */
  readonly counted: number;
  readonly succeeded: number;
  readonly medianMs: number | null;
  readonly p95Ms: number | null;
}

/** Durations are those of the runs that succeeded: one that fails early is not fast. */
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

/** How high each run's bar is, from 0 to 1: its duration beside the longest, by its root, so that short ones are seen too. */
export function stripHeights(runs: readonly RunSummary[]): number[] {
  const longest = Math.max(1, ...runs.map(({ duration_ms }) => duration_ms ?? 0));
  return runs.map(({ duration_ms }) =>
    duration_ms === null ? 1 : Math.max(0.18, Math.sqrt(duration_ms / longest)),
  );
}

/** The tasks that a run of this root has, the root first, each after what is upstream of it as far as it is in the run. */
export function tasksBelow<
  Task extends { readonly task: string; readonly downstream: readonly string[] },
>(root: string, tasks: readonly Task[]): Task[] {
  const byName = new Map(tasks.map((task) => [task.task, task]));
  const found = new Set<string>([root]);
  for (const name of found)
    for (const child of byName.get(name)?.downstream ?? []) found.add(child);
  return tasks.filter(({ task }) => found.has(task));
}
