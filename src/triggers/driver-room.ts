/**
 * Limits the drivers that accepting invocations of this isolate may run. A run that gets a place
 * begins at once, without a message. Other runs wait in the queue, and the platform starts its
 * consumers wherever it has room.
 */
export class DriverRoom {
  readonly #size: number;
  #taken = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** Takes a place. Returns null if none is free. */
  take(): Place | null {
    if (this.#taken >= this.#size) return null;
    this.#taken += 1;
    return new Place(() => {
      this.#taken -= 1;
    });
  }
}

/** A place for one driver. Released once, by its driver or by a caller without a driver. */
export class Place {
  readonly #giveBack: () => void;
  #isFree = false;
  #isDriven = false;

  constructor(giveBack: () => void) {
    this.#giveBack = giveBack;
  }

  /** Holds the place until `work` has ended. Settles as `work` does. */
  async keepFor(work: Promise<void>): Promise<void> {
    this.#isDriven = true;
    try {
      await work;
    } finally {
      this.#free();
    }
  }

  /** Releases the place, unless a driver holds it. */
  leave(): void {
    if (!this.#isDriven) this.#free();
  }

  #free(): void {
    if (!this.#isFree) this.#giveBack();
    this.#isFree = true;
  }
}
