/**
 * The collecting attempt of an `each` task, after all of its items have ended: joins the items'
 * outputs into one array, in the order of the items. Outputs kept with the run come in pages;
 * outputs in R2 are fetched a few at a time. Memory holds one page, the small objects next in line,
 * and one part of the upload to R2. The array is stored like every output: with the run if small,
 * else in R2.
 */
import type { PayloadLimitKeys } from "../../domain/limits/limit.ts";
import type { LeasePayload, NewPayload } from "../../domain/payload.ts";
import { concatenate } from "../../payloads/chunks.ts";
import { decodePayload, JSON_TYPE } from "../../payloads/codec.ts";
import { fetchBytes, fetchStream } from "../../payloads/payload-download.ts";
import { limitKeysAt } from "../../payloads/limit-keys.ts";
import { attemptPayloadKey, openPayload, storePayload } from "../../payloads/payload-store.ts";
import { refuseLargeValue } from "../../payloads/value-limit.ts";
import type { RunCaller } from "../../objects/run/run-client.ts";
import type { ItemOutputsPage } from "../../objects/run/run-rpc.ts";
import type { Lease } from "../../objects/run/lease-rpc.ts";
import { announceOutput } from "./output-store.ts";

/**
 * Objects of R2 up to this size are fetched ahead, at most `AHEAD` at a time: an invocation may
 * have six connections awaiting an answer.
 */
const AHEAD_BYTES = 256 * 1024;
const AHEAD = 5;
/** Size of the pieces that are passed on, in bytes. */
const PIECE_BYTES = 64 * 1024;

const OPEN = new TextEncoder().encode("[");
const COMMA = new TextEncoder().encode(",");
const CLOSE = new TextEncoder().encode("]");
const NULL = new TextEncoder().encode("null");

/** The collected array, and the limit keys of the children that read from it. */
export interface CollectedItems {
  readonly output: NewPayload;
  readonly limitKeys: Record<string, PayloadLimitKeys> | null;
}

/**
 * Stores the array of the outputs of all items of the lease's task. Rejects like reading and
 * storing payloads do.
 */
export async function collectItems(
  lease: Lease,
  bucket: R2Bucket,
  call: RunCaller,
): Promise<CollectedItems> {
  const { runId, ordinal, attempt, token, inlineLimitBytes } = lease;
  const asked = new AskedItems(lease.limited);
  let length = 0;
  const items = async function* (): AsyncGenerator<LeasePayload | null> {
    for (let from: number | null = 0; from !== null;) {
      const page: ItemOutputsPage | null = await call((run) => run.itemOutputs(ordinal, from ?? 0));
      if (page === null)
        throw new Error(`the run ${runId} has no items of "${lease.task}" any more`);
      asked.note(length, page.items);
      yield* page.items;
      length += page.items.length;
      from = page.next;
    }
  };
  const body = streamOf(arrayText(items(), bucket));
  const key = attemptPayloadKey(runId, ordinal, attempt, token, "");
  const payload = { kind: "json", contentType: JSON_TYPE, size: null, body } as const;
  const newPayload = await storePayload(bucket, key, payload, inlineLimitBytes, () =>
    announceOutput(call),
  );
  return { output: { ...newPayload, length }, limitKeys: await asked.limitKeys(bucket) };
}

/**
 * The items that the limits of the children refer to (`payload.0.user`). Memory never holds the
 * whole array.
 */
class AskedItems {
  readonly #limited: NonNullable<Lease["limited"]>;
  readonly #indices: ReadonlySet<number>;
  readonly #items = new Map<number, LeasePayload>();

  constructor(limited: Lease["limited"] = []) {
    this.#limited = limited;
    const paths = limited.flatMap((one): (readonly string[])[] => Object.values(one.paths));
    this.#indices = new Set(paths.map(([first]) => Number(first)));
  }

  /** Remembers the requested ones among these items; the first has index `from`. */
  note(from: number, items: readonly (LeasePayload | null)[]): void {
    for (const index of this.#indices) {
      const item = items[index - from];
      if (item !== undefined && item !== null) this.#items.set(index, item);
    }
  }

  async limitKeys(bucket: R2Bucket): Promise<Record<string, PayloadLimitKeys> | null> {
    if (this.#limited.length === 0) return null;
    const value: unknown[] = [];
    for (const [index, item] of this.#items)
      value[index] = await openPayload(bucket, item, neverHeld);
    const keys: Record<string, PayloadLimitKeys> = {};
    for (const { child, paths } of this.#limited) keys[child] = await limitKeysAt(value, paths);
    return keys;
  }
}

function neverHeld(): Promise<never> {
  throw new Error("a page of items holds what it names");
}

/** The JSON text of the array, piece by piece. */
export async function* arrayText(
  items: AsyncIterable<LeasePayload | null>,
  bucket: R2Bucket,
): AsyncGenerator<Uint8Array> {
  yield OPEN;
  let isFirst = true;
  for await (const chunks of readAhead(items, bucket)) {
    if (!isFirst) yield COMMA;
    isFirst = false;
    yield* chunks;
  }
  yield CLOSE;
}

type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/**
 * Yields the items' outputs as JSON, in order. The download of a small object starts before its
 * turn.
 */
async function* readAhead(
  items: AsyncIterable<LeasePayload | null>,
  bucket: R2Bucket,
): AsyncGenerator<Chunks> {
  // Yielding a promise awaits it.
  const ahead: Promise<Chunks>[] = [];
  for await (const item of items) {
    const isAhead = item?.at === "r2" && item.size <= AHEAD_BYTES;
    // A large object is opened after all items before it are through: an unread connection would
    // block one of six.
    if (!isAhead) for (const chunks of ahead.splice(0)) yield chunks;
    const chunks = jsonOf(item, bucket);
    // A failed download is reported at its turn.
    chunks.catch(() => undefined);
    ahead.push(chunks);
    const first = isAhead && ahead.length < AHEAD ? undefined : ahead.shift();
    if (first !== undefined) yield first;
  }
  yield* ahead;
}

async function jsonOf(item: LeasePayload | null, bucket: R2Bucket): Promise<Chunks> {
  if (item === null) return [NULL];
  if (item.at === "held") return neverHeld();
  if (item.kind === "json") {
    if (item.at === "inline") return [item.bytes];
    return item.size <= AHEAD_BYTES
      ? [await fetchBytes(bucket, item.key)]
      : fetchStream(bucket, item.key);
  }
  // A text is encoded as JSON in one piece.
  refuseLargeValue(
    "The text that an item passed",
    item.size,
    "Put it into a bucket, and pass its key.",
  );
  const bytes = item.at === "inline" ? item.bytes : await fetchBytes(bucket, item.key);
  return [new TextEncoder().encode(JSON.stringify(decodePayload(item, bytes)))];
}

/**
 * Joins small chunks into larger ones: ten thousand pieces of a few bytes each would cost more than
 * their content.
 */
function streamOf(chunks: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const pieces: Uint8Array[] = [];
        let size = 0;
        while (size < PIECE_BYTES) {
          const { done, value } = await chunks.next();
          if (done === true) break;
          pieces.push(value);
          size += value.length;
        }
        if (size === 0) controller.close();
        else controller.enqueue(concatenate(pieces));
      },
      async cancel() {
        await chunks.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
}
