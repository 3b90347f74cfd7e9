/** Tables of the object of deaths, one statement each. */
import type { TableHistory } from "../tables.ts";

const CREATE_TABLES = [
  // `victim` may outlive the run by an hour, and is a digest therefore. `died_at`: the time of the
  // report, by the clock of this object.
  `CREATE TABLE deaths (
    victim TEXT NOT NULL CONSTRAINT victim_is_a_digest CHECK (length(victim) = 64),
    attempt INTEGER NOT NULL,
    begun_at INTEGER NOT NULL,
    died_at INTEGER NOT NULL,
    PRIMARY KEY (victim, attempt),
    CONSTRAINT begun_before_it_died CHECK (begun_at <= died_at)
  ) STRICT, WITHOUT ROWID`,
  "CREATE INDEX deaths_by_time ON deaths (died_at)",
] as const;

/** Migration 1 creates the tables. */
export const TABLES: TableHistory = {
  what: "the object of deaths",
  table: "deaths",
  migrations: [CREATE_TABLES],
};
