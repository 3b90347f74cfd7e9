/** Tables of the object of dead letters. */
import type { TableHistory } from "../tables.ts";

/**
 * Letters in the order of `seq`. A number is never reused, so that a page continues where the last
 * one ended, whatever was deleted in between. `body` is JSON text: a message has at most 128 KB,
 * and fits beside its letter.
 */
const CREATE_LETTERS = `
  CREATE TABLE letters (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE CONSTRAINT id_is_of_a_dead_letter CHECK (id GLOB 'dlt_*'),
    queue TEXT NOT NULL,
    reason TEXT NOT NULL CONSTRAINT reason_is_known
      CHECK (reason IN ('not_understood', 'refused', 'given_up')),
    detail TEXT NOT NULL,
    body TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL CONSTRAINT it_was_tried CHECK (attempts > 0),
    expires_at INTEGER NOT NULL CONSTRAINT it_is_kept CHECK (expires_at > received_at)
  ) STRICT`;

/** Migrations, from version 1 on. */
export const TABLES: TableHistory = {
  what: "the object of dead letters",
  table: "letters",
  migrations: [[CREATE_LETTERS]],
};
