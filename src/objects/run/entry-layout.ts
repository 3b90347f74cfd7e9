/**
 * Lays out journal entries in rows. A row holds 2 MB. A larger entry is stored as bytes in `data`
 * rows before the entry's own row. Limit keys of wide arrays are stored the same way, because
 * nobody reads the keys before the items begin.
 */
import { EntryTooLargeError } from "../../domain/run/entry-too-large.ts";
import type { EncodedChange } from "../../domain/run/journal-codec.ts";
import { writeKeys, type KeysElsewhere, type Place } from "../../domain/run/limit-keys-aside.ts";
import { isKeyList, type LimitKeys, type PayloadLimitKeys } from "../../domain/limits/limit.ts";
import type { PackedGraph } from "../../domain/plan/packed-graph.ts";
import type { RunGenesis } from "../../domain/run/state.ts";
import type { RunState } from "../../domain/run/snapshot.ts";
import { parseRunId, type RunId } from "../../domain/ids.ts";
import { TRIGGER_SOURCES, type TriggerOrigin } from "../../domain/trigger.ts";
import { FORMAT_VERSION, type Versioned } from "../../domain/version.ts";
import type { JournalBytes } from "./journal-bytes.ts";

/** Limit for a row: the entry and the bytes beside the entry together. */
const MAX_ROW_BYTES = 1_900_000;

/** Limit for an entry: an object of 128 MB must be able to read the whole entry back. */
export const MAX_ENTRY_BYTES = 16_000_000;

/** Size of the pieces into which an outsourced entry is cut. */
const PIECE_BYTES = 1_000_000;

/** The first entry: the accepted trigger and the first change. */
export interface StoredGenesis extends Versioned {
  readonly genesis: Omit<RunGenesis, "graph"> & { readonly graph: PackedGraph };
  readonly first: EncodedChange;
}

/** A snapshot of the run, in place of all earlier entries. */
export interface StoredState extends Versioned {
  readonly state: Omit<RunState, "graph"> & { readonly graph: PackedGraph };
  /** Row of the last change in the snapshot. */
  readonly upTo: number;
}

/** Facts about a run that every format of the first entry contains. */
export interface RunBeginning {
  readonly id: RunId;
  /** Name of the root task. */
  readonly task: string;
  readonly origin: Pick<TriggerOrigin, "source" | "by" | "parent">;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

/**
 * Reads the beginning from a genesis or snapshot of any format; null if a field is missing or
 * malformed. Throws on invalid JSON.
 */
export function beginningIn(entry: string): RunBeginning | null {
  const stored: unknown = JSON.parse(entry);
  const begun = fieldOf(stored, "genesis") ?? fieldOf(stored, "state");
  const id = parseRunId(textOf(fieldOf(begun, "id")));
  const names = fieldOf(fieldOf(begun, "graph"), "names");
  const task = Array.isArray(names) ? textOf(names[0]) : "";
  const createdAt = fieldOf(begun, "createdAt");
  const origin = fieldOf(begun, "origin");
  const source = TRIGGER_SOURCES.find((known) => known === fieldOf(origin, "source"));
  if (id === null || task === "" || typeof createdAt !== "number" || source === undefined)
    return null;
  const parent = fieldOf(origin, "parent");
  const parentId = parseRunId(textOf(fieldOf(parent, "runId")));
  return {
    id,
    task,
    origin: {
      source,
      by: textOf(fieldOf(origin, "by")),
      parent: parentId === null ? null : { runId: parentId, task: textOf(fieldOf(parent, "task")) },
    },
    createdAt,
  };
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Reference to an entry that is too large for its row. */
export interface EntryElsewhere {
  readonly lie: readonly Place[];
}

/** Prefix of an entry that only holds references. */
export const ELSEWHERE = '{"lie":';

/**
 * Stores lists of limit keys beside an entry, each list once. `keep` remembers the places after the
 * entry is written.
 */
export class KeysAside {
  readonly #known: WeakMap<readonly LimitKeys[], readonly Place[]>;
  readonly #data: JournalBytes;
  readonly #placed = new Map<readonly LimitKeys[], readonly Place[]>();

  constructor(known: WeakMap<readonly LimitKeys[], readonly Place[]>, data: JournalBytes) {
    this.#known = known;
    this.#data = data;
  }

  readonly put = (keys: PayloadLimitKeys): PayloadLimitKeys => {
    if (!isKeyList(keys)) return keys;
    const lie = this.#known.get(keys) ?? this.#placed.get(keys) ?? this.#place(keys);
    const elsewhere: KeysElsewhere = { lie };
    return elsewhere;
  };

  keep(): void {
    for (const [keys, places] of this.#placed) this.#known.set(keys, places);
  }

  #place(keys: readonly LimitKeys[]): readonly Place[] {
    const encoder = new TextEncoder();
    const places = writeKeys(keys).map((piece) => placeBytes(encoder.encode(piece), this.#data));
    this.#placed.set(keys, places);
    return places;
  }
}

/**
 * Adds the version to the JSON of a change. Edits the string: copying a change of thousands of
 * items for one more field costs more.
 */
export function stamped(json: string): string {
  return `{"v":${FORMAT_VERSION},${json.slice(1)}`;
}

/** Returns the text for the entry's row: the text itself, or references to its pieces. */
export function fitting(text: string, data: JournalBytes): string {
  // No UTF-16 code unit takes more than three bytes in UTF-8.
  if (text.length * 3 <= MAX_ROW_BYTES) return text;
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= MAX_ROW_BYTES) return text;
  if (bytes.length > MAX_ENTRY_BYTES) throw new EntryTooLargeError(bytes.length, MAX_ENTRY_BYTES);
  const elsewhere: EntryElsewhere = { lie: placeInPieces(bytes, data) };
  return JSON.stringify(elsewhere);
}

function placeBytes(bytes: Uint8Array, data: JournalBytes): Place {
  return { ...data.place(bytes), size: bytes.length };
}

function placeInPieces(bytes: Uint8Array, data: JournalBytes): Place[] {
  const places: Place[] = [];
  for (let from = 0; from < bytes.length; from += PIECE_BYTES)
    places.push(placeBytes(bytes.subarray(from, from + PIECE_BYTES), data));
  return places;
}

/** Tells whether the entry and the bytes beside the entry fit into one row. */
export function fitsBeside(text: string, bytes: Uint8Array | null): boolean {
  if (bytes === null) return true;
  const left = MAX_ROW_BYTES - bytes.length;
  return text.length * 3 <= left || utf8Length(text) <= left;
}

/** Length in bytes. */
export function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** Collects the row numbers of all byte references in a value. */
export function seqsIn(value: unknown, found = new Set<number>()): Set<number> {
  if (typeof value !== "object" || value === null) return found;
  if ("seq" in value && "offset" in value && typeof value.seq === "number") found.add(value.seq);
  for (const inner of Object.values(value)) seqsIn(inner, found);
  return found;
}
