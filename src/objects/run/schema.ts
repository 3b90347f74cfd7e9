import type { RunId } from "../../domain/ids.ts";
import type { RunStatus } from "../../domain/statuses.ts";

/**
 * Tables of a run object. A table of versions would cost every run two more rows, so each entry
 * names the version of the code that can read the entry (see `entry-layout.ts`).
 */

/**
 * One append-only journal, one row a commit. Rows written are the price of a run (each at $1 a
 * million): a row a task and transition would be twelve for a diamond of four tasks; the journal
 * needs six. Subscribers see changes in the order of the entries.
 * - `genesis`: the accepted run (`RunGenesis`). The first entry, until a `state` replaces it.
 * - `change`: the change of one transition (`RunChange`).
 * - `state`: a snapshot of the run. Earlier rows are gone, except for bytes that the run refers to.
 * - `data`: bytes that did not fit into the row of the next entry, or whose entry is gone.
 *
 * The column `data` holds the bytes of inline payloads and log lines, found by (seq, offset, size).
 *
 * The CHECK compares the kinds one by one: for a list of three SQLite builds a table at each
 * insert, a twentieth of a hop.
 */
export const CREATE_JOURNAL = `
  CREATE TABLE journal (
    seq INTEGER PRIMARY KEY CONSTRAINT seq_is_positive CHECK (seq > 0),
    kind TEXT NOT NULL CONSTRAINT kind_is_known CHECK (kind = 'change' OR kind = 'data' OR kind = 'genesis' OR kind = 'state'),
    at INTEGER NOT NULL,
    entry TEXT CONSTRAINT only_data_has_no_entry CHECK ((entry IS NULL) = (kind = 'data')),
    data BLOB
  ) STRICT`;

/** The tombstone of a run: all that is kept after its retention (see tombstone.ts). */
export interface Tombstone {
  readonly status: RunStatus;
  /** Digest of the run's payload. */
  readonly digest?: string;
  readonly parents: readonly RunId[];
  /**
   * Payload digests by key digest, for triggers of a debounced task with keys; empty for a payload
   * that was not compared.
   */
  readonly joined?: Readonly<Record<string, string>>;
  /** Version of the format. */
  readonly v?: number;
  readonly retentionMs: number;
}

/** The table of the tombstone (`Tombstone`, as JSON); exists only together with its row. */
export const CREATE_TOMBSTONE = `
  CREATE TABLE IF NOT EXISTS tombstone (
    one INTEGER PRIMARY KEY CONSTRAINT there_is_one_run CHECK (one = 1),
    entry TEXT NOT NULL
  ) STRICT`;

/**
 * Exists once the run may have objects in R2. Without the table, the end of retention does not list
 * R2: a listing costs as much as four and a half rows. Holds a row for each accept that announced
 * payloads and is not answered yet, and for the accept that created the run.
 */
export const CREATE_OBJECTS_EXPECTED = `
  CREATE TABLE IF NOT EXISTS objects_expected (
    nonce TEXT PRIMARY KEY,
    at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`;
