/**
 * All storage of a run object: its journal. It keeps no state but the number of the last row; decisions are the machine's.
 *
 * No row outgrows what the platform takes: an entry that is larger lies as bytes in `data` rows before its own, and one that is larger
 * than `MAX_ENTRY_BYTES` is refused before anything is written. Once the changes since the genesis, or since the last record of the run
 * as it is, come to several times what such a record takes, one is written and they are deleted in the same commit; the bytes that the
 * run still refers to stay.
 *
 * Memory is a cache of the journal, never ahead of it: the run object folds a change after `append` has returned. Appending
 * names the row number that must come next, so an instance whose memory is stale fails instead of writing a second history.
 */
import { encodeChange, decodeChange, type EncodedChange } from "../../domain/run/journal-codec.ts";
import { applyChange } from "../../domain/run/apply-change.ts";
import {
  lieElsewhere,
  readKeys,
  withChangeKeys,
  withGenesisKeys,
  type Place,
} from "../../domain/run/limit-keys-aside.ts";
import {
  refuseUnknownFields,
  refuseUnknownKinds,
  refuseUnknownState,
} from "../../domain/run/known-kinds.ts";
import type { LimitKeys, PayloadLimitKeys } from "../../domain/limits/limit.ts";
import { packGraph, unpackGraph } from "../../domain/plan/packed-graph.ts";
import type { RunChange } from "../../domain/run/run-change.ts";
import { type RunGenesis, type Run, newRun } from "../../domain/run/state.ts";
import type { GrantedLease } from "../../domain/run/machine-events.ts";
import { runOf, stateOf } from "../../domain/run/snapshot.ts";
import { FORMAT_VERSION, refuseNewer, type Versioned } from "../../domain/version.ts";
import {
  beginningIn,
  ELSEWHERE,
  fitsBeside,
  fitting,
  KeysAside,
  MAX_ENTRY_BYTES,
  seqsIn,
  stamped,
  utf8Length,
  type EntryElsewhere,
  type RunBeginning,
  type StoredGenesis,
  type StoredState,
} from "./entry-layout.ts";
import { Packer } from "./journal-bytes.ts";
import {
  CREATE_JOURNAL,
  CREATE_OBJECTS_EXPECTED,
  CREATE_REMEMBERED,
  type Remembered,
} from "./schema.ts";

const ANNOUNCE = "INSERT OR REPLACE INTO objects_expected (nonce, at) VALUES (?, ?)";
const ANSWERED = "DELETE FROM objects_expected WHERE nonce = ?";
const IS_ANNOUNCED = "SELECT 1 AS present FROM objects_expected WHERE nonce = ?";
const READ_ANNOUNCED = "SELECT nonce, at FROM objects_expected WHERE at > ?";
const READ_TABLES =
  "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('journal', 'objects_expected', 'remembered')";
const READ_ENTRIES = "SELECT seq, kind, entry FROM journal WHERE kind <> 'data' ORDER BY seq";
const READ_BEGINNING =
  "SELECT entry FROM journal WHERE kind = 'genesis' OR kind = 'state' ORDER BY seq LIMIT 1";
const READ_AFTER = "SELECT seq, kind, entry FROM journal WHERE seq > ? ORDER BY seq LIMIT ?";
const READ_LAST_TIME = "SELECT at FROM journal ORDER BY seq DESC LIMIT 1";
const READ_DATA = "SELECT substr(data, ?, ?) AS bytes FROM journal WHERE seq = ?";
const READ_BEFORE = "SELECT seq, kind FROM journal WHERE seq < ?";
const DELETE_ROW = "DELETE FROM journal WHERE seq = ?";
const KEEP_BYTES = "UPDATE journal SET kind = 'data', entry = NULL WHERE seq = ?";
const READ_REMEMBERED = "SELECT entry FROM remembered";
const REMEMBER =
  "INSERT INTO remembered (one, entry) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET entry = excluded.entry";
const APPEND = "INSERT INTO journal (seq, kind, at, entry, data) VALUES (?, ?, ?, ?, ?)";

/** As who is told that newer code has written it knows it. */
const WHAT = "the journal of this run";

/** When the run is written as it is: the changes come to so many times what that takes, and at the least to so many bytes. */
export interface SnapshotRule {
  readonly times: number;
  readonly leastBytes: number;
}

const SNAPSHOT: SnapshotRule = { times: 4, leastBytes: 256_000 };

/** One row as it was written: `unpack` the change with the run as it was before it. */
export interface JournalRow {
  readonly seq: number;
  /** What was accepted; only in the first entry. */
  readonly genesis: RunGenesis | null;
  /** Null: the row holds only bytes that belong to a later one, or the run as it was. */
  readonly change: EncodedChange | null;
  /** The run as it was after row `upTo`: everything before is gone. */
  readonly snapshot: { readonly run: Run; readonly upTo: number } | null;
}

/** How much of the journal is read at once; `length`: of the entries, in characters. */
export interface JournalPage {
  readonly rows: number;
  readonly length: number;
}

/** What the journal uses of an object's storage. */
export interface JournalStorage {
  readonly sql: {
    exec(
      query: string,
      ...values: (string | number | Uint8Array | null)[]
    ): Iterable<Row> & { toArray(): Row[] };
  };
  transactionSync<T>(work: () => T): T;
  deleteAll(): Promise<void>;
}

type Row = Record<string, unknown>;

export class RunStore {
  readonly #storage: JournalStorage;
  readonly #snapshot: SnapshotRule;
  #lastSeq = 0;
  /** The data that was written last: what a trigger carried, or a task passed, is read by the next claim. */
  #lastData: { readonly seq: number; readonly bytes: Uint8Array } | null = null;
  #expectsObjects = false;
  #remembered: Remembered | null = null;
  /** What the changes come to since the genesis or the last record of the run as it is, and about what such a record would take. */
  #changesBytes = 0;
  #snapshotBytes = 0;
  /** Where lists of limit keys lie that were written or read. */
  readonly #keys = new WeakMap<readonly LimitKeys[], readonly Place[]>();
  #acceptedLeases: readonly GrantedLease[] = [];
  #endSeq = Number.POSITIVE_INFINITY;

  constructor(storage: JournalStorage, snapshot = SNAPSHOT) {
    this.#storage = storage;
    this.#snapshot = snapshot;
  }

  /** The row number that the next commit begins with. */
  get nextSeq(): number {
    return this.#lastSeq + 1;
  }

  /** The row with which the run has ended; what comes after is no matter of its listeners. Infinity: it has not. */
  get endSeq(): number {
    return this.#endSeq;
  }

  /** Whether there may be objects of this id in R2; known once `load` was called. */
  get expectsObjects(): boolean {
    return this.#expectsObjects;
  }

  /** What is kept of a run whose retention is over; null: nothing. Known once `load` was called. */
  get remembered(): Remembered | null {
    return this.#remembered;
  }

  /** Keeps no more than this of the run, which is deleted. */
  remember(remembered: Remembered): void {
    this.#storage.sql.exec(CREATE_REMEMBERED);
    this.#storage.sql.exec(REMEMBER, JSON.stringify(remembered));
    this.#remembered = remembered;
  }

  /** What was granted to the call that has made the run. */
  get acceptedLeases(): readonly GrantedLease[] {
    return this.#acceptedLeases;
  }

  /** The run as its journal tells it, or null if none was accepted (or it was deleted). */
  load(): Run | null {
    const { sql } = this.#storage;
    const tables = sql.exec(READ_TABLES).toArray();
    this.#expectsObjects = tables.some(({ name }) => name === "objects_expected");
    if (tables.some(({ name }) => name === "remembered")) this.#remembered = this.#readRemembered();
    if (tables.every(({ name }) => name !== "journal")) return null;
    let run: Run | null = null;
    for (const { seq, kind, entry } of sql.exec(READ_ENTRIES)) {
      const text = this.#wholeText(entry);
      const isChange = kind === "change";
      if (isChange && run !== null) {
        const change = this.#changeOf(this.#readChange(text), run);
        applyChange(run, change);
        this.#noteEnd(change, Number(seq));
      } else run = kind === "state" ? this.#readState(text).run : this.#begin(text, Number(seq));
      this.#changesBytes = isChange ? this.#changesBytes + text.length : 0;
      this.#snapshotBytes = isChange ? this.#snapshotBytes : text.length;
      // No row comes after the last entry: bytes stand before the entry that they belong to.
      this.#lastSeq = Number(seq);
    }
    return run;
  }

  /**
   * How the run began, as far as that can be read; null: it cannot. For a journal that this code does not read as a whole: nothing of it
   * is believed but what is looked at here.
   */
  beginning(): RunBeginning | null {
    try {
      const [row] = this.#storage.sql.exec(READ_BEGINNING);
      return beginningIn(this.#wholeText(row?.["entry"]));
    } catch {
      return null;
    }
  }

  /**
   * The rows after this one, oldest first: at most so many, and no more once their entries come to so many characters. Where two numbers
   * do not follow each other, what lay between is gone. `isEnd`: there are no more.
   */
  readAfter(
    after: number,
    most: JournalPage,
  ): { readonly rows: JournalRow[]; readonly isEnd: boolean } {
    const rows: JournalRow[] = [];
    let length = 0;
    for (const { seq, kind, entry } of this.#storage.sql.exec(READ_AFTER, after, most.rows)) {
      const text = kind === "data" ? "" : this.#wholeText(entry);
      rows.push(this.#rowOf(Number(seq), String(kind), text));
      length += text.length;
      if (length >= most.length) break;
    }
    return { rows, isEnd: (rows.at(-1)?.seq ?? after) >= this.#lastSeq };
  }

  #rowOf(seq: number, kind: string, text: string): JournalRow {
    const row = { seq, genesis: null, change: null, snapshot: null };
    if (kind === "data") return row;
    if (kind === "state") return { ...row, snapshot: this.#readState(text) };
    if (kind === "change") return { ...row, change: this.#readChange(text) };
    const { genesis, first } = this.#readGenesis(text);
    return { ...row, genesis, change: first };
  }

  /** Notes, whether a run was accepted or not, that there may be objects of this id in R2. */
  expectObjects(): void {
    if (this.#expectsObjects) return;
    this.#storage.sql.exec(CREATE_OBJECTS_EXPECTED);
    this.#expectsObjects = true;
  }

  /** Notes an accept that is about to put payloads into R2. */
  announce(nonce: string, at: number): void {
    this.expectObjects();
    this.#storage.sql.exec(ANNOUNCE, nonce, at);
  }

  /** The accept was answered: what it has stored is the run's by now, or is deleted by whoever has made it. */
  answered(nonce: string): void {
    if (this.#expectsObjects) this.#storage.sql.exec(ANSWERED, nonce);
  }

  /** Whether this accept was announced, and not answered since. */
  isAnnounced(nonce: string): boolean {
    return this.#expectsObjects && this.#storage.sql.exec(IS_ANNOUNCED, nonce).toArray().length > 0;
  }

  /** The accepts that were announced since then and are not answered, but for this one. */
  announcedSince(
    at: number,
    besides: string | null,
  ): readonly { readonly nonce: string; readonly at: number }[] {
    if (!this.#expectsObjects) return [];
    const rows = this.#storage.sql.exec(READ_ANNOUNCED, at).toArray();
    const announced = rows.map((row) => ({ nonce: String(row["nonce"]), at: Number(row["at"]) }));
    return announced.filter(({ nonce }) => nonce !== besides);
  }

  /** Records an accepted run: its table, its genesis and the first change, in one transaction. Throws `EntryTooLargeError`. */
  create(genesis: RunGenesis, data: Packer, first: RunChange, at: number): void {
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
   * Records one change of the run, which is not folded yet. A single row is atomic by itself: a transaction around it cost a twentieth
   * of a hop. Throws `EntryTooLargeError`.
   */
  append(run: Run, change: RunChange, data: Packer, at: number): void {
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
   * Writes the run as it is in place of all that was written before, if that is by now many times as much and the run goes on. Call it
   * after the fold.
   */
  keepShort(run: Run, at: number): void {
    if (run.finishedAt !== null) return;
    const { times, leastBytes } = this.#snapshot;
    if (this.#changesBytes < Math.max(leastBytes, times * this.#snapshotBytes)) return;
    const data = new Packer(this.nextSeq);
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

  /** When the last entry was written, epoch ms; also of a journal that cannot be read. */
  writtenAt(): number {
    const [row] = this.#storage.sql.exec(READ_LAST_TIME);
    return Number(row?.["at"] ?? 0);
  }

  /** Bytes that lie beside an entry; null if there are none at that place. */
  read(seq: number, offset: number, size: number): Uint8Array | null {
    if (size === 0) return new Uint8Array(0);
    if (seq === this.#lastData?.seq) return cut(this.#lastData.bytes, offset, size);
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
    this.#remembered = null;
    this.#changesBytes = 0;
    this.#snapshotBytes = 0;
    this.#acceptedLeases = [];
    this.#endSeq = Number.POSITIVE_INFINITY;
  }

  #noteEnd({ run }: RunChange, seq: number): void {
    if (run !== undefined) this.#endSeq = run.finishedAt === null ? Number.POSITIVE_INFINITY : seq;
  }

  #readRemembered(): Remembered | null {
    const [row] = this.#storage.sql.exec(READ_REMEMBERED).toArray();
    const entry = row?.["entry"];
    if (typeof entry !== "string") return null;
    const remembered = parseEntry<Remembered>(entry);
    refuseNewer(remembered, WHAT);
    return remembered;
  }

  /** Bytes that the run still refers to stay; all other rows go. */
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

  #wholeText(entry: unknown): string {
    const text = typeof entry === "string" ? entry : "";
    return text.startsWith(ELSEWHERE) ? this.#textAt(parseEntry<EntryElsewhere>(text).lie) : text;
  }

  #textAt(places: readonly Place[]): string {
    const decoder = new TextDecoder();
    const pieces = places.map((place) => decoder.decode(this.#bytesAt(place), { stream: true }));
    return pieces.join("") + decoder.decode();
  }

  #bytesAt({ seq, offset, size }: Place): Uint8Array {
    const bytes = this.read(seq, offset, size);
    if (bytes === null)
      throw new Error(`the journal lacks the ${size} bytes it should hold at row ${seq}`);
    return bytes;
  }

  readonly #keysBack = (keys: PayloadLimitKeys): PayloadLimitKeys => {
    if (!lieElsewhere(keys)) return keys;
    const decoder = new TextDecoder();
    const list = readKeys(keys.lie.map((place) => decoder.decode(this.#bytesAt(place))));
    this.#keys.set(list, keys.lie);
    return list;
  };

  #readChange(text: string): EncodedChange {
    const { v = 1, ...change } = parseEntry<EncodedChange & Versioned>(text);
    refuseNewer({ v }, WHAT);
    refuseUnknownFields(change, WHAT);
    return withChangeKeys(change, this.#keysBack);
  }

  #readGenesis(text: string): { readonly genesis: RunGenesis; readonly first: EncodedChange } {
    const { genesis, first, ...version } = parseEntry<StoredGenesis>(text);
    refuseNewer(version, WHAT);
    refuseUnknownFields(first, WHAT);
    return {
      genesis: { ...withGenesisKeys(genesis, this.#keysBack), graph: unpackGraph(genesis.graph) },
      first,
    };
  }

  #readState(text: string): { readonly run: Run; readonly upTo: number } {
    const { state, upTo, ...version } = parseEntry<StoredState>(text);
    refuseNewer(version, WHAT);
    refuseUnknownState(state, WHAT);
    return { run: runOf({ ...state, graph: unpackGraph(state.graph) }, this.#keysBack), upTo };
  }

  #begin(text: string, seq: number): Run {
    const { genesis, first } = this.#readGenesis(text);
    const run = newRun(genesis);
    const change = this.#changeOf(first, run);
    applyChange(run, change);
    this.#noteEnd(change, seq);
    this.#acceptedLeases = leasesIn(change);
    return run;
  }

  /** The change of an entry, `run` being as it was before. */
  #changeOf(packed: EncodedChange, run: Run): RunChange {
    const change = decodeChange(packed, run);
    refuseUnknownKinds(change, WHAT);
    return change;
  }
}

/** A copy, unless it is all of it: over the wire goes the whole buffer in which a part lies. */
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

/** Row mapping: entries are written by `#insert` alone, as JSON of these types. */
function parseEntry<T>(entry: string): T {
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return JSON.parse(entry) as T;
}
