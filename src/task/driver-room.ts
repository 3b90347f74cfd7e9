/**
 * How many drivers that this isolate has begun in accepting invocations may be at work: where there is room a run begins at once, without
 * a message; what there is no room for waits in the queue, whose consumers are begun wherever the platform has room.
 */
export class DriverRoom {
  readonly #size: number;
  #taken = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** Takes a place; what it returns gives it back, once. Null: there is none. */
  take(): (() => void) | null {
    if (this.#taken >= this.#size) return null;
    this.#taken += 1;
    let isTaken = true;
    return () => {
      if (isTaken) this.#taken -= 1;
      isTaken = false;
    };
  }
}
