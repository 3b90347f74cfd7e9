/**
 * A long text in JSON, written slice by slice. V8 holds ten megabytes of text as twenty if one
 * letter is beyond Latin-1, and their JSON as twenty more.
 */

/**
 * Length of a slice in letters. V8 keeps strings up to this length in its young generation, which
 * is collected before memory grows.
 */
const SLICE_LENGTH = 16_384;

/**
 * Characters that JSON escapes, including lone surrogates. A slice without any is written without a
 * copy.
 */
const ESCAPED = /[^ !#-[\]-\ud7ff\ue000-\uffff]/;

export function isLong(text: string): boolean {
  return text.length > SLICE_LENGTH;
}

export class LongText {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /**
   * Slices of the JSON text. No slice ends between the halves of a surrogate pair, which would be
   * escaped as lone ones.
   */
  *slices(): Generator<string, undefined> {
    const text = this.#text;
    yield '"';
    for (let from = 0; from < text.length;) {
      const end = from + SLICE_LENGTH;
      const to = isFirstHalf(text.charCodeAt(end - 1)) ? end - 1 : end;
      const slice = text.slice(from, to);
      yield ESCAPED.test(slice) ? JSON.stringify(slice).slice(1, -1) : slice;
      from = to;
    }
    yield '"';
  }

  /** The JSON text as a whole. */
  toString(): string {
    return JSON.stringify(this.#text);
  }
}

function isFirstHalf(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
