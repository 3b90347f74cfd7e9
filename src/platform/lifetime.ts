/** The lifetime of an invocation, and work that it lives for. */
import { log } from "./log.ts";

/** The lifetime of an invocation, beyond its answer. */
export interface Lifetime {
  waitUntil(promise: Promise<unknown>): void;
  /** Remaining milliseconds, if the invocation is already under way (a task that triggers). */
  budgetMs?(): number;
}

/**
 * Work in the background of an attempt, for whose end its invocation waits by itself. A failure is
 * logged when it comes: a promise that rejects while nobody awaits it is an unhandled rejection.
 */
export class BackgroundWork {
  readonly #work: Promise<void>[] = [];

  readonly waitUntil = (promise: Promise<unknown>): void => {
    this.#work.push(
      promise.then(
        () => undefined,
        (error: unknown) => log("error", "work in the background of an attempt failed", { error }),
      ),
    );
  };

  /** Resolves once all work has ended, including work that other work has added. Never rejects. */
  async ended(): Promise<void> {
    for (const one of this.#work) await one;
  }
}
