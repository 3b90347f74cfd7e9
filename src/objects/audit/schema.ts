/** The tables of the object that keeps the audit. */
import type { TableHistory } from "../../platform/tables.ts";

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
export const TABLES: TableHistory = {
  what: "the object of the audit",
  table: "entries",
  migrations: [[CREATE_ENTRIES]],
};
