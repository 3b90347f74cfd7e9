/**
 * An index of vectors in an object of its own: exact search, and replacement of the whole index.
 *
 * Vectors belong to generations, and queries see the current generation. A replacement is written
 * as a further generation in many calls, and put in place by a single transaction: a query sees the
 * old index or the new index, never parts of both. The alarm deletes replaced generations, and
 * replacements that were never finished, a number of blocks at a time.
 */
import { DurableObject } from "cloudflare:workers";
import type { IndexShape } from "../../domain/vectors/quantized.ts";
import { AlarmClock } from "../../platform/alarm-clock.ts";
import { log } from "../../platform/log.ts";
import { rowsOf, type VectorBatch } from "../../domain/vectors/block-row.ts";
import { VectorsStore, type Generation } from "./store.ts";
import { mostVectors, VectorIndex } from "./vector-index.ts";
import type { VectorMatch, VectorQuery, VectorsAnswer, VectorsRpc } from "./vectors-rpc.ts";

/**
 * Time after the last addition to a replacement, after which the alarm drops the replacement.
 * Longer than the longest attempt, 14 minutes. Milliseconds.
 */
const UNFINISHED_MS = 15 * 60_000;
/** Blocks that the alarm deletes in one call: about 30 MB for 384 dimensions. */
const BLOCKS_AT_ONCE = 256;
/** Pause after a failure of the alarm. Milliseconds. */
const AGAIN_MS = 10_000;

const DONE: VectorsAnswer<null> = { ok: true, value: null };

export class VectorsObject extends DurableObject<Env> implements VectorsRpc {
  readonly #store = new VectorsStore(this.ctx.storage);
  readonly #alarm = new AlarmClock({
    now: () => Date.now(),
    setAlarm: (at) => this.ctx.waitUntil(this.ctx.storage.setAlarm(at)),
  });
  /** The current generation in memory; null before the first use. */
  #index: VectorIndex | null = null;

  async upsert(shape: IndexShape, batch: VectorBatch): Promise<VectorsAnswer<null>> {
    const current = this.#store.current();
    if (current !== null && !isSame(current, shape)) return otherShape(current);
    const generation = current ?? this.#store.begin(shape, null, Date.now());
    if (!this.#open(generation).upsert(batch)) return tooMany(shape);
    return DONE;
  }

  async query(
    shape: IndexShape,
    query: VectorQuery,
  ): Promise<VectorsAnswer<readonly VectorMatch[]>> {
    const current = this.#store.current();
    if (current === null) return { ok: true, value: [] };
    if (!isSame(current, shape)) return otherShape(current);
    return { ok: true, value: this.#open(current).query(query) };
  }

  async deleteIds(shape: IndexShape, ids: readonly string[]): Promise<VectorsAnswer<number>> {
    const current = this.#store.current();
    if (current === null) return { ok: true, value: 0 };
    if (!isSame(current, shape)) return otherShape(current);
    return { ok: true, value: this.#open(current).delete(ids) };
  }

  async addToReplacement(
    shape: IndexShape,
    replacement: string,
    from: number,
    batch: VectorBatch,
  ): Promise<VectorsAnswer<null>> {
    if (from + batch.ids.length > mostVectors(shape)) return tooMany(shape);
    const now = Date.now();
    const known = this.#store.building(replacement);
    // A first call that arrives again begins nothing after the replacement is in place or dropped.
    if (known === null && (from > 0 || this.#store.isBegun(replacement)))
      return { ok: false, refusal: { code: "replacement_gone" } };
    const { generation } = known ?? this.#store.begin(shape, replacement, now);
    this.#store.putBlocks(generation, rowsOf(shape, from, batch));
    this.#store.touch(generation, now);
    await this.#wakeBy(now + UNFINISHED_MS);
    return DONE;
  }

  async putInPlace(replacement: string): Promise<VectorsAnswer<null>> {
    const built = this.#store.building(replacement);
    if (built === null)
      return this.#store.isPlaced(replacement)
        ? DONE
        : { ok: false, refusal: { code: "replacement_gone" } };
    this.#store.putInPlace(built.generation);
    this.#index = null;
    await this.#wakeBy(0);
    return DONE;
  }

  async dropReplacement(replacement: string): Promise<void> {
    const built = this.#store.building(replacement);
    if (built === null) return;
    this.#store.drop(built.generation);
    await this.#wakeBy(0);
  }

  /** Deletes dropped generations. Never rejects: the platform gives up a failing alarm. */
  override async alarm(info?: AlarmInvocationInfo): Promise<void> {
    this.#alarm.fires(info?.scheduledTime ?? null);
    try {
      this.#store.dropOld(Date.now() - UNFINISHED_MS);
      const isMore = this.#store.sweep(BLOCKS_AT_ONCE);
      const touched = this.#store.oldestTouch();
      if (isMore) this.#alarm.set(0);
      else if (touched !== null) this.#alarm.set(touched + UNFINISHED_MS);
      else if (this.#store.isEmpty()) {
        await this.#store.deleteAll();
        this.#alarm.deleted();
      }
    } catch (error) {
      log("error", "blocks of an index of vectors were not deleted", { error });
      this.#alarm.set(Date.now() + AGAIN_MS);
    } finally {
      this.#alarm.handled();
    }
  }

  /** Reads a generation into memory, in place of another generation. */
  #open({ generation, metric, dimensions }: Generation): VectorIndex {
    if (this.#index?.generation === generation) return this.#index;
    this.#index = null;
    return (this.#index = new VectorIndex(this.#store, generation, { metric, dimensions }));
  }

  /** Sets the alarm to this time, unless a sooner alarm is set. */
  async #wakeBy(at: number): Promise<void> {
    if (this.#alarm.at === Number.POSITIVE_INFINITY && !this.#alarm.isFiring) {
      const set = await this.ctx.storage.getAlarm();
      if (set !== null) this.#alarm.recover(set);
    }
    this.#alarm.atLatest(at);
  }
}

/** Tests if a generation is of the kind that a call asks for. */
function isSame({ metric, dimensions }: IndexShape, shape: IndexShape): boolean {
  return metric === shape.metric && dimensions === shape.dimensions;
}

/** Refuses a call with another metric, or other dimensions. */
function otherShape({ metric, dimensions }: IndexShape): VectorsAnswer<never> {
  return { ok: false, refusal: { code: "other_shape", has: { metric, dimensions } } };
}

/** Refuses items beyond the most of an index. */
function tooMany(shape: IndexShape): VectorsAnswer<never> {
  return { ok: false, refusal: { code: "too_many_vectors", most: mostVectors(shape) } };
}
