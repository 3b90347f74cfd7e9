/**
 * How entries of the journal are laid out in its rows: a row holds 2 MB, so what is larger lies as bytes in `data` rows before that of
 * its entry; so do the limit keys of wide arrays, which nobody needs before their items begin.
 */
import { EntryTooLargeError } from "../../domain/run/entry-too-large.ts";
import type { PackedChange } from "../../domain/run/journal-codec.ts";
import { writeKeys, type KeysElsewhere, type Place } from "../../domain/run/limit-keys-aside.ts";
import { isKeyList, type LimitKeys, type PayloadLimitKeys } from "../../domain/limits/limit.ts";
import type { PackedGraph } from "../../domain/plan/packed-graph.ts";
import type { RunGenesis } from "../../domain/run/state.ts";
import type { RunState } from "../../domain/run/snapshot.ts";
import { parseRunId, type RunId } from "../../domain/ids.ts";
import { TRIGGER_SOURCES, type TriggerOrigin } from "../../domain/trigger.ts";
import { FORMAT_VERSION, type Versioned } from "../../domain/version.ts";
import type { Packer } from "./journal-bytes.ts";

/** A row holds 2 MB, the entry and the bytes beside it together. */
const MAX_ROW_BYTES = 1_900_000;

/** An entry has to be read back, whole, in an object of 128 MB. */
export const MAX_ENTRY_BYTES = 16_000_000;

/** What lies elsewhere is cut into pieces of so many bytes. */
const PIECE_BYTES = 1_000_000;

/** The first entry: what was accepted, and what that decided at once. */
export interface StoredGenesis extends Versioned {
  readonly genesis: Omit<RunGenesis, "graph"> & { readonly graph: PackedGraph };
  readonly first: PackedChange;
}

/** The run as it is, in place of everything that was written before. */
export interface StoredState extends Versioned {
  readonly state: Omit<RunState, "graph"> & { readonly graph: PackedGraph };
  /** The row of the last change that it has. */
  readonly upTo: number;
}

/** What every format says of a run where its journal begins. */
export interface RunBeginning {
  readonly id: RunId;
  /** The root task. */
  readonly task: string;
  readonly origin: Pick<TriggerOrigin, "source" | "by" | "parent">;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

/** The beginning in a genesis or a state of whatever format; null if it is not there as it should be. Throws if it is no JSON. */
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

/** An entry that is too large for its row. */
export interface EntryElsewhere {
  readonly lie: readonly Place[];
}

/** How the text of an entry begins that lies elsewhere. */
export const ELSEWHERE = '{"lie":';

/** Puts lists of limit keys beside an entry, each once; `keep` what is known of them when the entry is written. */
export class KeysAside {
  readonly #known: WeakMap<readonly LimitKeys[], readonly Place[]>;
  readonly #data: Packer;
  readonly #placed = new Map<readonly LimitKeys[], readonly Place[]>();

  constructor(known: WeakMap<readonly LimitKeys[], readonly Place[]>, data: Packer) {
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

/** The JSON of a change with its version. By hand: to copy a change of thousands of items for one field more costs more. */
export function stamped(json: string): string {
  return `{"v":${FORMAT_VERSION},${json.slice(1)}`;
}

/** The text for the entry's row: itself, or where it lies. */
export function fitting(text: string, data: Packer): string {
  // No character has more than three bytes for each of its units.
  if (text.length * 3 <= MAX_ROW_BYTES) return text;
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= MAX_ROW_BYTES) return text;
  if (bytes.length > MAX_ENTRY_BYTES) throw new EntryTooLargeError(bytes.length, MAX_ENTRY_BYTES);
  const elsewhere: EntryElsewhere = { lie: placeInPieces(bytes, data) };
  return JSON.stringify(elsewhere);
}

function placeBytes(bytes: Uint8Array, data: Packer): Place {
  return { ...data.place(bytes), size: bytes.length };
}

function placeInPieces(bytes: Uint8Array, data: Packer): Place[] {
  const places: Place[] = [];
  for (let from = 0; from < bytes.length; from += PIECE_BYTES)
    places.push(placeBytes(bytes.subarray(from, from + PIECE_BYTES), data));
  return places;
}

/** Whether the entry and the bytes beside it fit into one row. */
export function fitsBeside(text: string, bytes: Uint8Array | null): boolean {
  if (bytes === null) return true;
  const left = MAX_ROW_BYTES - bytes.length;
  return text.length * 3 <= left || utf8Length(text) <= left;
}

/** Bytes. */
export function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** The rows whose bytes something refers to. */
export function seqsIn(value: unknown, found = new Set<number>()): Set<number> {
  if (typeof value !== "object" || value === null) return found;
  if ("seq" in value && "offset" in value && typeof value.seq === "number") found.add(value.seq);
  for (const inner of Object.values(value)) seqsIn(inner, found);
  return found;
}
