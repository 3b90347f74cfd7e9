/** Calls on the object of one index of vectors. */
import type { MetadataFilter } from "../../domain/vectors/metadata-filter.ts";
import type { VectorBatch } from "../../domain/vectors/block-row.ts";
import type { IndexShape } from "../../domain/vectors/quantized.ts";

/** A search for the nearest items. */
export interface VectorQuery {
  /** Float32 in little-endian. */
  readonly vector: Uint8Array;
  readonly limit: number;
  readonly filter: MetadataFilter | null;
}

/** An item that was found. */
export interface VectorMatch {
  readonly id: string;
  readonly score: number;
  /** JSON; null without metadata. */
  readonly metadata: string | null;
}

/** The reason of a refusal. */
export type VectorsRefusal =
  /** The index has the metric and the dimensions of `has`. */
  | { readonly code: "other_shape"; readonly has: IndexShape }
  /** The index would have more vectors than `most`. */
  | { readonly code: "too_many_vectors"; readonly most: number }
  /** The replacement was dropped, 15 minutes after the last addition, or was replaced itself. */
  | { readonly code: "replacement_gone" };

/** The value of a call, or the reason of its refusal. */
export type VectorsAnswer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: VectorsRefusal };

/** Methods of the object of one index. */
export interface VectorsRpc {
  /** Inserts items, or replaces items of the same ids. All or none. Idempotent. */
  upsert(shape: IndexShape, batch: VectorBatch): Promise<VectorsAnswer<null>>;
  /** Finds the nearest items: by score, and by id for equal scores. */
  query(shape: IndexShape, query: VectorQuery): Promise<VectorsAnswer<readonly VectorMatch[]>>;
  /** Deletes items by id. Answers the number of deleted items. */
  deleteIds(shape: IndexShape, ids: readonly string[]): Promise<VectorsAnswer<number>>;
  /**
   * Adds items to a replacement of the index, which no query sees yet. `from`: the number of items
   * added before, a multiple of the slots of a block; 0 begins the replacement. Idempotent.
   */
  addToReplacement(
    shape: IndexShape,
    replacement: string,
    from: number,
    batch: VectorBatch,
  ): Promise<VectorsAnswer<null>>;
  /** Puts a replacement in the place of the index, at once. Idempotent. */
  putInPlace(replacement: string): Promise<VectorsAnswer<null>>;
  /** Deletes an unfinished replacement. */
  dropReplacement(replacement: string): Promise<void>;
}
