/** The tables of the object that keeps the dead letters. */
import type { TableHistory } from "../../platform/tables.ts";

/**
 * `seq` is the order in which they were recorded; it never comes again, so that a page goes on where the one before ended, whatever
 * was deleted meanwhile. `body` is JSON text: a message has at most 128 KB, so it fits beside its letter.
 */
const CREATE_LETTERS = `
  CREATE TABLE letters (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE CONSTRAINT id_is_of_a_dead_letter CHECK (id GLOB 'dlt_*'),
    queue TEXT NOT NULL,
    reason TEXT NOT NULL CONSTRAINT reason_is_known CHECK (reason IN ('not_understood', 'refused', 'given_up')),
    detail TEXT NOT NULL,
    body TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL CONSTRAINT it_was_tried CHECK (attempts > 0),
    expires_at INTEGER NOT NULL CONSTRAINT it_is_kept CHECK (expires_at > received_at)
  ) STRICT`;

/** The first one brings version 1. */
export const TABLES: TableHistory = {
  what: "the object of dead letters",
  table: "letters",
  migrations: [[CREATE_LETTERS]],
};
