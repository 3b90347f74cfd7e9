/**
 * A generation of an index of vectors: the codes of all vectors in memory, the rest in the store. A
 * search is exact. The codes bound the rank of each vector (domain/vectors/quantized.ts). The
 * search then reads the vectors with a bound above the rank of the worst certain result.
 *
 * Memory: a byte for each component and 32 bytes for each vector, at most 42 MB, and the ids after
 * the first change. An object has 128 MB. The vectors in full length would take 154 MB.
 *
 * Rows: a query reads a row for each block with a possible result, and a row for each block with
 * results. A first query reads all rows, and so does a filter that is new.
 */
import { BestMatches, GreatestNumbers, type Match } from "../../domain/vectors/best-matches.ts";
import {
  isMetadata,
  matcherOf,
  type Metadata,
  type MetadataFilter,
} from "../../domain/vectors/metadata-filter.ts";
import {
  BLOCK_SLOTS,
  boundRank,
  isFree,
  lengthOf,
  productsOf,
  rankOf,
  scoreOf,
  type IndexShape,
  type QuantizedBlock,
} from "../../domain/vectors/quantized.ts";
import {
  clearSlot,
  componentsOf,
  emptyRow,
  fillSlot,
  itemsOf,
  type EditableRow,
  type VectorBatch,
} from "../../domain/vectors/block-row.ts";
import type { VectorsStore } from "./store.ts";
import type { VectorMatch, VectorQuery } from "./vectors-rpc.ts";

/** The greatest number of vectors of an index. */
const MOST_VECTORS = 100_000;
/** The greatest number of components of all vectors: 100,000 vectors of 384. */
const MOST_COMPONENTS = 38_400_000;
/** The number of filters whose matching slots stay in memory. */
const KEPT_FILTERS = 16;
/**
 * The longest JSON of a filter that stays in memory. A filter may come from a stranger's request.
 */
const LONGEST_KEPT_FILTER = 65_536;

/** The greatest number of vectors that an index can have. */
export function mostVectors({ dimensions }: IndexShape): number {
  return Math.min(MOST_VECTORS, Math.floor(MOST_COMPONENTS / dimensions));
}

export class VectorIndex {
  readonly generation: number;
  readonly shape: IndexShape;
  readonly #store: VectorsStore;
  readonly #blocks: QuantizedBlock[];
  /** The slot of each id, and the free slots; null before the first change. */
  #slots: { readonly ofId: Map<string, number>; readonly free: number[] } | null = null;
  /** The matching slots of filters, by the filter's JSON. */
  readonly #filtered = new Map<string, Uint8Array>();

  /** Reads the codes of a generation. */
  constructor(store: VectorsStore, generation: number, shape: IndexShape) {
    this.#store = store;
    this.generation = generation;
    this.shape = shape;
    this.#blocks = [...store.codes(generation)];
  }

  /** Inserts or replaces items. Returns false if the index would have too many vectors. */
  upsert(batch: VectorBatch): boolean {
    const { ofId, free } = this.#slotsOf();
    const open = [...free];
    const added = new Map<string, number>();
    let blocks = this.#blocks.length;
    for (const id of batch.ids) {
      if (ofId.has(id) || added.has(id)) continue;
      if (open.length === 0) {
        open.push(...slotsOf(blocks).toReversed());
        blocks += 1;
      }
      added.set(id, open.pop() ?? 0);
    }
    if (ofId.size + added.size > mostVectors(this.shape)) return false;
    const changed = new Map<number, EditableRow>();
    for (const [place, item] of itemsOf(this.shape, batch).entries()) {
      const at = ofId.get(item.id) ?? added.get(item.id) ?? place;
      fillSlot(this.#editable(changed, at), at % BLOCK_SLOTS, item);
    }
    this.#write(changed);
    for (const [id, at] of added) ofId.set(id, at);
    this.#slots = { ofId, free: open };
    return true;
  }

  /** Deletes items. Returns the number of deleted items. */
  delete(ids: readonly string[]): number {
    const { ofId, free } = this.#slotsOf();
    const changed = new Map<number, EditableRow>();
    const gone = new Map<string, number>();
    for (const id of ids) {
      const at = ofId.get(id);
      if (at === undefined || gone.has(id)) continue;
      clearSlot(this.#editable(changed, at), at % BLOCK_SLOTS);
      gone.set(id, at);
    }
    this.#write(changed);
    for (const [id, at] of gone) {
      ofId.delete(id);
      free.push(at);
    }
    return gone.size;
  }

  /** Finds the nearest items, in order of rank, and of id for equal ranks. */
  query({ vector, limit, filter }: VectorQuery): readonly VectorMatch[] {
    const query = Float64Array.from(componentsOf(vector));
    const length = lengthOf(query);
    const greatest = new Float64Array(this.#blocks.length * BLOCK_SLOTS);
    const least = this.#bound(query, length, limit, filter, greatest);
    const best = new BestMatches(limit);
    for (const [block, quantized] of this.#blocks.entries())
      this.#compare(block, quantized, query, length, greatest, least, best);
    return this.#withMetadata(best.all);
  }

  /**
   * Bounds the rank of each vector from above, in `greatest`: minus infinity for free slots, and
   * for vectors outside of the filter. Returns a rank that `limit` vectors reach for certain.
   */
  #bound(
    query: Float64Array,
    length: number,
    limit: number,
    filter: MetadataFilter | null,
    greatest: Float64Array,
  ): number {
    const { metric } = this.shape;
    const matching = filter === null ? null : this.#matching(filter);
    const certain = new GreatestNumbers(limit);
    const products = new Float64Array(BLOCK_SLOTS);
    const bounds = { least: 0, greatest: 0 };
    for (const [number, block] of this.#blocks.entries()) {
      productsOf(block.codes, query, products);
      const first = number * BLOCK_SLOTS;
      for (let slot = 0; slot < BLOCK_SLOTS; slot += 1) {
        if (isFree(block, slot) || (matching !== null && matching[first + slot] !== 1)) {
          greatest[first + slot] = Number.NEGATIVE_INFINITY;
          continue;
        }
        boundRank(metric, block, slot, products[slot] ?? 0, length, bounds);
        greatest[first + slot] = bounds.greatest;
        if (bounds.least > certain.threshold) certain.add(bounds.least);
      }
    }
    return certain.threshold;
  }

  /** Reads the vectors of a block that may be among the best, and computes their scores. */
  #compare(
    block: number,
    quantized: QuantizedBlock,
    query: Float64Array,
    length: number,
    greatest: Float64Array,
    least: number,
    best: BestMatches,
  ): void {
    const { metric, dimensions } = this.shape;
    const first = block * BLOCK_SLOTS;
    let read: ReturnType<VectorsStore["vectorsOf"]> | null = null;
    for (let slot = 0; slot < BLOCK_SLOTS; slot += 1) {
      const bound = greatest[first + slot] ?? Number.NEGATIVE_INFINITY;
      // A vector with the rank of the threshold counts: ids order equal ranks.
      if (bound < least || bound < best.threshold || isFree(quantized, slot)) continue;
      if (bound === Number.NEGATIVE_INFINITY) continue;
      read ??= this.#store.vectorsOf(this.generation, block);
      const id = read.ids[slot];
      if (id === null || id === undefined) continue;
      const vector = read.vectors.subarray(slot * dimensions, (slot + 1) * dimensions);
      const score = scoreOf(metric, query, vector, length);
      best.add({ id, score, rank: rankOf(metric, score), slot: first + slot });
    }
  }

  /** Reads the metadata of the results. */
  #withMetadata(matches: readonly Match[]): readonly VectorMatch[] {
    const read = new Map<number, readonly (string | null)[]>();
    return matches.map(({ id, score, slot }) => {
      const block = Math.floor(slot / BLOCK_SLOTS);
      const all = read.get(block) ?? this.#store.metadataOf(this.generation, block);
      read.set(block, all);
      return { id, score, metadata: all[slot % BLOCK_SLOTS] ?? null };
    });
  }

  /**
   * Returns a 1 for each slot within the filter. The first query of a filter reads all metadata.
   */
  #matching(filter: MetadataFilter): Uint8Array {
    const key = JSON.stringify(filter);
    const known = this.#filtered.get(key);
    if (known !== undefined) {
      // Moves the filter behind the others: the filter at the front is forgotten first.
      this.#filtered.delete(key);
      this.#filtered.set(key, known);
      return known;
    }
    const matches = matcherOf(filter);
    const found = new Uint8Array(this.#blocks.length * BLOCK_SLOTS);
    let at = 0;
    for (const block of this.#store.metadata(this.generation))
      for (const json of block) {
        found[at] = Number(matches(metadataOf(json)));
        at += 1;
      }
    if (key.length > LONGEST_KEPT_FILTER) return found;
    this.#filtered.set(key, found);
    const [oldest] = this.#filtered.keys();
    if (this.#filtered.size > KEPT_FILTERS && oldest !== undefined) this.#filtered.delete(oldest);
    return found;
  }

  /** Reads the ids of all vectors once. */
  #slotsOf(): { readonly ofId: Map<string, number>; readonly free: number[] } {
    if (this.#slots !== null) return this.#slots;
    const ofId = new Map<string, number>();
    const free: number[] = [];
    let at = 0;
    for (const block of this.#store.ids(this.generation))
      for (const id of block) {
        if (id === null) free.push(at);
        else ofId.set(id, at);
        at += 1;
      }
    return (this.#slots = { ofId, free: free.toReversed() });
  }

  /** The block of a slot, to be changed: its stored row, or an empty one. */
  #editable(changed: Map<number, EditableRow>, at: number): EditableRow {
    const block = Math.floor(at / BLOCK_SLOTS);
    const begun = changed.get(block);
    if (begun !== undefined) return begun;
    const row = this.#store.block(this.generation, block) ?? emptyRow(this.shape.dimensions);
    changed.set(block, row);
    return row;
  }

  /** Writes changed blocks, and then changes the memory. */
  #write(changed: ReadonlyMap<number, EditableRow>): void {
    if (changed.size === 0) return;
    this.#store.putBlocks(this.generation, changed);
    for (const [block, { quantized }] of changed) this.#blocks[block] = quantized;
    this.#filtered.clear();
  }
}

/** The slots of a block, in order. */
function slotsOf(block: number): number[] {
  return Array.from({ length: BLOCK_SLOTS }, (_, slot) => block * BLOCK_SLOTS + slot);
}

function metadataOf(json: string | null): Metadata | null {
  const metadata: unknown = json === null ? null : JSON.parse(json);
  return isMetadata(metadata) ? metadata : null;
}
