/** Tables of a catalog object, and of the task directory. */
import type { TableHistory } from "../tables.ts";

/**
 * A run has one row, and a record writes one row: the primary key is the table. `revision` orders
 * the summaries of a run, `changed_at` is the time of the record on the clock of this object,
 * `detail` is JSON (`StoredDetail`).
 */
const CREATE_RUNS = `
  CREATE TABLE runs (
    created_at INTEGER NOT NULL,
    id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    status TEXT NOT NULL,
    source TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    forget_at INTEGER,
    detail TEXT NOT NULL,
    PRIMARY KEY (created_at, id),
    CONSTRAINT status_is_known
      CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    CONSTRAINT final_has_its_end CHECK ((finished_at IS NULL) = (status IN ('queued', 'running'))),
    CONSTRAINT final_is_forgotten CHECK ((finished_at IS NULL) = (forget_at IS NULL))
  ) STRICT, WITHOUT ROWID`;

/** Index of the runs that are searched most and are rare; other runs cost no row here. */
const CREATE_RUNS_THAT_FAILED = `
  CREATE INDEX runs_that_failed ON runs (created_at, id) WHERE status IN ('failed', 'cancelled')`;

/** Counts below the watermark (see run-index.ts), JSON by quarter of an hour; a row per day. */
const CREATE_DAYS = `
  CREATE TABLE days (
    day INTEGER PRIMARY KEY,
    counts TEXT NOT NULL
  ) STRICT`;

/** Single values of the object, as JSON. */
const CREATE_STATE = `
  CREATE TABLE state (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    CONSTRAINT name_is_known CHECK (name IN ('watermark', 'metrics', 'registered', 'shard_map'))
  ) STRICT, WITHOUT ROWID`;

/** Migrations, from version 1 on. */
export const TABLES: TableHistory = {
  what: "the catalog",
  table: "runs",
  migrations: [[CREATE_RUNS, CREATE_RUNS_THAT_FAILED, CREATE_DAYS, CREATE_STATE]],
};

/** Tasks that have a catalog object. */
const CREATE_TASKS = `
  CREATE TABLE tasks (
    task TEXT PRIMARY KEY
  ) STRICT, WITHOUT ROWID`;

/** Table of the task directory. */
export const TASK_DIRECTORY_TABLES: TableHistory = {
  what: "the task directory",
  table: "tasks",
  migrations: [[CREATE_TASKS]],
};
