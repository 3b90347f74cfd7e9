/** Tables of the pauses object, one statement each. */
import type { TableHistory } from "../tables.ts";

const CREATE_TABLES = [
  `CREATE TABLE paused (
    task TEXT PRIMARY KEY,
    by TEXT NOT NULL,
    at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
  // Runs that block attempts of a task until they learn of the resumption. `tries`: failed
  // notifications.
  `CREATE TABLE waiting (
    task TEXT NOT NULL,
    run_id TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (task, run_id)
  ) STRICT, WITHOUT ROWID`,
] as const;

/** Migrations, from version 1 on. */
export const TABLES: TableHistory = {
  what: "the pauses object",
  table: "paused",
  migrations: [CREATE_TABLES],
};
