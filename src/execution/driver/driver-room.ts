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

  /** Takes a place; null: there is none. */
  take(): Place | null {
    if (this.#taken >= this.#size) return null;
    this.#taken += 1;
    return new Place(() => {
      this.#taken -= 1;
    });
  }
}

/** A place for one driver. It is given back once, by its driver or by whoever needs none. */
export class Place {
  readonly #giveBack: () => void;
  #isFree = false;
  #isDriven = false;

  constructor(giveBack: () => void) {
    this.#giveBack = giveBack;
  }

  /** A driver has it until its work has ended. Resolves or rejects as that does. */
  async keepFor(work: Promise<void>): Promise<void> {
    this.#isDriven = true;
    try {
      await work;
    } finally {
      this.#free();
    }
  }

  /** Gives it back, unless a driver has it. */
  leave(): void {
    if (!this.#isDriven) this.#free();
  }

  #free(): void {
    if (!this.#isFree) this.#giveBack();
    this.#isFree = true;
  }
}
