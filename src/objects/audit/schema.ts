/** Tables of the object of the audit. */
import type { TableHistory } from "../tables.ts";

/** Entries, only appended, and deleted by age. `entry` is the whole entry as JSON. */
const CREATE_ENTRIES = `
  CREATE TABLE entries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    entry TEXT NOT NULL
  ) STRICT`;

/** Migrations, from version 1 on. */
export const TABLES: TableHistory = {
  what: "the object of the audit",
  table: "entries",
  migrations: [[CREATE_ENTRIES]],
};
