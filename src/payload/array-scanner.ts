/**
 * Finds the items of a JSON array in its bytes, chunk by chunk, without parsing them: where each begins and ends. The bytes must be
 * valid JSON, as everything is that was stored as such.
 */
const [QUOTE, BACKSLASH, COMMA, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [
  0x22, 0x5c, 0x2c, 0x5b, 0x5d, 0x7b, 0x7d,
];

export class ArrayScanner {
  /** Where the items begin; the end of each is the comma before the next one, or the end of the array. */
  readonly #begins: number[] = [];
  #end = 0;
  #at = 0;
  #depth = 0;
  #inText = false;
  #escaped = false;

  /** The next bytes of the array. */
  push(chunk: Uint8Array): void {
    for (const byte of chunk) {
      if (this.#inText) this.#goOnInText(byte);
      else this.#look(byte);
      this.#at += 1;
    }
  }

  /** Bytes from `begin` to `end` hold this item, with the white space around it; undefined: there is none. */
  range(index: number): { readonly begin: number; readonly end: number } | undefined {
    const begin = this.#begins[index];
    if (begin === undefined) return undefined;
    const next = this.#begins[index + 1];
    return { begin, end: next === undefined ? this.#end : next - 1 };
  }

  #goOnInText(byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === BACKSLASH) this.#escaped = true;
    else if (byte === QUOTE) this.#inText = false;
  }

  #look(byte: number): void {
    switch (byte) {
      case QUOTE:
        this.#inText = true;
        break;
      case OPEN_LIST:
      case OPEN_OBJECT:
        this.#depth += 1;
        if (this.#depth === 1) this.#begins.push(this.#at + 1);
        break;
      case CLOSE_LIST:
      case CLOSE_OBJECT:
        this.#depth -= 1;
        if (this.#depth === 0) this.#end = this.#at;
        break;
      case COMMA:
        if (this.#depth === 1) this.#begins.push(this.#at + 1);
        break;
      default:
    }
  }
}
