/**
 * RPC of the catalog: the objects that hold runs, and the directory of tasks that have such
 * objects.
 */
import type { RunMetrics } from "../../domain/run/metrics.ts";
import type { WaitingKind } from "../../domain/run/waiting.ts";
import type { RunFilter, RunPlace, RunSummary } from "../../domain/run/summary.ts";
import type { FailureGroup } from "./failure-groups.ts";
import type { DatedShardMap } from "./shard-map.ts";
import type { RunCounts } from "./run-counts.ts";

/** A summary with the time at which the object recorded it. */
export interface Change {
  readonly summary: RunSummary;
  /** Time of the change on the clock of the object; unique. */
  readonly changedAt: number;
}

/**
 * True: the summary is durable, and the run stops reporting it. False: the summary is in memory.
 * Shard map: another shard holds the run, and nothing was recorded. The usual answer is a boolean,
 * since an object as answer costs much more.
 */
export type RecordAnswer = boolean | DatedShardMap;

/** Number of shards of the task, as the first shard answers; every other shard answers 1. */
interface Shared {
  readonly shards: number;
}

/** A page of runs of one shard. */
export interface ListAnswer extends Shared {
  readonly runs: readonly RunSummary[];
  /**
   * The answer has all runs up to this place; null: all runs. Comes before `limit` runs where few
   * runs match among many.
   */
  readonly end: RunPlace | null;
}

/** Counts of one shard by status. */
export interface CountAnswer extends Shared {
  readonly counts: RunCounts;
}

/** Changes of one shard. */
export interface ChangesAnswer extends Shared {
  readonly changes: readonly Change[];
  /** The answer has all changes up to this time. */
  readonly until: number;
}

/** Figures of one shard for `/metrics`. */
export interface MetricsAnswer extends Shared {
  readonly task: string;
  readonly metrics: RunMetrics;
  /** Unfinished runs by status. */
  readonly open: { readonly queued: number; readonly running: number };
}

/**
 * Span and length of the intervals. Epoch milliseconds; intervals begin at multiples of
 * `intervalMs`.
 */
export interface StatisticsQuery {
  readonly since: number;
  readonly until: number;
  readonly intervalMs: number;
}

/** Runs of one root task over time. */
export interface RunStatistics {
  /** By beginning of the interval; intervals without runs are left out. */
  readonly intervals: Readonly<Record<number, RunCounts>>;
  /** Runs of the span of the same length before. */
  readonly before: RunCounts;
  /** Open runs with waiting tasks, by kind of wait. */
  readonly waiting: Readonly<Record<WaitingKind, number>>;
}

/** Failed runs of one shard in groups. */
export interface FailuresAnswer extends Shared {
  readonly groups: readonly FailureGroup[];
}

/** Runs of one shard over time. */
export interface StatisticsAnswer extends Shared {
  readonly task: string;
  readonly statistics: RunStatistics;
}

/**
 * Methods of an object that holds the runs of one root task, or one shard of them. Every method may
 * be retried.
 */
export interface CatalogRpc {
  /**
   * Records a summary. With `keep` the summary is durable before the answer; without, an unfinished
   * run may stay in memory.
   */
  record(summary: RunSummary, keep: boolean): Promise<RecordAnswer>;
  /** Lists runs after that place, newest first. */
  list(filter: RunFilter, after: RunPlace | null, limit: number): Promise<ListAnswer>;
  /** Counts the runs that match. */
  count(filter: RunFilter): Promise<CountAnswer>;
  /** Returns changes since that time, earliest first; with null only the time to start from. */
  changes(since: number | null, limit: number): Promise<ChangesAnswer>;
  /** Returns the figures for `/metrics`. */
  metrics(): Promise<MetricsAnswer>;
  /** Groups the newest runs with a failure since then. */
  failures(since: number): Promise<FailuresAnswer>;
  /** Counts runs by interval, and in the span before. */
  statistics(query: StatisticsQuery): Promise<StatisticsAnswer>;
}

/** Methods of the object that knows all tasks with catalog objects. */
export interface TaskDirectoryRpc {
  /** Registers a task that has a catalog object. */
  register(task: string): Promise<void>;
  /** Returns the registered tasks by name. */
  tasks(): Promise<readonly string[]>;
}
