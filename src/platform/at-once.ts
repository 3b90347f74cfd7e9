/**
 * Limits the number of concurrent calls, in order of arrival. An invocation has six connections
 * that may wait for an answer, including its callees: of a thousand concurrent calls the last ones
 * would reach their time limit in the queue for a connection.
 */
export class AtOnce {
  readonly #most: number;
  #underWay = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** Runs the work in its turn. Resolves and rejects like the work. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#underWay < this.#most) this.#underWay += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      // Hands the place to the next call, if any.
      const next = this.#waiting.shift();
      if (next === undefined) this.#underWay -= 1;
      else next();
    }
  }
}
