/** What the catalogue knows of a run, and how runs are chosen by it. */
import type { RunId } from "../ids.ts";
import type { Run } from "./state.ts";
import { figuresOfAttempts, type RunFigures } from "./metrics.ts";
import type { RunStatus } from "../statuses.ts";
import type { TriggerSource } from "../trigger.ts";

/** Of so many failed tasks the names are listed. */
const LISTED_FAILURES = 20;

/**
 * Why a run does not go on, as its own object answers it:
 * - `run_unreadable`: its journal cannot be read.
 * - `awaits_deploy`: newer code has written it, and is not deployed.
 */
export const RUN_PROBLEMS = ["run_unreadable", "awaits_deploy"] as const;
export type RunProblem = (typeof RUN_PROBLEMS)[number];

/** Times are epoch milliseconds. */
export interface RunSummary {
  readonly id: RunId;
  /** The root task. */
  readonly task: string;
  /** How often the status has changed: a later summary takes the place of an earlier one. */
  readonly revision: number;
  readonly status: RunStatus;
  readonly source: TriggerSource;
  readonly by: string;
  readonly parent: { readonly runId: RunId; readonly task: string } | null;
  readonly createdAt: number;
  readonly startedAt: number | null;
  /** Null while it is not final. */
  readonly finishedAt: number | null;
  /** When the run is deleted; null while it is not final. */
  readonly forgetAt: number | null;
  /** Names of tasks that failed, the first ones. */
  readonly failedTasks: readonly string[];
  /** What its attempts count for the metrics; none while it is not final. */
  readonly attempts: RunFigures["tasks"];
  /** It cannot be read now: the rest is what it told last. Absent: it can. */
  readonly problem?: RunProblem;
  /** When that was found, as it is told; absent: code that does not say it tells, or it can be read. */
  readonly foundAt?: number;
}

/** What is left out is not asked for. Lists are never empty. */
export interface RunFilter {
  readonly statuses?: readonly RunStatus[];
  readonly sources?: readonly TriggerSource[];
  /** At that time, or later. */
  readonly createdAfter?: number;
  /** Earlier than that. */
  readonly createdBefore?: number;
}

/** Where a run stands in a list: newest first, and by id where two came in the same millisecond. It never changes. */
export interface RunPlace {
  readonly createdAt: number;
  readonly id: string;
}

/** The summary of a run as it is now. `keptUntil`: when it is deleted, if not at the end of its retention. */
export function summarize(run: Run, keptUntil?: number): RunSummary {
  const { id, origin, revision, status, createdAt, startedAt, finishedAt } = run;
  const isFinal = finishedAt !== null;
  const failed =
    isFinal && status === "failed"
      ? run.tasks.filter(({ state }) => state.status === "failed")
      : [];
  return {
    id,
    task: run.tasks[0]?.task.name ?? "",
    revision,
    status,
    source: origin.source,
    by: origin.by,
    parent:
      origin.parent === null ? null : { runId: origin.parent.runId, task: origin.parent.task },
    createdAt,
    startedAt,
    finishedAt,
    forgetAt: isFinal ? (keptUntil ?? finishedAt + run.graph.retentionMs) : null,
    failedTasks: failed.slice(0, LISTED_FAILURES).map(({ task }) => task.name),
    attempts: isFinal ? figuresOfAttempts(run) : {},
  };
}

/** Whether this run is asked for. */
export function matches(filter: RunFilter, { status, source, createdAt }: RunSummary): boolean {
  return (
    (filter.statuses?.includes(status) ?? true) &&
    (filter.sources?.includes(source) ?? true) &&
    createdAt >= (filter.createdAfter ?? Number.NEGATIVE_INFINITY) &&
    createdAt < (filter.createdBefore ?? Number.POSITIVE_INFINITY)
  );
}

/** The order of lists. */
export function byPlace(one: RunPlace, other: RunPlace): number {
  if (one.createdAt !== other.createdAt) return other.createdAt - one.createdAt;
  return one.id === other.id ? 0 : one.id < other.id ? 1 : -1;
}
