/** Summaries of runs in the catalog, and filters over them. */
import type { RunId } from "../ids.ts";
import type { Run } from "./state.ts";
import { failureOf, type RunFailure, withoutValues } from "./failure.ts";
import { metricsOfAttempts, type RunMetrics } from "./metrics.ts";
import { isLate } from "./lateness.ts";
import { durationOf } from "./run-times.ts";
import type { RunStatus } from "../statuses.ts";
import type { TriggerSource } from "../trigger.ts";
import { waitingTasks, type WaitingTask } from "./waiting.ts";

/** Failed tasks listed by name, at most. */
const LISTED_FAILURES = 20;

/**
 * Problem of a stuck run, as reported by its object.
 * - `run_unreadable`: the journal cannot be read.
 * - `awaits_deploy`: newer code wrote the run and is not deployed.
 */
export const RUN_PROBLEMS = ["run_unreadable", "awaits_deploy"] as const;
export type RunProblem = (typeof RUN_PROBLEMS)[number];

/** Summary of a run. Times are epoch milliseconds. */
export interface RunSummary {
  readonly id: RunId;
  /** Name of the root task. */
  readonly task: string;
  /** Number of status changes. A later summary replaces an earlier one. */
  readonly revision: number;
  readonly status: RunStatus;
  readonly source: TriggerSource;
  readonly by: string;
  readonly parent: { readonly runId: RunId; readonly task: string } | null;
  /** Absent without a tag, and in reports of older code. */
  readonly tags?: readonly string[];
  /** Set if the last round was not final by `late_after`. */
  readonly late?: true;
  readonly createdAt: number;
  readonly startedAt: number | null;
  /** End of the run; null while open. */
  readonly finishedAt: number | null;
  /** Time at work of the last round; absent while open, and in reports of older code. */
  readonly durationMs?: number;
  /** Deletion of the run; null while open. */
  readonly forgetAt: number | null;
  /** Names of the first failed tasks. */
  readonly failedTasks: readonly string[];
  /** Error of the task that failed first; absent without one, and in reports of older code. */
  readonly failure?: RunFailure;
  /** Version of peach.conf; absent in reports of older code. */
  readonly confVersion?: string;
  /** Tasks that wait for something outside of the run; absent without one. */
  readonly waiting?: readonly WaitingTask[];
  /** Time of the report, which orders the reports of one revision. */
  readonly toldAt?: number;
  /** Metrics of the attempts; empty while open. */
  readonly attempts: RunMetrics["tasks"];
  /** Set while the run is unreadable; the other fields are then the last known. */
  readonly problem?: RunProblem;
  /** Time of finding the problem; absent in reports of older code, and without a problem. */
  readonly foundAt?: number;
}

/** Filter of a list. Absent fields match everything; lists are never empty. */
export interface RunFilter {
  readonly statuses?: readonly RunStatus[];
  readonly sources?: readonly TriggerSource[];
  /** Tags that a run must all have. */
  readonly tags?: readonly string[];
  /** Matches late runs, or with false all others. */
  readonly late?: boolean;
  /** Inclusive lower bound. */
  readonly createdAfter?: number;
  /** Exclusive upper bound. */
  readonly createdBefore?: number;
  /** Matches runs in which something waits, besides those of `statuses`. */
  readonly waiting?: true;
  /** Name of the task that failed first. */
  readonly failedTask?: string;
  /** Text within `name: message` of the failure, in any case. */
  readonly error?: string;
  /** `name: message` of the failure without its values, as groups of failures tell it. */
  readonly failure?: string;
}

/** Position of a run in a list: newest first, then by id within a millisecond. Never changes. */
export interface RunPlace {
  readonly createdAt: number;
  readonly id: string;
}

/** Tests that a filter needs more than the status, source and time of a run. */
export function isDetailed(filter: RunFilter): boolean {
  const { waiting, tags, late } = filter;
  return waiting === true || tags !== undefined || late !== undefined || isOfFailures(filter);
}

/** Tests that only failed runs can match a filter. */
export function isOfFailures({ failedTask, error, failure }: RunFilter): boolean {
  return failedTask !== undefined || error !== undefined || failure !== undefined;
}

/** Summarizes the present state. `keptUntil`: a deletion time beyond the retention. */
export function summarize(run: Run, keptUntil?: number): RunSummary {
  const { id, origin, revision, status, createdAt, startedAt, finishedAt } = run;
  const isFinal = finishedAt !== null;
  const failed =
    isFinal && status === "failed"
      ? run.tasks.filter(({ state }) => state.status === "failed")
      : [];
  const failure = failed.length === 0 ? null : failureOf(run);
  const waiting = waitingTasks(run);
  const durationMs = durationOf(run);
  return {
    id,
    task: run.tasks[0]?.task.name ?? "",
    revision,
    status,
    source: origin.source,
    by: origin.by,
    parent:
      origin.parent === null ? null : { runId: origin.parent.runId, task: origin.parent.task },
    ...(origin.tags !== undefined && { tags: origin.tags }),
    ...(isLate(run) && { late: true }),
    createdAt,
    startedAt,
    finishedAt,
    ...(durationMs !== null && { durationMs }),
    forgetAt: isFinal ? (keptUntil ?? finishedAt + run.graph.retentionMs) : null,
    failedTasks: failed.slice(0, LISTED_FAILURES).map(({ task }) => task.name),
    ...(failure !== null && { failure }),
    confVersion: run.graph.confVersion,
    ...(waiting.length > 0 && { waiting }),
    attempts: isFinal ? metricsOfAttempts(run) : {},
  };
}

/** Duration of a run; reports of older code have the time from its start to its end instead. */
export function durationOfSummary({
  startedAt,
  finishedAt,
  durationMs,
}: Pick<RunSummary, "startedAt" | "finishedAt" | "durationMs">): number | null {
  if (startedAt === null || finishedAt === null) return null;
  return durationMs ?? Math.max(0, finishedAt - startedAt);
}

/** Tests a summary against a filter. */
export function matches(filter: RunFilter, summary: RunSummary): boolean {
  const { source, createdAt } = summary;
  return (
    hasStatus(filter, summary) &&
    hasFailure(filter, summary.failure) &&
    hasTags(filter, summary.tags) &&
    (filter.late ?? summary.late === true) === (summary.late === true) &&
    (filter.sources?.includes(source) ?? true) &&
    createdAt >= (filter.createdAfter ?? Number.NEGATIVE_INFINITY) &&
    createdAt < (filter.createdBefore ?? Number.POSITIVE_INFINITY)
  );
}

function hasStatus({ statuses, waiting }: RunFilter, run: RunSummary): boolean {
  if (waiting === true && run.waiting !== undefined) return true;
  return statuses?.includes(run.status) ?? waiting !== true;
}

/** Tests the tags of a run against a filter. */
export function hasTags(
  { tags = [] }: Pick<RunFilter, "tags">,
  found: RunSummary["tags"],
): boolean {
  return tags.every((tag) => found?.includes(tag) === true);
}

/** Tests the failure of a run against a filter. */
export function hasFailure(
  { failedTask, error, failure }: Pick<RunFilter, "failedTask" | "error" | "failure">,
  found: RunFailure | undefined,
): boolean {
  if (failedTask === undefined && error === undefined && failure === undefined) return true;
  if (found === undefined) return false;
  const { task, name, message } = found;
  const text = `${name}: ${message}`;
  return (
    (failedTask === undefined || failedTask === task) &&
    (failure === undefined || failure === groupText(found)) &&
    (error === undefined || text.toLowerCase().includes(error.toLowerCase()))
  );
}

/** `name: message` of a failure without its values. */
function groupText({ name, message }: RunFailure): string {
  return `${name}: ${withoutValues(message)}`;
}

/** Compares list positions. */
export function byPlace(one: RunPlace, other: RunPlace): number {
  if (one.createdAt !== other.createdAt) return other.createdAt - one.createdAt;
  return one.id === other.id ? 0 : one.id < other.id ? 1 : -1;
}
