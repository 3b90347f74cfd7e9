/**
 * Reads the items of JSON arrays one by one, for the items of `each` tasks. An array is fetched and
 * scanned once, however many of its items are read. A large array is never in memory as a whole: a
 * first pass finds its items, and a few at a time are fetched from R2.
 */
import type { LeasePayload } from "../domain/payload.ts";
import { ArrayIndexes } from "./array-indexes.ts";
import { ArrayScanner } from "./array-scanner.ts";
import { failureListener, hearingFailures } from "../platform/calls.ts";
import { fetchRange, fetchStream } from "./payload-download.ts";
import { openPayloadBytes, type HeldReader } from "./payload-store.ts";
import { refuseLargeValue } from "./value-limit.ts";

/** Limit of arrays held in memory as a whole. Bytes. */
const HELD_BYTES = 4 * 1024 * 1024;
/** Block size for larger arrays, unless one item is larger. Bytes. */
const BLOCK_BYTES = 256 * 1024;

const SMALLER =
  "Pass what is that large as a payload of its own, or put it into a bucket and pass its key.";

export class ArrayReader {
  readonly #bucket: R2Bucket;
  readonly #indexes: ArrayIndexes;
  /** Arrays by reader name: a passed array does not change. */
  readonly #arrays = new Map<string, SharedArray>();

  /** `indexes` is shared by readers that may read the same arrays. */
  constructor(bucket: R2Bucket, indexes = new ArrayIndexes()) {
    this.#bucket = bucket;
    this.#indexes = indexes;
  }

  /**
   * Returns the JSON text of one item, as bytes. `reader`: any unique name of the reader. Rejects
   * like `openPayload`.
   */
  async item(
    reader: string,
    array: LeasePayload,
    index: number,
    held: HeldReader,
  ): Promise<Uint8Array> {
    const known = this.#arrays.get(reader);
    const shared = known ?? new SharedArray(() => this.#open(array, held));
    this.#arrays.set(reader, shared);
    try {
      return await shared.item(index);
    } catch (error) {
      // The next item tries again.
      this.#arrays.delete(reader);
      throw error;
    }
  }

  async #open(array: LeasePayload, held: HeldReader): Promise<OpenArray> {
    if (array.at === "r2" && array.size > HELD_BYTES) {
      const { key } = array;
      return new OpenArray(await this.#index(key), (begin, end) =>
        fetchRange(this.#bucket, key, begin, end - begin),
      );
    }
    const bytes = await openPayloadBytes(this.#bucket, array, held);
    const scanner = new ArrayScanner();
    scanner.push(bytes);
    return new OpenArray(scanner, async (begin, end) => bytes.subarray(begin, end));
  }

  /** Finds the items of a large array. */
  async #index(key: string): Promise<ArrayScanner> {
    const known = this.#indexes.get(key);
    if (known !== undefined) return known;
    const scanner = new ArrayScanner();
    for await (const chunk of await fetchStream(this.#bucket, key)) scanner.push(chunk);
    this.#indexes.keep(key, scanner);
    return scanner;
  }
}

/** An array for all attempts that read items from the same output. */
class SharedArray {
  readonly #open: () => Promise<OpenArray>;
  #opened: Promise<OpenArray> | null = null;
  /** Listeners of all attempts that wait for an item: a failed read holds up each one. */
  readonly #waiting = new Set<() => void>();
  /** Listeners of attempts with a read to be retried. Newcomers wait for the same read. */
  readonly #failing = new Set<() => void>();

  constructor(open: () => Promise<OpenArray>) {
    this.#open = open;
  }

  async item(index: number): Promise<Uint8Array> {
    const listener = failureListener();
    const heard = (): void => listener();
    const failed = (): void => {
      this.#failing.add(heard);
      for (const one of this.#waiting) one();
    };
    if (this.#failing.size > 0) heard();
    this.#waiting.add(heard);
    try {
      return await hearingFailures(failed, async () => {
        this.#opened ??= this.#open();
        return (await this.#opened).item(index);
      });
    } finally {
      this.#waiting.delete(heard);
      this.#failing.delete(heard);
    }
  }
}

class OpenArray {
  readonly #scanner: ArrayScanner;
  readonly #read: (begin: number, end: number) => Promise<Uint8Array>;
  #block: Block | null = null;

  constructor(scanner: ArrayScanner, read: (begin: number, end: number) => Promise<Uint8Array>) {
    this.#scanner = scanner;
    this.#read = read;
  }

  async item(index: number): Promise<Uint8Array> {
    const range = this.#scanner.range(index);
    if (range === undefined) throw new RangeError(`the array has no item ${index}`);
    refuseLargeValue(`Item ${index} of the array`, range.end - range.begin, SMALLER);
    const block =
      this.#block !== null && holds(this.#block, range) ? this.#block : this.#fetch(index, range);
    this.#block = block;
    return (await block.bytes).subarray(range.begin - block.begin, range.end - block.begin);
  }

  /** Fetches this item and the following ones that fit a block: items are mostly read in order. */
  #fetch(index: number, { begin, end }: Range): Block {
    let last = end;
    for (let next = index + 1; ; next += 1) {
      const range = this.#scanner.range(next);
      if (range === undefined || range.end - begin > BLOCK_BYTES) break;
      last = range.end;
    }
    return { begin, end: last, bytes: this.#read(begin, last) };
  }
}

interface Range {
  readonly begin: number;
  readonly end: number;
}

interface Block extends Range {
  readonly bytes: Promise<Uint8Array>;
}

function holds(block: Range, range: Range): boolean {
  return range.begin >= block.begin && range.end <= block.end;
}
