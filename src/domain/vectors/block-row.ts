/** The whole row of a block, to be changed: ids, metadata, codes and vectors of the slots. */
import {
  BLOCK_SLOTS,
  emptyBlock,
  freeSlot,
  quantize,
  type IndexShape,
  type QuantizedBlock,
} from "./quantized.ts";

/** Items of an index, as lists of equal length. An item has the same place in each list. */
export interface VectorBatch {
  readonly ids: readonly string[];
  /** The components of all vectors, one vector after the other, as Float32 in little-endian. */
  readonly vectors: Uint8Array;
  /** JSON of each item's metadata; null without metadata. */
  readonly metadata: readonly (string | null)[];
}

/** A block that is being changed. A free slot has no id. */
export interface EditableRow {
  readonly ids: (string | null)[];
  /** JSON of each item's metadata. */
  readonly metadata: (string | null)[];
  readonly quantized: QuantizedBlock;
  readonly vectors: Float32Array;
}

/** An item of a batch. */
interface Item {
  readonly id: string;
  readonly vector: Float32Array;
  readonly metadata: string | null;
}

/** Makes a block without vectors. */
export function emptyRow(dimensions: number): EditableRow {
  return {
    ids: Array.from({ length: BLOCK_SLOTS }, () => null),
    metadata: Array.from({ length: BLOCK_SLOTS }, () => null),
    quantized: emptyBlock(dimensions),
    vectors: new Float32Array(BLOCK_SLOTS * dimensions),
  };
}

/** Puts an item into a slot, free or not. */
export function fillSlot(row: EditableRow, slot: number, { id, vector, metadata }: Item): void {
  row.ids[slot] = id;
  row.metadata[slot] = metadata;
  row.vectors.set(vector, slot * vector.length);
  quantize(row.quantized, slot, vector);
}

/** Takes the item out of a slot. */
export function clearSlot(row: EditableRow, slot: number): void {
  row.ids[slot] = null;
  row.metadata[slot] = null;
  freeSlot(row.quantized, slot);
}

/** Splits a batch into items. */
export function itemsOf({ dimensions }: IndexShape, batch: VectorBatch): Item[] {
  const components = componentsOf(batch.vectors);
  return batch.ids.map((id, place) => ({
    id,
    vector: components.subarray(place * dimensions, (place + 1) * dimensions),
    metadata: batch.metadata[place] ?? null,
  }));
}

/** Makes the rows of a batch whose first item has slot `from`, the first slot of a block. */
export function rowsOf(
  shape: IndexShape,
  from: number,
  batch: VectorBatch,
): ReadonlyMap<number, EditableRow> {
  const rows = new Map<number, EditableRow>();
  for (const [place, item] of itemsOf(shape, batch).entries()) {
    const block = Math.floor((from + place) / BLOCK_SLOTS);
    const row = rows.get(block) ?? emptyRow(shape.dimensions);
    rows.set(block, row);
    fillSlot(row, (from + place) % BLOCK_SLOTS, item);
  }
  return rows;
}

/** Reads Float32 components. Copies bytes that do not begin at a multiple of four. */
export function componentsOf(bytes: Uint8Array): Float32Array {
  const { buffer, byteOffset, byteLength } =
    bytes.byteOffset % Float32Array.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  return new Float32Array(buffer, byteOffset, byteLength / Float32Array.BYTES_PER_ELEMENT);
}
