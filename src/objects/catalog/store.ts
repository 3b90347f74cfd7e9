/** All SQL of a catalog object: a row per run, and the stored counts that spare a count of rows. */
import { parseRunId } from "../../domain/ids.ts";
import type { Counts, RunMetrics } from "../../domain/run/metrics.ts";
import type { RunPlace, RunSummary } from "../../domain/run/summary.ts";
import { RUN_STATUSES, type RunStatus } from "../../domain/statuses.ts";
import { TRIGGER_SOURCES, type TriggerSource } from "../../domain/trigger.ts";
import { jsonIn, numberIn, Tables, textIn, type Row, type RowStorage } from "../tables.ts";
import { TABLES } from "./schema.ts";

const COLUMNS = `
  created_at, id, revision, status, source, changed_at, started_at, finished_at, forget_at, detail`;
const READ = `SELECT ${COLUMNS} FROM runs WHERE created_at = ? AND id = ?`;
/** Keeps the newer of two revisions: reports may arrive in any order. */
const PUT = `
  INSERT INTO runs (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (created_at, id) DO UPDATE
  SET revision = excluded.revision, status = excluded.status, changed_at = excluded.changed_at,
      started_at = excluded.started_at, finished_at = excluded.finished_at,
      forget_at = excluded.forget_at, detail = excluded.detail
  WHERE excluded.revision >= runs.revision`;
/** The filter and the order of a page, newest first. The place of the last run excludes itself. */
const WANTED = `
  created_at >= ? AND (created_at, id) < (?, ?) AND status IN (SELECT value FROM json_each(?))
  AND source IN (SELECT value FROM json_each(?)) AND (forget_at IS NULL OR forget_at > ?)
  ORDER BY created_at DESC, id DESC LIMIT ?`;
const PAGE = `SELECT ${COLUMNS} FROM runs WHERE ${WANTED}`;
/** The partial index spares the runs that succeeded, which are most of them. */
const PAGE_OF_FAILED = `
  SELECT ${COLUMNS} FROM runs INDEXED BY runs_that_failed WHERE status IN ('failed', 'cancelled')
    AND ${WANTED}`;
/** Changes in the order in which the object has recorded them. */
const CHANGED = `
  SELECT ${COLUMNS} FROM runs WHERE created_at >= ? AND created_at < ? AND changed_at > ?
    ORDER BY changed_at LIMIT ?`;
/** `forget_from`: the first time at which the count is no longer true. */
const COUNT_BY_BUCKET = `
  SELECT CAST(created_at / ? AS INTEGER) AS bucket, status, source, count(*) AS runs,
    min(forget_at) AS forget_from, max(changed_at) AS changed_at
  FROM runs WHERE created_at >= ? AND created_at < ? GROUP BY bucket, status, source`;
/** The same for runs that are due for deletion, which a count leaves out. */
const COUNT_DUE_BY_BUCKET = `
  SELECT CAST(created_at / ? AS INTEGER) AS bucket, status, source, count(*) AS runs,
    min(forget_at) AS forget_from, max(changed_at) AS changed_at
  FROM runs WHERE created_at >= ? AND created_at < ? AND forget_at <= ?
  GROUP BY bucket, status, source`;
/** A bounded look back: a task that never succeeds must not read all its runs. */
const LAST_SUCCEEDED = `
  SELECT ${COLUMNS} FROM (
    SELECT ${COLUMNS} FROM runs WHERE created_at < ? ORDER BY created_at DESC, id DESC LIMIT 1000)
  WHERE status = 'succeeded' LIMIT 1`;
const FINISHED = `SELECT ${COLUMNS} FROM runs WHERE created_at >= ? AND created_at < ?`;
const DELETE_DUE = "DELETE FROM runs WHERE created_at >= ? AND created_at < ? AND forget_at <= ?";
/** The time of the next deletion. */
const READ_NEXT_DUE =
  "SELECT min(forget_at) AS at FROM runs WHERE created_at >= ? AND created_at < ?";
const HAS_RUNS_FROM = "SELECT 1 AS present FROM runs WHERE created_at >= ? LIMIT 1";

const READ_DAYS = "SELECT day, counts FROM days";
const PUT_DAY = `
  INSERT INTO days (day, counts) VALUES (?, ?) ON CONFLICT (day) DO UPDATE
  SET counts = excluded.counts`;
const DELETE_DAY = "DELETE FROM days WHERE day = ?";
const READ_STATE = "SELECT value FROM state WHERE name = ?";
/** Small values of the object by name, such as the watermark. */
const PUT_STATE = `
  INSERT INTO state (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE
  SET value = excluded.value`;

/** A run as stored. */
export interface KeptRun {
  readonly summary: RunSummary;
  /** Time of the record on the clock of this object. */
  readonly changedAt: number;
  /** Counters of the earlier ends of a retried run. */
  readonly earlier: Counts;
}

/** Count of runs with one status and source that were created within one bucket. */
export interface BucketCount {
  readonly bucket: number;
  readonly status: RunStatus;
  readonly source: TriggerSource;
  readonly runs: number;
  readonly forgetFrom: number;
  readonly changedAt: number;
}

/** Selects runs created from `from` on and listed after `after`. */
export interface PageQuery {
  readonly from: number;
  readonly after: RunPlace;
  readonly statuses: readonly RunStatus[];
  readonly sources: readonly TriggerSource[];
  /** Excludes runs that have expired at this time. */
  readonly now: number;
  readonly limit: number;
}

/** Single values of the object by name. */
interface State {
  readonly watermark: number;
  readonly metrics: RunMetrics;
  readonly registered: boolean;
  readonly shard_map: readonly { readonly since: number; readonly shards: number }[];
}

interface StoredDetail {
  readonly by: string;
  readonly parent?: RunSummary["parent"];
  readonly tags?: RunSummary["tags"];
  readonly late?: true;
  readonly failed?: readonly string[];
  readonly attempts?: RunSummary["attempts"];
  readonly earlier?: Counts;
  readonly problem?: RunSummary["problem"];
  readonly failure?: RunSummary["failure"];
  readonly conf?: string;
  readonly waiting?: RunSummary["waiting"];
  readonly told?: number;
  /** Absent: the time from the start to the end. */
  readonly ms?: number;
}

export class CatalogStore {
  /** The root task of all runs of this object. */
  readonly #task: string;
  readonly #tables: Tables;

  constructor(storage: RowStorage, task: string) {
    this.#tables = new Tables(storage, TABLES);
    this.#task = task;
  }

  /** Writes in one transaction. */
  atOnce(work: () => void): void {
    this.#tables.atOnce(work);
  }

  read({ createdAt, id }: RunPlace): KeptRun | null {
    const [row] = this.#tables.rows(READ, createdAt, id);
    return row === undefined ? null : this.#kept(row);
  }

  /** Stores the run; an earlier revision changes nothing. */
  put({ summary, changedAt, earlier }: KeptRun): void {
    const { id, revision, status, source, createdAt, startedAt, finishedAt, forgetAt } = summary;
    const detail: StoredDetail = {
      by: summary.by,
      ...(summary.parent !== null && { parent: summary.parent }),
      ...(summary.tags !== undefined && { tags: summary.tags }),
      ...(summary.late !== undefined && { late: summary.late }),
      ...(summary.failedTasks.length > 0 && { failed: summary.failedTasks }),
      ...(Object.keys(summary.attempts).length > 0 && { attempts: summary.attempts }),
      ...(Object.keys(earlier).length > 0 && { earlier }),
      ...(summary.problem !== undefined && { problem: summary.problem }),
      ...(summary.failure !== undefined && { failure: summary.failure }),
      ...(summary.confVersion !== undefined && { conf: summary.confVersion }),
      ...(summary.waiting !== undefined && { waiting: summary.waiting }),
      ...(isNotPlain(summary) && { ms: summary.durationMs }),
      ...(summary.toldAt !== undefined && finishedAt === null && { told: summary.toldAt }),
    };
    const values = [
      createdAt,
      id,
      revision,
      status,
      source,
      changedAt,
      startedAt,
      finishedAt,
      forgetAt,
    ];
    this.#tables.put(PUT, ...values, JSON.stringify(detail));
  }

  /** Returns a page of runs in list order. */
  page({ from, after, statuses, sources, now, limit }: PageQuery): RunSummary[] {
    const isRare = statuses.every((status) => status === "failed" || status === "cancelled");
    const values = [
      from,
      after.createdAt,
      after.id,
      JSON.stringify(statuses),
      JSON.stringify(sources),
      now,
      limit,
    ];
    return this.#tables
      .rows(isRare ? PAGE_OF_FAILED : PAGE, ...values)
      .map((row) => this.#kept(row).summary);
  }

  /** Returns the newest success among the thousand runs created before. */
  lastSucceeded(before: number): RunSummary | null {
    const [row] = this.#tables.rows(LAST_SUCCEEDED, before);
    return row === undefined ? null : this.#kept(row).summary;
  }

  /** Returns runs created in [from, until) that changed after that time, earliest change first. */
  changed(from: number, until: number, after: number, limit: number): KeptRun[] {
    return this.#tables.rows(CHANGED, from, until, after, limit).map((row) => this.#kept(row));
  }

  /** Counts runs created in [from, until) by buckets of `bucketMs`. */
  countByBucket(bucketMs: number, from: number, until: number): BucketCount[] {
    return this.#tables.rows(COUNT_BY_BUCKET, bucketMs, from, until).map(bucketCountIn);
  }

  /** Counts expired runs created in [from, until) by buckets of `bucketMs`. */
  countDueByBucket(bucketMs: number, from: number, until: number, now: number): BucketCount[] {
    return this.#tables.rows(COUNT_DUE_BY_BUCKET, bucketMs, from, until, now).map(bucketCountIn);
  }

  /** Reads all runs created in [from, until), row by row. */
  *each(from: number, until: number): Generator<KeptRun> {
    for (const row of this.#tables.each(FINISHED, from, until)) yield this.#kept(row);
  }

  deleteDue(from: number, until: number, now: number): void {
    this.#tables.rows(DELETE_DUE, from, until, now);
  }

  /** Time of the first expiry among runs created in [from, until); Infinity without one. */
  nextDue(from: number, until: number): number {
    const [row] = this.#tables.rows(READ_NEXT_DUE, from, until);
    return numberIn(row, "at") ?? Number.POSITIVE_INFINITY;
  }

  /** Checks that runs created since then exist. */
  hasRunsFrom(from: number): boolean {
    return this.#tables.rows(HAS_RUNS_FROM, from).length > 0;
  }

  /** Stored counts by day, as JSON. */
  days(): { readonly day: number; readonly counts: string }[] {
    return this.#tables.rows(READ_DAYS).map((row) => ({
      day: Number(row["day"]),
      counts: textIn(row, "counts"),
    }));
  }

  /** Stores the counts of a day; null deletes the day. */
  putDay(day: number, counts: string | null): void {
    if (counts === null) this.#tables.put(DELETE_DAY, day);
    else this.#tables.put(PUT_DAY, day, counts);
  }

  state<Name extends keyof State>(name: Name): State[Name] | null {
    const [row] = this.#tables.rows(READ_STATE, name);
    return row === undefined ? null : jsonIn(row, "value");
  }

  putState<Name extends keyof State>(name: Name, value: State[Name]): void {
    this.#tables.put(PUT_STATE, name, JSON.stringify(value));
  }

  #kept(row: Row): KeptRun {
    const id = parseRunId(textIn(row, "id"));
    if (id === null)
      throw new Error(`the catalog has a row of "${textIn(row, "id")}", which is no run id`);
    const detail: StoredDetail = jsonIn(row, "detail");
    const { by, parent = null, failed = [], attempts = {}, earlier = {}, problem } = detail;
    const { failure, conf, waiting, told, ms, tags, late } = detail;
    return {
      summary: {
        id,
        task: this.#task,
        revision: Number(row["revision"]),
        status: statusIn(row),
        source: sourceIn(row),
        by,
        parent,
        ...(tags !== undefined && { tags }),
        ...(late !== undefined && { late }),
        createdAt: Number(row["created_at"]),
        startedAt: numberIn(row, "started_at"),
        finishedAt: numberIn(row, "finished_at"),
        forgetAt: numberIn(row, "forget_at"),
        failedTasks: failed,
        attempts,
        ...(problem !== undefined && { problem }),
        ...(failure !== undefined && { failure }),
        ...(conf !== undefined && { confVersion: conf }),
        ...(waiting !== undefined && { waiting }),
        ...(told !== undefined && { toldAt: told }),
        ...(ms !== undefined && { durationMs: ms }),
      },
      changedAt: Number(row["changed_at"]),
      earlier,
    };
  }
}

/** Tests for a duration other than the time from the start to the end, as most runs have. */
function isNotPlain({ startedAt, finishedAt, durationMs }: RunSummary): boolean {
  return durationMs !== undefined && durationMs !== (finishedAt ?? 0) - (startedAt ?? 0);
}

function bucketCountIn(row: Row): BucketCount {
  return {
    bucket: Number(row["bucket"]),
    status: statusIn(row),
    source: sourceIn(row),
    runs: Number(row["runs"]),
    forgetFrom: numberIn(row, "forget_from") ?? Number.POSITIVE_INFINITY,
    changedAt: Number(row["changed_at"]),
  };
}

function statusIn(row: Row): RunStatus {
  const status = RUN_STATUSES.find((known) => known === row["status"]);
  if (status === undefined)
    throw new Error(`the catalog has a run that is "${textIn(row, "status")}"`);
  return status;
}

function sourceIn(row: Row): TriggerSource {
  const source = TRIGGER_SOURCES.find((known) => known === row["source"]);
  if (source === undefined)
    throw new Error(`the catalog has a run with the source "${textIn(row, "source")}"`);
  return source;
}
