/** All SQL of an index of vectors. */
import {
  BLOCK_SLOTS,
  FACTS_BYTES,
  METRICS,
  type IndexShape,
  type QuantizedBlock,
} from "../../domain/vectors/quantized.ts";
import type { EditableRow } from "../../domain/vectors/block-row.ts";
import { numberIn, Tables, type Row, type RowStorage } from "../tables.ts";
import { TABLES } from "./schema.ts";

/** Places of a generation; a block has the place `generation × this + number of the block`. */
const BLOCKS_OF_GENERATION = 2 ** 20;

/** The generation that queries see. */
const CURRENT = `SELECT generation, metric, dimensions FROM generations WHERE state = 'current'`;
/** An unfinished replacement by its name. */
const BUILDING = `SELECT generation, metric, dimensions FROM generations WHERE state = 'building' AND replacement = ?`;
/** A replacement that is in place already: the repeated call finds it. */
const PLACED = `SELECT generation FROM generations WHERE state = 'current' AND replacement = ?`;
const OF_REPLACEMENT = "SELECT generation FROM generations WHERE replacement = ?";
const LAST = "SELECT max(generation) AS generation FROM generations";
const BEGIN = `
  INSERT INTO generations (generation, state, replacement, metric, dimensions, touched_at)
  VALUES (?, ?, ?, ?, ?, ?)`;
/** Keeps an unfinished replacement from being dropped. */
const TOUCH = "UPDATE generations SET touched_at = ? WHERE generation = ? AND state = 'building'";
const DROP_CURRENT = "UPDATE generations SET state = 'dropped' WHERE state = 'current'";
const MAKE_CURRENT =
  "UPDATE generations SET state = 'current' WHERE generation = ? AND state = 'building'";
const DROP = "UPDATE generations SET state = 'dropped' WHERE generation = ? AND state = 'building'";
/** Drops replacements without additions for too long. */
const DROP_OLD =
  "UPDATE generations SET state = 'dropped' WHERE state = 'building' AND touched_at <= ?";
const NEXT_OLD = "SELECT min(touched_at) AS at FROM generations WHERE state = 'building'";
const DROPPED = "SELECT generation FROM generations WHERE state = 'dropped' ORDER BY generation";
/** Blocks of a dropped generation are deleted in several steps. */
const DELETE_BLOCKS = "DELETE FROM blocks WHERE place >= ? AND place < ?";
const LAST_BLOCK = "SELECT max(place) AS place FROM blocks WHERE place >= ? AND place < ?";
const DELETE_GENERATION = "DELETE FROM generations WHERE generation = ? AND state = 'dropped'";
const COUNT = "SELECT count(*) AS generations FROM generations";

/** The first pass of a query: quantized codes with the facts that bound their errors. */
const CODES = "SELECT facts, codes FROM blocks WHERE place >= ? AND place < ? ORDER BY place";
const IDS = "SELECT ids FROM blocks WHERE place >= ? AND place < ? ORDER BY place";
/** Metadata of all blocks, for a filter. */
const METADATA = "SELECT metadata FROM blocks WHERE place >= ? AND place < ? ORDER BY place";
const METADATA_OF = "SELECT metadata FROM blocks WHERE place = ?";
/** The second pass of a query: exact vectors of the blocks with candidates. */
const VECTORS_OF = "SELECT ids, vectors FROM blocks WHERE place = ?";
const BLOCK = "SELECT ids, metadata, facts, codes, vectors FROM blocks WHERE place = ?";
const PUT_BLOCK = `
  INSERT INTO blocks (place, ids, metadata, facts, codes, vectors) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (place) DO UPDATE SET ids = excluded.ids, metadata = excluded.metadata,
    facts = excluded.facts, codes = excluded.codes, vectors = excluded.vectors`;

/** A whole set of vectors. */
export interface Generation extends IndexShape {
  readonly generation: number;
}

/** Rows of one index of vectors. */
export class VectorsStore {
  readonly #tables: Tables;

  constructor(storage: RowStorage) {
    this.#tables = new Tables(storage, TABLES);
  }

  /** Returns the generation that queries see; null without vectors. */
  current(): Generation | null {
    return generationOf(this.#tables.rows(CURRENT)[0]);
  }

  /** Returns the generation of an unfinished replacement; null if there is none. */
  building(replacement: string): Generation | null {
    return generationOf(this.#tables.rows(BUILDING, replacement)[0]);
  }

  /** True if the replacement has begun, whatever has become of the replacement. */
  isBegun(replacement: string): boolean {
    return this.#tables.rows(OF_REPLACEMENT, replacement).length > 0;
  }

  /** True if the replacement is in place. */
  isPlaced(replacement: string): boolean {
    return this.#tables.rows(PLACED, replacement).length > 0;
  }

  /**
   * Begins a generation: the current generation, or with `replacement` a generation that no query
   * sees yet. Numbers of generations rise while older generations are being deleted.
   */
  begin({ metric, dimensions }: IndexShape, replacement: string | null, now: number): Generation {
    this.#tables.make();
    const generation = Number(this.#tables.rows(LAST)[0]?.["generation"] ?? 0) + 1;
    const state = replacement === null ? "current" : "building";
    this.#tables.put(BEGIN, generation, state, replacement, metric, dimensions, now);
    return { generation, metric, dimensions };
  }

  /** Notes an addition to a replacement. */
  touch(generation: number, now: number): void {
    this.#tables.change(TOUCH, now, generation);
  }

  /** Puts a generation in the place of the current generation, in one transaction. */
  putInPlace(generation: number): void {
    this.#tables.atOnce(() => {
      this.#tables.change(DROP_CURRENT);
      this.#tables.change(MAKE_CURRENT, generation);
    });
  }

  /** Drops an unfinished replacement. */
  drop(generation: number): void {
    this.#tables.change(DROP, generation);
  }

  /** Drops replacements without an addition since `before`, epoch milliseconds. */
  dropOld(before: number): void {
    this.#tables.change(DROP_OLD, before);
  }

  /** Returns the time of the oldest last addition to a replacement; null without replacements. */
  oldestTouch(): number | null {
    return numberIn(this.#tables.rows(NEXT_OLD)[0], "at");
  }

  /**
   * Deletes at most `most` blocks of dropped generations, and generations without blocks. Returns
   * true if there may be more.
   */
  sweep(most: number): boolean {
    const [row] = this.#tables.rows(DROPPED);
    if (row === undefined) return false;
    const generation = Number(row["generation"]);
    const [first, end] = placesOf(generation);
    const last = this.#tables.rows(LAST_BLOCK, first, end)[0]?.["place"];
    this.#tables.atOnce(() => {
      if (typeof last === "number")
        this.#tables.change(DELETE_BLOCKS, Math.max(first, last + 1 - most), end);
      if (typeof last !== "number" || last + 1 - most <= first)
        this.#tables.change(DELETE_GENERATION, generation);
    });
    return true;
  }

  /** True if there is no generation of any kind. */
  isEmpty(): boolean {
    return Number(this.#tables.rows(COUNT)[0]?.["generations"] ?? 0) === 0;
  }

  /** Reads the codes of all blocks, one after the other. */
  *codes(generation: number): Generator<QuantizedBlock> {
    for (const row of this.#tables.each(CODES, ...placesOf(generation))) yield quantizedOf(row);
  }

  /** Reads the ids of all blocks. */
  *ids(generation: number): Generator<readonly (string | null)[]> {
    for (const { ids } of this.#tables.each(IDS, ...placesOf(generation))) yield listOf(ids);
  }

  /** Reads the metadata of all blocks, as JSON of each slot. */
  *metadata(generation: number): Generator<readonly (string | null)[]> {
    for (const { metadata } of this.#tables.each(METADATA, ...placesOf(generation)))
      yield listOf(metadata);
  }

  /** Reads the metadata of a block, as JSON of each slot. */
  metadataOf(generation: number, block: number): readonly (string | null)[] {
    return listOf(this.#tables.rows(METADATA_OF, placeOf(generation, block))[0]?.["metadata"]);
  }

  /** Reads the ids and vectors of a block. */
  vectorsOf(
    generation: number,
    block: number,
  ): { readonly ids: readonly (string | null)[]; readonly vectors: Float32Array } {
    const [row] = this.#tables.rows(VECTORS_OF, placeOf(generation, block));
    return { ids: listOf(row?.["ids"]), vectors: new Float32Array(bufferOf(row?.["vectors"])) };
  }

  /** Reads a whole block; null for a block that does not exist. */
  block(generation: number, block: number): EditableRow | null {
    const [row] = this.#tables.rows(BLOCK, placeOf(generation, block));
    if (row === undefined) return null;
    return {
      ids: listOf(row["ids"]),
      metadata: listOf(row["metadata"]),
      quantized: quantizedOf(row),
      vectors: new Float32Array(bufferOf(row["vectors"])),
    };
  }

  /** Writes whole blocks, all or none: one row for each block. */
  putBlocks(generation: number, blocks: ReadonlyMap<number, EditableRow>): void {
    this.#tables.atOnce(() => {
      for (const [block, { ids, metadata, quantized, vectors }] of blocks)
        this.#tables.put(
          PUT_BLOCK,
          placeOf(generation, block),
          JSON.stringify(ids),
          JSON.stringify(metadata),
          bytesOf(quantized.facts),
          bytesOf(quantized.codes),
          bytesOf(vectors),
        );
    });
  }

  /** Deletes everything, including the alarm. */
  async deleteAll(): Promise<void> {
    await this.#tables.deleteAll();
  }
}

/** The place of a block of a generation. */
function placeOf(generation: number, block: number): number {
  return generation * BLOCKS_OF_GENERATION + block;
}

/** Returns the first place of a generation, and the first place of the next. */
function placesOf(generation: number): [number, number] {
  return [placeOf(generation, 0), placeOf(generation + 1, 0)];
}

/** Row mapping; null without a row. */
function generationOf(row: Row | undefined): Generation | null {
  if (row === undefined) return null;
  const metric = METRICS.find((one) => one === row["metric"]);
  if (metric === undefined) throw new Error("an index of vectors has an unknown metric");
  return { generation: Number(row["generation"]), metric, dimensions: Number(row["dimensions"]) };
}

/** Row mapping of the first pass. */
function quantizedOf(row: Row): QuantizedBlock {
  const facts = bufferOf(row["facts"]);
  if (facts.byteLength !== FACTS_BYTES) throw new Error("a block of vectors is damaged");
  return { facts: new Float64Array(facts), codes: new Int8Array(bufferOf(row["codes"])) };
}

function bufferOf(value: unknown): ArrayBuffer {
  if (value instanceof ArrayBuffer) return value;
  throw new Error("a block of vectors is damaged");
}

function listOf(value: unknown): (string | null)[] {
  const list: unknown = typeof value === "string" ? JSON.parse(value) : null;
  if (Array.isArray(list) && list.length === BLOCK_SLOTS)
    return list.map((entry: unknown) => (typeof entry === "string" ? entry : null));
  throw new Error("a block of vectors is damaged");
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
