/** Tables of an index of vectors, one statement each. */
import type { TableHistory } from "../tables.ts";

const CREATE_TABLES = [
  // A generation is a whole set of vectors. Queries see the current generation. A replacement is
  // built as a further generation. `dropped`: the blocks are being deleted.
  `CREATE TABLE generations (
    generation INTEGER PRIMARY KEY CONSTRAINT generation_is_positive CHECK (generation > 0),
    state TEXT NOT NULL CONSTRAINT state_is_known CHECK (state IN ('current', 'building', 'dropped')),
    replacement TEXT CONSTRAINT only_a_replacement_is_built CHECK (state <> 'building' OR replacement IS NOT NULL),
    metric TEXT NOT NULL CONSTRAINT metric_is_known CHECK (metric IN ('cosine', 'dot', 'euclidean')),
    dimensions INTEGER NOT NULL CONSTRAINT dimensions_are_positive CHECK (dimensions > 0),
    touched_at INTEGER NOT NULL
  ) STRICT`,
  // `place`: generation and number of the block. The columns that more queries read come first:
  // SQLite reads a long row from its begin.
  `CREATE TABLE blocks (
    place INTEGER PRIMARY KEY,
    ids TEXT NOT NULL,
    metadata TEXT NOT NULL,
    facts BLOB NOT NULL,
    codes BLOB NOT NULL,
    vectors BLOB NOT NULL
  ) STRICT`,
] as const;

/** Migration 1 creates the tables. */
export const TABLES: TableHistory = {
  what: "an index of vectors",
  table: "generations",
  migrations: [CREATE_TABLES],
};
