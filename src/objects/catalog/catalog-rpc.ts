/** What others may call on the objects of the catalogue: those that keep runs, and the directory that knows which tasks have any. */
import type { RunFigures } from "../../domain/run/metrics.ts";
import type { RunFilter, RunPlace, RunSummary } from "../../domain/run/summary.ts";
import type { Routes } from "./shard-map.ts";
import type { RunCounts } from "./run-counts.ts";

export interface Change {
  readonly summary: RunSummary;
  /** By the clock of the object; no two are the same. */
  readonly changedAt: number;
}

/**
 * True: it is durable, and the run need not tell it again. False: it is in memory. Routes: the run belongs to another of the task's objects,
 * and nothing was recorded. No object in the usual case: an answer that is one costs much more.
 */
export type RecordAnswer = boolean | Routes;

/** Every answer of a task's first object says how many it has in all; the others say 1. */
interface Shared {
  readonly shards: number;
}

export interface ListAnswer extends Shared {
  readonly runs: readonly RunSummary[];
  /** All runs up to there are in the answer; null: all there are. It may come before there are `limit`, when few are found in many. */
  readonly end: RunPlace | null;
}

export interface CountAnswer extends Shared {
  readonly counts: RunCounts;
}

export interface ChangesAnswer extends Shared {
  readonly changes: readonly Change[];
  /** All changes up to this time were told. */
  readonly until: number;
}

export interface MetricsAnswer extends Shared {
  readonly task: string;
  readonly figures: RunFigures;
  /** Runs that are not final. */
  readonly open: { readonly queued: number; readonly running: number };
}

/** An object that keeps the runs of one root task, or a share of them. All methods may be called again. */
export interface CatalogRpc {
  /** A run tells how it stands. With `keep` it is durable before the answer; else a run that is not final may stay in memory. */
  record(summary: RunSummary, keep: boolean): Promise<RecordAnswer>;
  /** Newest first, after that place. */
  list(filter: RunFilter, after: RunPlace | null, limit: number): Promise<ListAnswer>;
  count(filter: RunFilter): Promise<CountAnswer>;
  /** What has changed since that time, the earliest first; with null, nothing, but the time to begin with. */
  changes(since: number | null, limit: number): Promise<ChangesAnswer>;
  metrics(): Promise<MetricsAnswer>;
}

export interface DirectoryRpc {
  /** The task has a catalogue. */
  enlist(task: string): Promise<void>;
  /** The tasks that have one, by name. */
  tasks(): Promise<readonly string[]>;
}
