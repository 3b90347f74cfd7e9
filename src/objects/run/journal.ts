/**
 * Stores a run in its journal, with all SQL of the run object. Decides nothing: decisions are the
 * machine's.
 *
 * No row outgrows the platform's limit: a larger entry is stored as bytes in `data` rows before the
 * entry's own row, and an entry above `MAX_ENTRY_BYTES` is refused before anything is written. Once
 * the changes since the genesis or the last snapshot are several times as large as a snapshot, a
 * snapshot is written and the changes are deleted in the same commit. Bytes that the run still
 * refers to stay.
 *
 * Memory is a cache of the journal and never ahead: the run object applies a change after `append`
 * has returned. Each append names the next row number, so an instance with stale memory fails
 * instead of writing a second history.
 */
import { encodeChange, type EncodedChange } from "../../domain/run/journal-codec.ts";
import { applyChange } from "../../domain/run/apply-change.ts";
import { withChangeKeys, withGenesisKeys, type Place } from "../../domain/run/limit-keys-aside.ts";
import type { LimitKeys } from "../../domain/limits/limit.ts";
import { packGraph } from "../../domain/plan/packed-graph.ts";
import type { RunChange } from "../../domain/run/run-change.ts";
import { type RunGenesis, type Run, newRun } from "../../domain/run/state.ts";
import type { GrantedLease } from "../../domain/run/machine-events.ts";
import { stateOf } from "../../domain/run/snapshot.ts";
import { FORMAT_VERSION } from "../../domain/version.ts";
import {
  beginningIn,
  fitsBeside,
  fitting,
  KeysAside,
  MAX_ENTRY_BYTES,
  seqsIn,
  stamped,
  utf8Length,
  type RunBeginning,
  type StoredGenesis,
  type StoredState,
} from "./entry-layout.ts";
import { JournalBytes } from "./journal-bytes.ts";
import { CREATE_JOURNAL } from "./schema.ts";
import { EntryReader } from "./entry-reader.ts";
import type { JournalStorage } from "./journal-storage.ts";
import { PayloadAnnouncements } from "./payload-announcements.ts";
import { TombstoneStore } from "./tombstone-store.ts";

const READ_TABLES =
  "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('journal', 'objects_expected', 'tombstone')";
const READ_ENTRIES = "SELECT seq, kind, entry FROM journal WHERE kind <> 'data' ORDER BY seq";
const READ_BEGINNING =
  "SELECT entry FROM journal WHERE kind = 'genesis' OR kind = 'state' ORDER BY seq LIMIT 1";
const READ_AFTER = "SELECT seq, kind, entry FROM journal WHERE seq > ? ORDER BY seq LIMIT ?";
const READ_LAST_TIME = "SELECT at FROM journal ORDER BY seq DESC LIMIT 1";
const READ_DATA = "SELECT substr(data, ?, ?) AS bytes FROM journal WHERE seq = ?";
const READ_BEFORE = "SELECT seq, kind FROM journal WHERE seq < ?";
const DELETE_ROW = "DELETE FROM journal WHERE seq = ?";
const KEEP_BYTES = "UPDATE journal SET kind = 'data', entry = NULL WHERE seq = ?";
const APPEND = "INSERT INTO journal (seq, kind, at, entry, data) VALUES (?, ?, ?, ?, ?)";

/**
 * Rule for snapshots: the changes since the last snapshot are `times` as large as a snapshot, and
 * at least `leastBytes`.
 */
export interface SnapshotRule {
  readonly times: number;
  readonly leastBytes: number;
}

const SNAPSHOT: SnapshotRule = { times: 4, leastBytes: 256_000 };

/**
 * A row as written. The change is encoded against the run before the change (see `decodeChange`).
 */
export interface JournalRow {
  readonly seq: number;
  /** The accepted trigger; only in the first entry. */
  readonly genesis: RunGenesis | null;
  /** Null: the row holds bytes of a later row, or a snapshot. */
  readonly change: EncodedChange | null;
  /** The run after row `upTo`; all earlier rows are gone. */
  readonly snapshot: { readonly run: Run; readonly upTo: number } | null;
}

/** Limits for one read; `length` is the sum of the entries, in characters. */
export interface JournalPage {
  readonly rows: number;
  readonly length: number;
}

export class Journal {
  readonly announcements: PayloadAnnouncements;
  readonly tombstone: TombstoneStore;
  readonly #storage: JournalStorage;
  readonly #snapshot: SnapshotRule;
  #lastSeq = 0;
  /**
   * The data written last: the next claim reads a trigger's payload or a task's output from here.
   */
  #lastData: { readonly seq: number; readonly bytes: Uint8Array } | null = null;
  /**
   * Size of the changes since the genesis or the last snapshot, and the estimated size of a
   * snapshot.
   */
  #changesBytes = 0;
  #snapshotBytes = 0;
  /** Places of the lists of limit keys that were written or read. */
  readonly #keys = new WeakMap<readonly LimitKeys[], readonly Place[]>();
  readonly #reader = new EntryReader((...place) => this.read(...place), this.#keys);
  #acceptedLeases: readonly GrantedLease[] = [];
  #endSeq = Number.POSITIVE_INFINITY;

  constructor(storage: JournalStorage, snapshot = SNAPSHOT) {
    this.#storage = storage;
    this.announcements = new PayloadAnnouncements(storage);
    this.tombstone = new TombstoneStore(storage);
    this.#snapshot = snapshot;
  }

  /** First row number of the next commit. */
  get nextSeq(): number {
    return this.#lastSeq + 1;
  }

  /** Row with which the run ended; later rows do not concern subscribers. Infinity: not ended. */
  get endSeq(): number {
    return this.#endSeq;
  }

  /** Leases granted to the call that created the run. */
  get acceptedLeases(): readonly GrantedLease[] {
    return this.#acceptedLeases;
  }

  /** Reads the run from the journal; null if no run was accepted, or the run was deleted. */
  load(): Run | null {
    const { sql } = this.#storage;
    const tables = sql.exec(READ_TABLES).toArray();
    this.announcements.load(tables.some(({ name }) => name === "objects_expected"));
    this.tombstone.load(tables.some(({ name }) => name === "tombstone"));
    if (tables.every(({ name }) => name !== "journal")) return null;
    let run: Run | null = null;
    for (const { seq, kind, entry } of sql.exec(READ_ENTRIES)) {
      const text = this.#reader.wholeText(entry);
      const isChange = kind === "change";
      if (isChange && run !== null) {
        const change = this.#reader.unpacked(this.#reader.change(text), run);
        applyChange(run, change);
        this.#noteEnd(change, Number(seq));
      } else run = kind === "state" ? this.#reader.state(text).run : this.#begin(text, Number(seq));
      this.#changesBytes = isChange ? this.#changesBytes + text.length : 0;
      this.#snapshotBytes = isChange ? this.#snapshotBytes : text.length;
      // The last entry has the last row: bytes precede their entry.
      this.#lastSeq = Number(seq);
    }
    return run;
  }

  /**
   * Reads the beginning of a run whose journal this code cannot read as a whole; null if that fails
   * too. Uses only the fields checked here.
   */
  beginning(): RunBeginning | null {
    try {
      const [row] = this.#storage.sql.exec(READ_BEGINNING);
      return beginningIn(this.#reader.wholeText(row?.["entry"]));
    } catch {
      return null;
    }
  }

  /**
   * Reads the rows after `after`, oldest first, up to the limits of `most`. A gap between row
   * numbers means deleted rows. `isEnd`: no more rows follow.
   */
  readAfter(
    after: number,
    most: JournalPage,
  ): { readonly rows: JournalRow[]; readonly isEnd: boolean } {
    const rows: JournalRow[] = [];
    let length = 0;
    for (const { seq, kind, entry } of this.#storage.sql.exec(READ_AFTER, after, most.rows)) {
      const text = kind === "data" ? "" : this.#reader.wholeText(entry);
      rows.push(this.#rowOf(Number(seq), String(kind), text));
      length += text.length;
      if (length >= most.length) break;
    }
    return { rows, isEnd: (rows.at(-1)?.seq ?? after) >= this.#lastSeq };
  }

  #rowOf(seq: number, kind: string, text: string): JournalRow {
    const row = { seq, genesis: null, change: null, snapshot: null };
    if (kind === "data") return row;
    if (kind === "state") return { ...row, snapshot: this.#reader.state(text) };
    if (kind === "change") return { ...row, change: this.#reader.change(text) };
    const { genesis, first } = this.#reader.genesis(text);
    return { ...row, genesis, change: first };
  }

  /**
   * Creates the journal with the genesis and the first change, in one transaction. Throws
   * `EntryTooLargeError`.
   */
  create(genesis: RunGenesis, data: JournalBytes, first: RunChange, at: number): void {
    const aside = new KeysAside(this.#keys, data);
    const stored: StoredGenesis = {
      v: FORMAT_VERSION,
      genesis: { ...withGenesisKeys(genesis, aside.put), graph: packGraph(genesis.graph) },
      first: encodeChange(first, genesis.graph.tasks.length),
    };
    const whole = JSON.stringify(stored);
    const text = fitting(whole, data);
    this.#storage.transactionSync(() => {
      this.#storage.sql.exec(CREATE_JOURNAL);
      this.#insert("genesis", text, data.rows(), at);
    });
    aside.keep();
    this.#noteEnd(first, this.#lastSeq);
    this.#snapshotBytes = whole.length;
    this.#acceptedLeases = leasesIn(first);
  }

  /**
   * Appends one change that is not applied yet. A single row is atomic without a transaction: a
   * transaction cost a twentieth of a hop. Throws `EntryTooLargeError`.
   */
  append(run: Run, change: RunChange, data: JournalBytes, at: number): void {
    const aside = new KeysAside(this.#keys, data);
    const whole = stamped(
      JSON.stringify(encodeChange(withChangeKeys(change, aside.put), run.tasks.length)),
    );
    const text = fitting(whole, data);
    const rows = data.rows();
    const insert = (): void => this.#insert("change", text, rows, at);
    if (rows.length === 1 && fitsBeside(text, rows[0] ?? null)) insert();
    else this.#storage.transactionSync(insert);
    aside.keep();
    this.#noteEnd(change, this.#lastSeq);
    this.#changesBytes += whole.length;
  }

  /**
   * Replaces the journal with a snapshot if the snapshot rule applies and the run is active. To be
   * called after the change is applied.
   */
  keepShort(run: Run, at: number): void {
    if (run.finishedAt !== null) return;
    const { times, leastBytes } = this.#snapshot;
    if (this.#changesBytes < Math.max(leastBytes, times * this.#snapshotBytes)) return;
    const data = new JournalBytes(this.nextSeq);
    const aside = new KeysAside(this.#keys, data);
    const state = stateOf(run, aside.put);
    const stored: StoredState = {
      v: FORMAT_VERSION,
      state: { ...state, graph: packGraph(run.graph) },
      upTo: this.#lastSeq,
    };
    const whole = JSON.stringify(stored);
    this.#snapshotBytes = whole.length;
    if (this.#changesBytes < times * whole.length || utf8Length(whole) > MAX_ENTRY_BYTES) return;
    const needed = seqsIn(stored.state);
    const text = fitting(whole, data);
    const before = this.nextSeq;
    this.#storage.transactionSync(() => {
      this.#forgetBefore(before, needed);
      this.#insert("state", text, data.rows(), at);
    });
    aside.keep();
    this.#changesBytes = 0;
  }

  /** Returns the time of the last entry, epoch milliseconds; also for an unreadable journal. */
  writtenAt(): number {
    const [row] = this.#storage.sql.exec(READ_LAST_TIME);
    return Number(row?.["at"] ?? 0);
  }

  /** Reads bytes stored beside an entry; null if the place does not have them. */
  read(seq: number, offset: number, size: number): Uint8Array | null {
    if (size === 0) return new Uint8Array(0);
    if (seq === this.#lastData?.seq) return cut(this.#lastData.bytes, offset, size);
    const [row] = this.#storage.sql.exec(READ_DATA, offset + 1, size, seq);
    const bytes = row?.["bytes"];
    return bytes instanceof ArrayBuffer && bytes.byteLength === size ? new Uint8Array(bytes) : null;
  }

  /** Deletes everything, including the alarm. */
  async deleteAll(): Promise<void> {
    await this.#storage.deleteAll();
    this.#lastSeq = 0;
    this.#lastData = null;
    this.announcements.load(false);
    this.tombstone.load(false);
    this.#changesBytes = 0;
    this.#snapshotBytes = 0;
    this.#acceptedLeases = [];
    this.#endSeq = Number.POSITIVE_INFINITY;
  }

  #noteEnd({ run }: RunChange, seq: number): void {
    if (run !== undefined) this.#endSeq = run.finishedAt === null ? Number.POSITIVE_INFINITY : seq;
  }

  /** Deletes all rows before `seq` but the bytes that the run still refers to. */
  #forgetBefore(seq: number, needed: ReadonlySet<number>): void {
    const { sql } = this.#storage;
    for (const row of sql.exec(READ_BEFORE, seq).toArray()) {
      const old = Number(row["seq"]);
      if (!needed.has(old)) sql.exec(DELETE_ROW, old);
      else if (row["kind"] !== "data") sql.exec(KEEP_BYTES, old);
    }
  }

  #insert(
    kind: "genesis" | "change" | "state",
    text: string,
    rows: (Uint8Array | null)[],
    at: number,
  ): void {
    const last = rows.at(-1) ?? null;
    const beside = fitsBeside(text, last);
    let seq = this.#lastSeq;
    for (const bytes of beside ? rows.slice(0, -1) : rows)
      this.#storage.sql.exec(APPEND, ++seq, "data", at, null, bytes);
    const lastData = last === null ? this.#lastData : { seq: beside ? seq + 1 : seq, bytes: last };
    this.#storage.sql.exec(APPEND, ++seq, kind, at, text, beside ? last : null);
    this.#lastSeq = seq;
    this.#lastData = lastData;
  }

  #begin(text: string, seq: number): Run {
    const { genesis, first } = this.#reader.genesis(text);
    const run = newRun(genesis);
    const change = this.#reader.unpacked(first, run);
    applyChange(run, change);
    this.#noteEnd(change, seq);
    this.#acceptedLeases = leasesIn(change);
    return run;
  }
}

/** Copies the part unless the part is the whole: RPC sends the whole buffer behind a view. */
function cut(bytes: Uint8Array, offset: number, size: number): Uint8Array | null {
  if (offset + size > bytes.length) return null;
  return size === bytes.length && bytes.buffer.byteLength === size
    ? bytes
    : bytes.slice(offset, offset + size);
}

function leasesIn({ tasks }: RunChange): readonly GrantedLease[] {
  return tasks.flatMap(({ ordinal, state }) =>
    state.status === "running" ? [{ ordinal, attempt: state.attempt, token: state.token }] : [],
  );
}
