/** Tables of a limit object, one statement each. */
import type { TableHistory } from "../tables.ts";

const CREATE_TABLES = [
  // An attempt that waits for a slot or holds a slot.
  `CREATE TABLE slot (
    id TEXT PRIMARY KEY,
    run_id TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    phase TEXT NOT NULL CONSTRAINT phase_is_known CHECK (phase IN ('waiting', 'held', 'leaving')),
    check_at INTEGER,
    checks INTEGER NOT NULL,
    free_at INTEGER CONSTRAINT only_leaving_ones_have_an_end
      CHECK ((free_at IS NULL) = (phase <> 'leaving')),
    gives_way INTEGER NOT NULL CONSTRAINT gives_way_is_a_flag CHECK (gives_way IN (0, 1))
  ) STRICT, WITHOUT ROWID`,
  // Places of the window by the time when they come free.
  `CREATE TABLE started (
    free_at INTEGER PRIMARY KEY,
    count INTEGER NOT NULL CONSTRAINT somebody_counts CHECK (count > 0)
  ) STRICT`,
  // The name of this limit, and the rule in the newest plan (`LimitRule`).
  `CREATE TABLE limit_name (
    id INTEGER PRIMARY KEY CONSTRAINT there_is_one_name CHECK (id = 1),
    name TEXT NOT NULL,
    rule TEXT NOT NULL
  ) STRICT`,
] as const;

/** Migrations, from version 1 on. */
export const TABLES: TableHistory = {
  what: "the object of a limit",
  table: "slot",
  migrations: [CREATE_TABLES],
};
