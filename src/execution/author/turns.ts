/**
 * Counts repetitions of the same operation. A number is given back after a failure, so that
 * repeating the operation uses the same number and not the next.
 */
export class Turns {
  readonly #counts = new Map<string, { next: number; readonly free: number[] }>();

  /** Takes the lowest free number of `thing`, from 0. */
  take(thing: string): number {
    const count = this.#counts.get(thing) ?? { next: 0, free: [] };
    this.#counts.set(thing, count);
    const lowest = count.free.reduce((least, number) => Math.min(least, number), count.next);
    if (lowest === count.next) count.next += 1;
    else count.free.splice(count.free.indexOf(lowest), 1);
    return lowest;
  }

  giveBack(thing: string, number: number): void {
    this.#counts.get(thing)?.free.push(number);
  }
}
