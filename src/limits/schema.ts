/** The tables of a debounce object, made with its first window. */
export const CREATE_TABLES = `
  CREATE TABLE IF NOT EXISTS open_window (
    id INTEGER PRIMARY KEY CONSTRAINT there_is_one_window CHECK (id = 1),
    run_id TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS named_run (
    key_digest TEXT PRIMARY KEY,
    run_id TEXT NOT NULL,
    until INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`;
