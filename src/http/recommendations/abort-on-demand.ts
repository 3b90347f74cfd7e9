/**
 * An abort signal that is made when a component first asks for the signal. Most components never
 * do, and on workerd a signal costs more than the rest of a component's context.
 */
export class AbortOnDemand {
  #controller: AbortController | null = null;
  #reason: Error | null = null;

  /** The signal, always the same one; aborted if `abort` was called before. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#reason !== null) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Aborts the signal, whether the signal is made by now or later. */
  abort(reason: Error): void {
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}
