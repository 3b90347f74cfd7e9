/**
 * What an attempt or a call of an endpoint has opened for itself, such as a connection to Redis. A
 * socket belongs to the invocation that opened it, so none is kept for the next one. All is closed
 * with the invocation, however it ends.
 */

/** Closes one resource. Must not throw, and must not wait for an answer. */
export type Close = () => void;

export class OpenResources {
  readonly #open = new Set<Close>();
  #isOver = false;

  /**
   * Registers a resource that is about to be opened. Returns a function for a resource that has
   * ended by itself. Throws once the invocation is over: nothing would close the resource.
   */
  add(what: string, close: Close): () => void {
    if (this.#isOver)
      throw new Error(
        `${what} was used after its attempt or request had ended; await everything that uses it, and check task.signal before going on`,
      );
    this.#open.add(close);
    return () => void this.#open.delete(close);
  }

  /** Closes everything. Nothing can be opened afterwards. */
  close(): void {
    this.#isOver = true;
    for (const close of this.#open) close();
    this.#open.clear();
  }
}
