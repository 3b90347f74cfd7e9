import type { RunId } from "../../domain/ids.ts";
import type { RunStatus } from "../../domain/statuses.ts";

/**
 * The tables of a run object. They have no version of their own, for a table of it would cost every run two more rows: each entry says
 * which version of the code reads it (see `entry-layout.ts`).
 */

/**
 * One append-only journal, one row a commit. Rows written are what a run costs (each at $1 a million): a row per task and
 * transition would be twelve for a diamond of four tasks, the journal needs six. The order of the entries is also the order
 * in which listeners see the changes.
 * - `genesis`: the run as it was accepted (`RunGenesis`). The first entry, until a `state` takes its place.
 * - `change`: what one decision of the machine changed (`RunChange`).
 * - `state`: the run as it is; what was written before is gone, but for bytes that it refers to.
 * - `data`: bytes that did not fit into the row of the entry that follows, or whose entry is gone.
 * `data` holds the bytes of inline payloads and log lines, found by (seq, offset, size).
 *
 * Known kinds are compared one by one: for a list of three SQLite makes a table of its own at each insert, a twentieth of a hop.
 */
export const CREATE_JOURNAL = `
  CREATE TABLE journal (
    seq INTEGER PRIMARY KEY CONSTRAINT seq_is_positive CHECK (seq > 0),
    kind TEXT NOT NULL CONSTRAINT kind_is_known CHECK (kind = 'change' OR kind = 'data' OR kind = 'genesis' OR kind = 'state'),
    at INTEGER NOT NULL,
    entry TEXT CONSTRAINT only_data_has_no_entry CHECK ((entry IS NULL) = (kind = 'data')),
    data BLOB
  ) STRICT`;

/** What is kept of a run after its retention (see remembered.ts). */
export interface Remembered {
  readonly status: RunStatus;
  /** Of its payload. */
  readonly digest?: string;
  readonly parents: readonly RunId[];
  /** Of a debounced task: the digests of the payloads that came with keys, by the key's digest; empty of one that was not compared. */
  readonly joined?: Readonly<Record<string, string>>;
  /** Of the format. */
  readonly v?: number;
  readonly retentionMs: number;
}

/** What is kept of the run after its retention (`Remembered`), as JSON; there only while that is so. */
export const CREATE_REMEMBERED = `
  CREATE TABLE IF NOT EXISTS remembered (
    one INTEGER PRIMARY KEY CONSTRAINT there_is_one_run CHECK (one = 1),
    entry TEXT NOT NULL
  ) STRICT`;

/**
 * There once something of the run is about to be put into R2. Of a run that has not been told so the end of its retention asks R2 for
 * nothing: a listing costs as much as four and a half rows. A row for each accept that has announced payloads and was not answered yet,
 * and for the one that has made the run.
 */
export const CREATE_OBJECTS_EXPECTED = `
  CREATE TABLE IF NOT EXISTS objects_expected (
    nonce TEXT PRIMARY KEY,
    at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`;
