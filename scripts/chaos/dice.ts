/** Randomness that is the same for the same seed (Tommy Ettinger's mulberry32). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0, below 1. */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** From `low`, below `high`; a whole number. */
  between(low: number, high: number): number {
    return low + Math.floor(this.fraction() * (high - low));
  }

  /** True in this share of the throws. */
  chance(share: number): boolean {
    return this.fraction() < share;
  }
}
