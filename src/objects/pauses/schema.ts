/** The tables of the controls object, one statement each. */
import type { TableHistory } from "../../platform/tables.ts";

const CREATE_TABLES = [
  `CREATE TABLE paused (
    task TEXT PRIMARY KEY,
    by TEXT NOT NULL,
    at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
  // Runs that hold attempts of a task back, until they know that it is resumed. `tries`: to tell them so, in vain.
  `CREATE TABLE waiting (
    task TEXT NOT NULL,
    run_id TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (task, run_id)
  ) STRICT, WITHOUT ROWID`,
] as const;

/** The first one brings version 1. */
export const TABLES: TableHistory = {
  what: "the controls object",
  table: "paused",
  migrations: [CREATE_TABLES],
};
