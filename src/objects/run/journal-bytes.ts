/**
 * Collects the bytes that a commit stores beside its journal entry, and assigns a place to each
 * piece. A row of an object holds at most 2 MB; more bytes go to `data` rows in front of the entry.
 */
import { concatenate } from "../../payloads/chunks.ts";
const ROW_BYTES = 1_500_000;

/** Place of bytes in the journal: a row and an offset in its data. */
export interface BytesPlace {
  readonly seq: number;
  readonly offset: number;
}

export class JournalBytes {
  readonly #firstSeq: number;
  readonly #rows: Uint8Array[][] = [[]];
  #rowSize = 0;

  constructor(firstSeq: number) {
    this.#firstSeq = firstSeq;
  }

  /** Returns the place of the bytes after the commit. A piece never spans two rows. */
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

  /**
   * Returns the data of each row, in order. The last may share the entry's row, and is null if
   * empty.
   */
  rows(): (Uint8Array | null)[] {
    return this.#rows.map((pieces) => (pieces.length === 0 ? null : concatenate(pieces)));
  }
}
