/** The lifetime of an invocation, beyond its answer. */
export interface Lifetime {
  waitUntil(promise: Promise<unknown>): void;
  /** Remaining milliseconds, if the invocation is already under way (a task that triggers). */
  budgetMs?(): number;
}
