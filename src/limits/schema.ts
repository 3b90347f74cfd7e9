/** The tables of a debounce object, made with its first window. */
export const CREATE_TABLES = `
  CREATE TABLE IF NOT EXISTS open_window (
    id INTEGER PRIMARY KEY CONSTRAINT there_is_one_window CHECK (id = 1),
    run_id TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS known_trigger (
    idempotency_key TEXT PRIMARY KEY,
    run_id TEXT NOT NULL,
    at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`;
