/**
 * Counts how often the same thing was done. A number is given back when the thing has failed: done again, it is the same one and not
 * the next.
 */
export class Turns {
  readonly #counts = new Map<string, { next: number; readonly free: number[] }>();

  /** The lowest number of this thing that nobody has, from 0. */
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
