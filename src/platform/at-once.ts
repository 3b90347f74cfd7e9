/**
 * Lets only so many pieces of work be under way, in the order in which they came. An invocation has six connections that may wait for an
 * answer, its callees included: a thousand calls made together stand in line for them, and the limit of time of the last ones would
 * be over before they are made.
 */
export class AtOnce {
  readonly #most: number;
  #underWay = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** Does the work when it is its turn. Resolves and rejects as that does. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#underWay < this.#most) this.#underWay += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      // Its place goes to the next one, if there is one.
      const next = this.#waiting.shift();
      if (next === undefined) this.#underWay -= 1;
      else next();
    }
  }
}
