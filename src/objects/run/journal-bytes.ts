/**
 * Collects the bytes that a commit stores beside its journal entry, and says where each will lie. A row of an object holds at
 * most 2 MB, so bytes beyond that go to `data` rows in front of the entry.
 */
const ROW_BYTES = 1_500_000;

export interface BytesPlace {
  readonly seq: number;
  readonly offset: number;
}

export class Packer {
  readonly #firstSeq: number;
  readonly #rows: Uint8Array[][] = [[]];
  #rowSize = 0;

  constructor(firstSeq: number) {
    this.#firstSeq = firstSeq;
  }

  /** Where the bytes will lie once committed. One piece never spans two rows. */
  place(bytes: Uint8Array): BytesPlace {
    if (this.#rowSize > 0 && this.#rowSize + bytes.length > ROW_BYTES) {
      this.#rows.push([]);
      this.#rowSize = 0;
    }
    const offset = this.#rowSize;
    this.#rows.at(-1)?.push(bytes);
    this.#rowSize += bytes.length;
    return { seq: this.#firstSeq + this.#rows.length - 1, offset };
  }

  /** The data of each row, in order; the last may lie in the entry's own row, and is null if it is empty. */
  rows(): (Uint8Array | null)[] {
    return this.#rows.map((pieces) => (pieces.length === 0 ? null : concatenate(pieces)));
  }
}

function concatenate(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces;
  if (only !== undefined && pieces.length === 1) return only;
  const joined = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    joined.set(piece, offset);
    offset += piece.length;
  }
  return joined;
}
