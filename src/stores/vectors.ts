/** `vectors()`: a client of an embedded, exact index of vectors, in an object of the deployment. */
import { scopeOf } from "../execution/author/context.ts";
import {
  filterFault,
  isMetadata,
  type Metadata,
  type MetadataFilter,
} from "../domain/vectors/metadata-filter.ts";
import type { VectorBatch } from "../domain/vectors/block-row.ts";
import { BLOCK_SLOTS, METRICS, type IndexShape, type Metric } from "../domain/vectors/quantized.ts";
import type { VectorsAnswer, VectorsRefusal, VectorsRpc } from "../objects/vectors/vectors-rpc.ts";
import { callWithRetries, within, type CallPolicy } from "../platform/calls.ts";
import type { Scope } from "./connections.ts";
import { StoreError, StoreRefusedError } from "./errors.ts";

export interface VectorsOptions {
  /** The number of components of each vector, at most 4,096. */
  readonly dimensions: number;
  /** Default: cosine. */
  readonly metric?: Metric;
}

/** A vector with its id, in up to 256 bytes, and metadata, a flat object of up to 2 KB of JSON. */
export interface VectorItem {
  readonly id: string;
  readonly vector: readonly number[] | Float32Array | Float64Array;
  readonly metadata?: Metadata;
}

export interface VectorsMatch {
  readonly id: string;
  /** The cosine or the product, greater is nearer; for `euclidean` the distance, less is nearer. */
  readonly score: number;
  readonly metadata: Metadata | null;
}

export interface VectorsStore {
  /**
   * Inserts items, or replaces those of the same ids; up to 256 at a time, fewer above 384
   * dimensions, each time all or none.
   */
  upsert(this: void, items: readonly VectorItem[]): Promise<void>;
  /**
   * Finds the nearest items, by score, and by id where scores are equal. `limit` is 10 by default
   * and at most 1,000. `filter` compares metadata.
   */
  query(
    this: void,
    vector: VectorItem["vector"],
    options?: { readonly limit?: number; readonly filter?: MetadataFilter },
  ): Promise<VectorsMatch[]>;
  /** Deletes items. Resolves to how many there were. */
  delete(this: void, ids: readonly string[]): Promise<number>;
  /**
   * Builds a whole new index and puts it in the place of the old one at once. Queries see the old
   * one until then, and keep it if this rejects. Resolves to the number of items.
   */
  replace(this: void, items: Iterable<VectorItem> | AsyncIterable<VectorItem>): Promise<number>;
}

const NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;
const MOST_DIMENSIONS = 4_096;
const MOST_ID_BYTES = 256;
const MOST_METADATA_BYTES = 2_048;
const DEFAULT_LIMIT = 10;
const MOST_LIMIT = 1_000;
/** Items of one call that changes an index. */
const CHANGED_AT_ONCE = 256;
/**
 * Bytes of the blocks that one call changes. Each item may be in a block of its own, and the object
 * has 128 MB of memory, of which the codes take up to 42.
 */
const CHANGED_BYTES = 32_000_000;
/** Bytes of vectors in one call that builds a replacement. */
const BYTES_AT_ONCE = 1_000_000;
/** Items of such a call: with ids and metadata 9.5 MB, of the 32 MiB of a call. */
const REPLACED_AT_ONCE = 4_096;
/** Wait for the end of an unfinished replacement. Milliseconds. */
const DROP_LIMIT_MS = 1_000;
/** Ids that an error names. */
const MOST_NAMED = 20;

/** A cold index of 100,000 vectors is read within a second. */
const POLICY: CallPolicy = { delaysMs: [100, 500], limitMs: 10_000 };

/**
 * An embedded index of vectors, for tasks and endpoints: exact, with up to 100,000 vectors of 384
 * dimensions. Nothing is to be run or configured for it.
 *
 * @example
 * const programmes = vectors("programmes", { dimensions: 384 });
 *
 * export async function similar(request: Request, endpoint: EndpointContext) {
 *   const near = await programmes.query(await embed(request), { limit: 5, filter: { lang: "de" } });
 *   return near.map(({ id, score }) => ({ id, score }));
 * }
 */
export function vectors(
  name: string,
  { dimensions, metric = "cosine" }: VectorsOptions,
): VectorsStore {
  if (!NAME.test(name))
    throw new TypeError(
      `${JSON.stringify(name)} is no name of an index: a letter or _, then up to 63 letters, digits, _ or -`,
    );
  if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > MOST_DIMENSIONS)
    throw new RangeError(
      `dimensions is a whole number from 1 to ${MOST_DIMENSIONS}, given ${dimensions}`,
    );
  if (!METRICS.includes(metric))
    throw new TypeError(`metric is ${METRICS.join(", ")}, given ${JSON.stringify(metric)}`);
  const shape = { metric, dimensions };
  const blockBytes = BLOCK_SLOTS * dimensions * (Float32Array.BYTES_PER_ELEMENT + 1);
  const changed = Math.min(CHANGED_AT_ONCE, Math.floor(CHANGED_BYTES / blockBytes));

  const call = async <T>(
    scope: Scope,
    work: (index: VectorsRpc) => Promise<VectorsAnswer<T>>,
  ): Promise<T> => {
    // Refuses calls of an invocation that is over.
    scope.resources.add(`vectors("${name}")`, () => undefined)();
    let answer: VectorsAnswer<T>;
    try {
      answer = await callWithRetries(
        `the index of vectors "${name}"`,
        () => work(scope.vectors(name)),
        POLICY,
      );
    } catch (error) {
      throw new StoreError("vectors", "unreachable", messageOf(error));
    }
    if (answer.ok) return answer.value;
    throw refused(name, shape, answer.refusal);
  };

  return {
    upsert: async (items) => {
      const scope = scopeOf("vectors().upsert");
      if (!Array.isArray(items)) throw invalid("upsert() takes a list of items");
      checkItems(shape, items);
      for (let from = 0; from < items.length; from += changed) {
        const batch = batchOf(shape, items.slice(from, from + changed));
        await call(scope, (index) => index.upsert(shape, batch));
      }
    },

    query: async (vector, { limit = DEFAULT_LIMIT, filter } = {}) => {
      const scope = scopeOf("vectors().query");
      if (!Number.isInteger(limit) || limit < 1 || limit > MOST_LIMIT)
        throw invalid(`limit is a whole number from 1 to ${MOST_LIMIT}, given ${limit}`);
      const fault = filter === undefined ? null : filterFault(filter);
      if (fault !== null) throw invalid(fault);
      const wrong = vectorFault(shape, vector);
      if (wrong !== null) throw invalid(`the vector of the query ${wrong}`);
      const query = { vector: bytesOf(shape, [vector]), limit, filter: filter ?? null };
      const found = await call(scope, (index) => index.query(shape, query));
      return found.map(({ id, score, metadata }) => ({ id, score, metadata: parsed(metadata) }));
    },

    delete: async (ids) => {
      const scope = scopeOf("vectors().delete");
      if (!isListOfTexts(ids)) throw invalid("delete() takes a list of ids, each a text");
      let deleted = 0;
      for (let from = 0; from < ids.length; from += changed) {
        const some = ids.slice(from, from + changed);
        deleted += await call(scope, (index) => index.deleteIds(shape, some));
      }
      return deleted;
    },

    replace: async (items) => {
      const scope = scopeOf("vectors().replace");
      const replacement = crypto.randomUUID();
      try {
        let count = 0;
        for await (const batch of batches(shape, items)) {
          const from = count;
          await call(scope, (index) => index.addToReplacement(shape, replacement, from, batch));
          count += batch.ids.length;
        }
        await call(scope, (index) => index.putInPlace(replacement));
        return count;
      } catch (error) {
        // The object drops an unfinished replacement by itself as well, some time later.
        const drop = scope.vectors(name).dropReplacement(replacement);
        await within(DROP_LIMIT_MS, `the index of vectors "${name}"`, drop).catch(() => undefined);
        throw error;
      }
    },
  };
}

/**
 * Makes batches of whole blocks, at least one, the last with the rest. Rejects for an id that comes
 * twice: the object does not compare the items of a replacement.
 */
async function* batches(
  shape: IndexShape,
  items: Iterable<VectorItem> | AsyncIterable<VectorItem>,
): AsyncGenerator<VectorBatch> {
  const bytes = shape.dimensions * Float32Array.BYTES_PER_ELEMENT;
  const fitting = Math.min(REPLACED_AT_ONCE, Math.floor(BYTES_AT_ONCE / bytes));
  const most = BLOCK_SLOTS * Math.max(1, Math.floor(fitting / BLOCK_SLOTS));
  const ids = new Set<string>();
  if (Array.isArray(items)) checkItems(shape, items);
  let collected: VectorItem[] = [];
  let made = 0;
  for await (const item of items) {
    if (!isItem(item)) checkItems(shape, [item]);
    collected.push(item);
    if (ids.has(item.id)) throw invalid(`the id ${JSON.stringify(item.id)} is given twice`);
    ids.add(item.id);
    if (collected.length < most) continue;
    checkItems(shape, collected);
    yield batchOf(shape, collected);
    made += 1;
    collected = [];
  }
  if (collected.length === 0 && made > 0) return;
  checkItems(shape, collected);
  yield batchOf(shape, collected);
}

/** Throws for items that the index cannot hold, with their ids. */
function checkItems(shape: IndexShape, items: readonly VectorItem[]): void {
  const wrong = Array.from(items, (item) => {
    if (!isItem(item)) return `an item is ${String(item)}`;
    const fault = itemFault(shape, item);
    return fault === null ? null : `${JSON.stringify(item.id)} ${fault}`;
  }).filter((fault) => fault !== null);
  if (wrong.length === 0) return;
  const more = wrong.length > MOST_NAMED ? ` and ${wrong.length - MOST_NAMED} more` : "";
  throw invalid(`${wrong.slice(0, MOST_NAMED).join("; ")}${more}`);
}

function isItem(item: unknown): item is VectorItem {
  return typeof item === "object" && item !== null;
}

function isListOfTexts(ids: unknown): ids is readonly string[] {
  return Array.isArray(ids) && ids.every((id) => typeof id === "string");
}

function isVector(vector: unknown): vector is VectorItem["vector"] {
  return Array.isArray(vector) || (ArrayBuffer.isView(vector) && !(vector instanceof DataView));
}

function itemFault(shape: IndexShape, { id, vector, metadata }: VectorItem): string | null {
  if (typeof id !== "string" || id === "" || byteLength(id) > MOST_ID_BYTES)
    return `is no id: a text of 1 to ${MOST_ID_BYTES} bytes`;
  if (metadata !== undefined) {
    if (!isMetadata(metadata))
      return "has metadata that is no flat object of strings, finite numbers, booleans and nulls";
    const size = byteLength(JSON.stringify(metadata));
    if (size > MOST_METADATA_BYTES)
      return `has ${size} bytes of metadata; at most ${MOST_METADATA_BYTES} are possible`;
  }
  return vectorFault(shape, vector);
}

function vectorFault(
  { metric, dimensions }: IndexShape,
  vector: VectorItem["vector"],
): string | null {
  if (!isVector(vector)) return "has no list of components";
  if (vector.length !== dimensions) return `has ${vector.length} components, not ${dimensions}`;
  let isZero = true;
  for (const component of vector) {
    const kept = typeof component === "number" ? Math.fround(component) : Number.NaN;
    if (!Number.isFinite(kept))
      return `has the component ${String(component)}, which is no number of 32 bits`;
    if (kept !== 0) isZero = false;
  }
  return isZero && metric === "cosine" ? "is zero, and has no direction" : null;
}

function batchOf(shape: IndexShape, items: readonly VectorItem[]): VectorBatch {
  return {
    ids: items.map(({ id }) => id),
    vectors: bytesOf(
      shape,
      items.map(({ vector }) => vector),
    ),
    metadata: items.map(({ metadata }) =>
      metadata === undefined ? null : JSON.stringify(metadata),
    ),
  };
}

function bytesOf(
  { dimensions }: IndexShape,
  list: readonly VectorItem["vector"][],
): Uint8Array<ArrayBuffer> {
  const components = new Float32Array(list.length * dimensions);
  for (const [index, vector] of list.entries()) components.set(vector, index * dimensions);
  return new Uint8Array(components.buffer);
}

function parsed(json: string | null): Metadata | null {
  const metadata: unknown = json === null ? null : JSON.parse(json);
  return isMetadata(metadata) ? metadata : null;
}

function refused(name: string, asked: IndexShape, refusal: VectorsRefusal): Error {
  const index = `the index of vectors "${name}"`;
  switch (refusal.code) {
    case "other_shape": {
      const { metric, dimensions } = refusal.has;
      return new StoreRefusedError(
        "vectors",
        refusal.code,
        `${index} has ${dimensions} dimensions and the metric ${metric}, not ${asked.dimensions} and ${asked.metric}: replace() makes it anew`,
      );
    }
    case "too_many_vectors":
      return new StoreRefusedError(
        "vectors",
        refusal.code,
        `${index} holds at most ${refusal.most} vectors of ${asked.dimensions} dimensions`,
      );
    case "replacement_gone":
      return new StoreError(
        "vectors",
        refusal.code,
        `${index}: the new one is gone: another one was put in place since, or nothing was added to it for 15 minutes`,
      );
  }
}

function invalid(message: string): StoreRefusedError {
  return new StoreRefusedError("vectors", "invalid", message);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const encoder = new TextEncoder();

function byteLength(text: string): number {
  return encoder.encode(text).byteLength;
}
