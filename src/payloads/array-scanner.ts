/**
 * Finds the items of a JSON array in its bytes, chunk by chunk, without a parse: begin and end of
 * each. The bytes must be valid JSON, like everything stored as JSON.
 */
const [QUOTE, BACKSLASH, COMMA, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [
  0x22, 0x5c, 0x2c, 0x5b, 0x5d, 0x7b, 0x7d,
];

export class ArrayScanner {
  /**
   * Begin of each item. An item ends at the comma before the next one, or at the end of the array.
   */
  readonly #begins: number[] = [];
  #end = 0;
  #at = 0;
  #depth = 0;
  #inText = false;
  #escaped = false;

  /** Scans the next bytes of the array. */
  push(chunk: Uint8Array): void {
    let at = 0;
    let backslash = -1;
    while (at < chunk.length) {
      if (this.#inText) {
        // Texts are most of the bytes: the runtime finds their end faster than a loop does.
        if (this.#escaped) {
          this.#escaped = false;
          at += 1;
          continue;
        }
        const quote = indexFrom(chunk, QUOTE, at);
        if (backslash < at) backslash = indexFrom(chunk, BACKSLASH, at);
        this.#escaped = backslash < quote;
        this.#inText = quote === chunk.length || this.#escaped;
        at = Math.min(quote, backslash) + 1;
      } else {
        this.#look(chunk[at] ?? 0, this.#at + at);
        at += 1;
      }
    }
    this.#at += chunk.length;
  }

  /** Byte range of this item, with the white space around it; undefined without such an item. */
  range(index: number): { readonly begin: number; readonly end: number } | undefined {
    const begin = this.#begins[index];
    if (begin === undefined) return undefined;
    const next = this.#begins[index + 1];
    return { begin, end: next === undefined ? this.#end : next - 1 };
  }

  #look(byte: number, at: number): void {
    switch (byte) {
      case QUOTE:
        this.#inText = true;
        break;
      case OPEN_LIST:
      case OPEN_OBJECT:
        this.#depth += 1;
        if (this.#depth === 1) this.#begins.push(at + 1);
        break;
      case CLOSE_LIST:
      case CLOSE_OBJECT:
        this.#depth -= 1;
        if (this.#depth === 0) this.#end = at;
        break;
      case COMMA:
        if (this.#depth === 1) this.#begins.push(at + 1);
        break;
      default:
    }
  }
}

/** Index of the next such byte; the length without one. */
function indexFrom(chunk: Uint8Array, byte: number, at: number): number {
  const index = chunk.indexOf(byte, at);
  return index === -1 ? chunk.length : index;
}
