/**
 * The places of the items in large arrays, known to all drivers of an isolate. A driver has little
 * time, and to find the items of a large array may take most of it: a driver that comes after
 * another one begins with the items at once. A passed array never changes under its key, and only
 * places are kept, nothing of what the array holds.
 */
import type { ArrayScanner } from "./array-scanner.ts";

/** Arrays whose places are kept. Each item takes a few bytes, and a task has 10,000 at most. */
const MOST_ARRAYS = 16;

export class ArrayIndexes {
  readonly #scanned = new Map<string, ArrayScanner>();

  /** Returns the places in the array under this R2 key, if the whole array was scanned before. */
  get(key: string): ArrayScanner | undefined {
    return this.#scanned.get(key);
  }

  /** Keeps the places in a whole array. The oldest array is forgotten when there are too many. */
  keep(key: string, scanned: ArrayScanner): void {
    this.#scanned.delete(key);
    this.#scanned.set(key, scanned);
    const [oldest] = this.#scanned.keys();
    if (this.#scanned.size > MOST_ARRAYS && oldest !== undefined) this.#scanned.delete(oldest);
  }
}
