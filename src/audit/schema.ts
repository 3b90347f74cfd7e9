/** The tables of the object that keeps the audit. Migrations are append-only. */

/** Entries are only ever added, and deleted by age. `entry` is the whole as JSON. */
const CREATE_ENTRIES = `
  CREATE TABLE entries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    entry TEXT NOT NULL
  ) STRICT`;

/** The first one brings version 1. */
export const MIGRATIONS: readonly string[] = [CREATE_ENTRIES];

export const CREATE_VERSIONS = `
  CREATE TABLE IF NOT EXISTS schema_versions (
    version INTEGER PRIMARY KEY CONSTRAINT version_is_positive CHECK (version > 0)
  ) STRICT`;
