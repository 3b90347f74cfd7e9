/**
 * Reads the items of a JSON array in one pass, one after another. Only the bytes of the present
 * item are held, so an array of any size can be looked at.
 */
import { ArrayScanner } from "./array-scanner.ts";
import { joined } from "./chunks.ts";
import { parseJson } from "./cut-json.ts";
import { decodeUtf8 } from "./utf8.ts";
import { refuseLargeValue } from "./value-limit.ts";

/** The items of an array whose bytes come chunk by chunk. The bytes must be valid JSON. */
export class ArrayItems {
  readonly #scanner = new ArrayScanner();
  /** The bytes from the begin of the present item on. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  /** Place of the first held byte in the array. */
  #from = 0;
  #index = 0;

  /**
   * Takes the next bytes, and returns the values of the items that end in them. Throws a
   * `ProblemError` if an item is too large for a value.
   */
  push(chunk: Uint8Array): unknown[] {
    this.#scanner.push(chunk);
    // The sender may use the memory of a chunk again.
    this.#hold(this.#held.concat(chunk.slice()), this.#heldBytes + chunk.length);
    const found: unknown[] = [];
    if (this.#scanner.range(this.#index + 1) !== undefined) {
      const bytes = joined(this.#held);
      while (this.#scanner.range(this.#index + 1) !== undefined) found.push(this.#next(bytes));
      const { begin = 0 } = this.#scanner.range(this.#index) ?? {};
      const rest = bytes.slice(begin - this.#from);
      this.#hold([rest], rest.length);
      this.#from = begin;
    }
    refuseLargeValue(`Item ${this.#index} of the array`, this.#heldBytes);
    return found;
  }

  /** Returns the last item; none for an empty array. */
  end(): unknown[] {
    const range = this.#scanner.range(this.#index);
    if (range === undefined) return [];
    const bytes = joined(this.#held);
    const last = bytes.subarray(range.begin - this.#from, range.end - this.#from);
    return decodeUtf8(last).trim() === "" ? [] : [this.#next(bytes)];
  }

  #hold(held: Uint8Array[], bytes: number): void {
    this.#held = held;
    this.#heldBytes = bytes;
  }

  #next(bytes: Uint8Array): unknown {
    const { begin = 0, end = 0 } = this.#scanner.range(this.#index) ?? {};
    this.#index += 1;
    return parseJson(bytes.subarray(begin - this.#from, end - this.#from));
  }
}
