/**
 * Reads journal entries: collects outsourced bytes, parses, and refuses what only newer code can
 * read.
 */
import { decodeChange, type EncodedChange } from "../../domain/run/journal-codec.ts";
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
import { unpackGraph } from "../../domain/plan/packed-graph.ts";
import type { RunChange } from "../../domain/run/run-change.ts";
import { type RunGenesis, type Run } from "../../domain/run/state.ts";
import { runOf } from "../../domain/run/snapshot.ts";
import { refuseNewer, type Versioned } from "../../domain/version.ts";
import {
  ELSEWHERE,
  type EntryElsewhere,
  type StoredGenesis,
  type StoredState,
} from "./entry-layout.ts";

/** Name of the journal in errors about newer formats. */
const WHAT = "the journal of this run";

/** Reads bytes stored beside an entry; null if the place does not have them. */
type ReadBytes = (seq: number, offset: number, size: number) => Uint8Array | null;

export class EntryReader {
  readonly #readBytes: ReadBytes;
  /** Places of the lists of limit keys that were read. */
  readonly #keys: WeakMap<readonly LimitKeys[], readonly Place[]>;

  constructor(readBytes: ReadBytes, keys: WeakMap<readonly LimitKeys[], readonly Place[]>) {
    this.#readBytes = readBytes;
    this.#keys = keys;
  }

  /** Returns the text of an entry, from its pieces if the row only holds references. */
  wholeText(entry: unknown): string {
    const text = typeof entry === "string" ? entry : "";
    return text.startsWith(ELSEWHERE) ? this.#textAt(parseEntry<EntryElsewhere>(text).lie) : text;
  }

  #textAt(places: readonly Place[]): string {
    const decoder = new TextDecoder();
    const pieces = places.map((place) => decoder.decode(this.#bytesAt(place), { stream: true }));
    return pieces.join("") + decoder.decode();
  }

  #bytesAt({ seq, offset, size }: Place): Uint8Array {
    const bytes = this.#readBytes(seq, offset, size);
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

  /** Parses a change, still encoded. */
  change(text: string): EncodedChange {
    const { v = 1, ...change } = parseEntry<EncodedChange & Versioned>(text);
    refuseNewer({ v }, WHAT);
    refuseUnknownFields(change, WHAT);
    return withChangeKeys(change, this.#keysBack);
  }

  /** Parses the first entry. */
  genesis(text: string): { readonly genesis: RunGenesis; readonly first: EncodedChange } {
    const { genesis, first, ...version } = parseEntry<StoredGenesis>(text);
    refuseNewer(version, WHAT);
    refuseUnknownFields(first, WHAT);
    return {
      genesis: { ...withGenesisKeys(genesis, this.#keysBack), graph: unpackGraph(genesis.graph) },
      first,
    };
  }

  /** Parses a snapshot. */
  state(text: string): { readonly run: Run; readonly upTo: number } {
    const { state, upTo, ...version } = parseEntry<StoredState>(text);
    refuseNewer(version, WHAT);
    refuseUnknownState(state, WHAT);
    return { run: runOf({ ...state, graph: unpackGraph(state.graph) }, this.#keysBack), upTo };
  }

  /** Decodes the change of an entry; `run` is the run before the change. */
  unpacked(packed: EncodedChange, run: Run): RunChange {
    const change = decodeChange(packed, run);
    refuseUnknownKinds(change, WHAT);
    return change;
  }
}

/**
 * The only row mapping of journal entries: `Journal` alone writes entries, as JSON of these types.
 */
function parseEntry<T>(entry: string): T {
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return JSON.parse(entry) as T;
}
