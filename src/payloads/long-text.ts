/**
 * A long text in JSON, written slice by slice as it is read: V8 holds ten megabytes of it as twenty if one letter is beyond Latin-1, and
 * their JSON as twenty more.
 */

/** Letters. V8 keeps what is no longer in its young generation, which it sweeps before memory grows. */
const SLICE_LENGTH = 16_384;

/** What JSON writes as an escape, halves of letters too: all but what stands for itself. A slice without any is written with no copy. */
const ESCAPED = /[^ !#-[\]-\ud7ff\ue000-\uffff]/;

export function isLong(text: string): boolean {
  return text.length > SLICE_LENGTH;
}

export class LongText {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** Its JSON in parts. No letter of two halves is cut, which would be escaped as what has no other half. */
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

  /** Its JSON as one. */
  toString(): string {
    return JSON.stringify(this.#text);
  }
}

function isFirstHalf(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
