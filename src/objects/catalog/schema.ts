/** The tables of a catalogue object, and of the directory. */
import type { TableHistory } from "../../platform/tables.ts";

/**
 * One row for each run, one row written for each time that it is recorded: the primary key is the table. `revision` tells a later
 * summary from an earlier one, `changed_at` is when this object learned of it, `detail` is JSON (`StoredDetail`).
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
    CONSTRAINT status_is_known CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    CONSTRAINT final_has_its_end CHECK ((finished_at IS NULL) = (status IN ('queued', 'running'))),
    CONSTRAINT final_is_forgotten CHECK ((finished_at IS NULL) = (forget_at IS NULL))
  ) STRICT, WITHOUT ROWID`;

/** What is looked for most, and is rare: costs a row only there. */
const CREATE_RUNS_THAT_FAILED = `
  CREATE INDEX runs_that_failed ON runs (created_at, id) WHERE status IN ('failed', 'cancelled')`;

/** Tallies of the closed part (see books.ts), JSON by quarter of an hour; a row for each day. */
const CREATE_DAYS = `
  CREATE TABLE days (
    day INTEGER PRIMARY KEY,
    tallies TEXT NOT NULL
  ) STRICT`;

/** What there is one of, as JSON. */
const CREATE_STATE = `
  CREATE TABLE state (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    CONSTRAINT name_is_known CHECK (name IN ('closed_until', 'figures', 'enlisted', 'splits'))
  ) STRICT, WITHOUT ROWID`;

/** The first one brings version 1. */
export const TABLES: TableHistory = {
  what: "the catalogue",
  table: "runs",
  migrations: [[CREATE_RUNS, CREATE_RUNS_THAT_FAILED, CREATE_DAYS, CREATE_STATE]],
};

/** The tasks that have a catalogue. */
const CREATE_TASKS = `
  CREATE TABLE tasks (
    task TEXT PRIMARY KEY
  ) STRICT, WITHOUT ROWID`;

/** Of the directory. */
export const DIRECTORY_TABLES: TableHistory = {
  what: "the directory of the catalogue",
  table: "tasks",
  migrations: [[CREATE_TASKS]],
};
