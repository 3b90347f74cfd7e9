/**
 * All storage of a run object: its journal. It keeps no state but the number of the last row; decisions are the machine's.
 *
 * Memory is a cache of the journal, never ahead of it: the run object folds a change after `append` has returned. Appending
 * names the row number that must come next, so an instance whose memory is stale fails instead of writing a second history.
 */
import { pack, unpack, type PackedChange } from "../core/compact.ts";
import { fold } from "../core/fold.ts";
import type { RunChange, RunGenesis, Run } from "../core/run.ts";
import { newRun } from "../core/run.ts";
import type { Packer } from "./packer.ts";
import { CREATE_JOURNAL, CREATE_OBJECTS_EXPECTED, SCHEMA_VERSION } from "./schema.ts";

const READ_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('journal', 'objects_expected')";
const READ_ENTRIES = "SELECT seq, kind, entry FROM journal WHERE kind <> 'data' ORDER BY seq";
const READ_AFTER = "SELECT seq, kind, entry FROM journal WHERE seq > ? ORDER BY seq LIMIT ?";
const READ_DATA = "SELECT substr(data, ?, ?) AS bytes FROM journal WHERE seq = ?";
const APPEND = "INSERT INTO journal (seq, kind, at, entry, data) VALUES (?, ?, ?, ?, ?)";

/** The first entry: what was accepted, and what that decided at once. */
interface StoredGenesis {
  readonly schema: number;
  readonly genesis: RunGenesis;
  readonly first: PackedChange;
}

/** One row as it was written: `unpack` the change with the run as it was before it. */
export interface JournalRow {
  readonly seq: number;
  /** What was accepted; only in the first entry. */
  readonly genesis: RunGenesis | null;
  /** Null: the row holds only bytes that belong to a later one. */
  readonly change: PackedChange | null;
}

/** What the journal uses of an object's storage. */
export interface JournalStorage {
  readonly sql: {
    exec(query: string, ...values: (string | number | Uint8Array | null)[]): Iterable<Row> & { toArray(): Row[] };
  };
  transactionSync<T>(work: () => T): T;
  deleteAll(): Promise<void>;
}

type Row = Record<string, unknown>;

export class RunStore {
  readonly #storage: JournalStorage;
  #lastSeq = 0;
  /** The data of the last row, as it was written: what a task passed is read by its child at once. */
  #lastData: Uint8Array | null = null;
  #expectsObjects = false;

  constructor(storage: JournalStorage) {
    this.#storage = storage;
  }

  /** The row number that the next commit begins with. */
  get nextSeq(): number {
    return this.#lastSeq + 1;
  }

  /** Whether there may be objects of this id in R2; known once `load` was called. */
  get expectsObjects(): boolean {
    return this.#expectsObjects;
  }

  /** The run as its journal tells it, or null if none was accepted (or it was deleted). */
  load(): Run | null {
    const { sql } = this.#storage;
    const tables = sql.exec(READ_TABLES).toArray();
    this.#expectsObjects = tables.some(({ name }) => name === "objects_expected");
    if (tables.every(({ name }) => name !== "journal")) return null;
    let run: Run | null = null;
    for (const row of sql.exec(READ_ENTRIES)) {
      const entry = typeof row["entry"] === "string" ? row["entry"] : "";
      if (run === null) run = begin(parseEntry<StoredGenesis>(entry));
      else fold(run, unpack(parseEntry<PackedChange>(entry), run));
      // No row comes after the last entry: bytes stand before the entry that they belong to.
      this.#lastSeq = Number(row["seq"]);
    }
    return run;
  }

  /** So many rows after this one, oldest first. Where two numbers do not follow each other, what lay between is gone. */
  readAfter(after: number, limit: number): JournalRow[] {
    return Array.from(this.#storage.sql.exec(READ_AFTER, after, limit), ({ seq, kind, entry }) => {
      const row = { seq: Number(seq), genesis: null, change: null };
      if (typeof entry !== "string") return row;
      if (kind !== "genesis") return { ...row, change: parseEntry<PackedChange>(entry) };
      const { genesis, first } = parseEntry<StoredGenesis>(entry);
      return { ...row, genesis, change: first };
    });
  }

  /** Notes, whether a run was accepted or not, that there may be objects of this id in R2. */
  expectObjects(): void {
    if (this.#expectsObjects) return;
    this.#storage.sql.exec(CREATE_OBJECTS_EXPECTED);
    this.#expectsObjects = true;
  }

  /** Records an accepted run: its table, its genesis and the first change, in one transaction. */
  create(genesis: RunGenesis, data: Packer, first: RunChange, at: number): void {
    const stored: StoredGenesis = { schema: SCHEMA_VERSION, genesis, first: pack(first, genesis.graph.tasks.length) };
    this.#storage.transactionSync(() => {
      this.#storage.sql.exec(CREATE_JOURNAL);
      this.#insert("genesis", stored, data, at);
    });
  }

  /** Records one change of the run, which is not folded yet. A single row is atomic by itself: a transaction around it cost a twentieth of a hop. */
  append(run: Run, change: RunChange, data: Packer, at: number): void {
    const packed = pack(change, run.tasks.length);
    const insert = (): void => this.#insert("change", packed, data, at);
    if (data.hasOneRow) insert();
    else this.#storage.transactionSync(insert);
  }

  /** Bytes that lie beside an entry; null if there are none at that place. */
  read(seq: number, offset: number, size: number): Uint8Array | null {
    if (size === 0) return new Uint8Array(0);
    if (seq === this.#lastSeq && this.#lastData !== null) return cut(this.#lastData, offset, size);
    const [row] = this.#storage.sql.exec(READ_DATA, offset + 1, size, seq);
    const bytes = row?.["bytes"];
    return bytes instanceof ArrayBuffer && bytes.byteLength === size ? new Uint8Array(bytes) : null;
  }

  /** Deletes everything, the alarm included. */
  async deleteAll(): Promise<void> {
    await this.#storage.deleteAll();
    this.#lastSeq = 0;
    this.#lastData = null;
    this.#expectsObjects = false;
  }

  #insert(kind: "genesis" | "change", entry: unknown, data: Packer, at: number): void {
    const rows = data.rows();
    const last = rows.pop() ?? null;
    let seq = this.#lastSeq;
    for (const bytes of rows) this.#storage.sql.exec(APPEND, ++seq, "data", at, null, bytes);
    this.#storage.sql.exec(APPEND, ++seq, kind, at, JSON.stringify(entry), last);
    this.#lastSeq = seq;
    this.#lastData = last;
  }
}

/** A copy, unless it is all of it: over the wire goes the whole buffer in which a part lies. */
function cut(bytes: Uint8Array, offset: number, size: number): Uint8Array | null {
  if (offset + size > bytes.length) return null;
  return size === bytes.length && bytes.buffer.byteLength === size ? bytes : bytes.slice(offset, offset + size);
}

function begin({ schema, genesis, first }: StoredGenesis): Run {
  if (schema > SCHEMA_VERSION) {
    throw new Error(
      `run ${genesis.id} has schema ${schema}, this code knows ${SCHEMA_VERSION}: deploy the newer version again`,
    );
  }
  const run = newRun(genesis);
  fold(run, unpack(first, run));
  return run;
}

/** The one row mapping of this store: entries are written by `#insert` alone, as JSON of these types. */
function parseEntry<T>(entry: string): T {
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return JSON.parse(entry) as T;
}
