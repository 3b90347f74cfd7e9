/**
 * Tables of a debounce object, made with its first window, of the objects that bind idempotency
 * keys to windows, and of a list of limits.
 */
import type { TableHistory } from "../tables.ts";

const CREATE_OPEN_WINDOW = `
  CREATE TABLE open_window (
    id INTEGER PRIMARY KEY CONSTRAINT there_is_one_window CHECK (id = 1),
    run_id TEXT NOT NULL,
    opened_at INTEGER NOT NULL
  ) STRICT`;
const CREATE_NAMED_RUN = `
  CREATE TABLE named_run (
    key_digest TEXT PRIMARY KEY,
    run_id TEXT NOT NULL,
    until INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`;

/** Tables of a debounce object. */
export const WINDOW_TABLES: TableHistory = {
  what: "the object of a debounce window",
  table: "open_window",
  migrations: [[CREATE_OPEN_WINDOW, CREATE_NAMED_RUN]],
};

/** `window`: id of the window's object, a digest of its name. */
const CREATE_KEY_BINDING = `
  CREATE TABLE key_binding (
    key_digest TEXT PRIMARY KEY,
    window TEXT NOT NULL,
    bound_at INTEGER NOT NULL,
    until INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`;

/** Table of the idempotency keys of a task, apart from windows: an older release opens neither. */
export const KEY_TABLES: TableHistory = {
  what: "the keys of a debounced task",
  table: "key_binding",
  migrations: [[CREATE_KEY_BINDING]],
};

const CREATE_LISTED = `
  CREATE TABLE listed (
    kind TEXT NOT NULL CONSTRAINT kind_is_known CHECK (kind IN ('concurrency', 'rate_limit')),
    key TEXT NOT NULL,
    PRIMARY KEY (kind, key)
  ) STRICT, WITHOUT ROWID`;

/** Table of the list of a task's limits. */
export const LIST_TABLES: TableHistory = {
  what: "the list of a task's limits",
  table: "listed",
  migrations: [[CREATE_LISTED]],
};
