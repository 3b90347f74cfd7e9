/**
 * Limits the number of concurrent calls, in order of arrival. An invocation has six connections
 * that may wait for an answer, including its callees: of a thousand concurrent calls the last ones
 * would reach their time limit in the queue for a connection.
 *
 * A failed try of a call holds up the calls that wait for its place: their listeners hear of it too
 * (`hearingFailures`).
 */
import { failureListener, hearingFailures } from "./calls.ts";

export class AtOnce {
  readonly #most: number;
  #underWay = 0;
  readonly #waiting: { readonly begin: () => void; readonly heard: () => void }[] = [];
  /** Running work with a call to be retried. */
  readonly #failing = new Set<() => unknown>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Runs the work in its turn. Resolves and rejects like the work. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const heard = failureListener();
    if (this.#underWay < this.#most) this.#underWay += 1;
    else await this.#turn(heard);
    const failed = (): void => {
      heard();
      this.#failing.add(work);
      for (const one of this.#waiting) one.heard();
    };
    try {
      return await hearingFailures(failed, work);
    } finally {
      this.#failing.delete(work);
      // Hands the place to the next call, if any.
      const next = this.#waiting.shift();
      if (next === undefined) this.#underWay -= 1;
      else next.begin();
    }
  }

  /**
   * Resolves when a place is free. A caller that comes between two tries of a failing call waits
   * for that call.
   */
  #turn(heard: () => void): Promise<void> {
    if (this.#failing.size > 0) heard();
    return new Promise((begin) => this.#waiting.push({ begin, heard }));
  }
}
