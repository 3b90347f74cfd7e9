/** The best of many ranks, in bounded memory. */

/** Keeps the greatest of many numbers, in a heap with the least of the kept numbers at the root. */
export class GreatestNumbers {
  readonly #heap: Float64Array;
  #size = 0;

  constructor(most: number) {
    this.#heap = new Float64Array(most);
  }

  /** The least of the kept numbers; minus infinity while there is room for any number. */
  get threshold(): number {
    return this.#size < this.#heap.length
      ? Number.NEGATIVE_INFINITY
      : (this.#heap[0] ?? Number.POSITIVE_INFINITY);
  }

  /** Adds a number, in place of the least kept number if all places are taken. */
  add(value: number): void {
    const heap = this.#heap;
    if (this.#size < heap.length) {
      let at = this.#size;
      this.#size += 1;
      while (at > 0) {
        const above = (at - 1) >> 1;
        const higher = heap[above] ?? 0;
        if (higher <= value) break;
        heap[at] = higher;
        at = above;
      }
      heap[at] = value;
      return;
    }
    if (value <= (heap[0] ?? 0)) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const less = right < heap.length && (heap[right] ?? 0) < (heap[left] ?? 0) ? right : left;
      const lower = heap[less] ?? 0;
      if (lower >= value) break;
      heap[at] = lower;
      at = less;
    }
    heap[at] = value;
  }
}

/** A vector among the best so far. */
export interface Match {
  readonly id: string;
  readonly rank: number;
  readonly score: number;
  /** The slot of the vector in its index. */
  readonly slot: number;
}

/** The best matches: by rank, and by id where ranks are equal. */
export class BestMatches {
  readonly #most: number;
  #matches: Match[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** The rank below which no vector is among the best. */
  get threshold(): number {
    return this.#matches.length < this.#most
      ? Number.NEGATIVE_INFINITY
      : (this.#matches.at(-1)?.rank ?? Number.POSITIVE_INFINITY);
  }

  /** Adds a match, unless all places are taken by better matches. */
  add(match: Match): void {
    const matches = this.#matches;
    const last = matches.at(-1);
    if (matches.length === this.#most && (last === undefined || !isBefore(match, last))) return;
    let [low, high] = [0, matches.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = matches[middle];
      if (other !== undefined && isBefore(other, match)) low = middle + 1;
      else high = middle;
    }
    matches.splice(low, 0, match);
    if (matches.length > this.#most) matches.pop();
  }

  /** The matches, the best first. */
  get all(): readonly Match[] {
    return this.#matches;
  }
}

function isBefore(one: Match, other: Match): boolean {
  return one.rank === other.rank ? one.id < other.id : one.rank > other.rank;
}
