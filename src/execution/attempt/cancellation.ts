import type { AttemptOutcome } from "../../objects/run/settlement-rpc.ts";

/**
 * Cancellation of an attempt, as its method may see it. The `AbortSignal` is created on first
 * access: few tasks read it, and creating and aborting a signal for each attempt cost a fifth of
 * the worker's time in a long chain.
 */
export class AttemptEnd {
  #reason: (() => Error) | null = null;
  #controller: AbortController | null = null;
  #conclude: ((outcome: AttemptOutcome) => void) | null = null;

  get hasCome(): boolean {
    return this.#reason !== null;
  }

  /** The attempt's signal. Already aborted if the attempt has ended before the first access. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#reason !== null) this.#controller.abort(this.#reason());
    }
    return this.#controller.signal;
  }

  /** Throws the reason if the attempt is cancelled. */
  throwIfCome(): void {
    if (this.#reason !== null) throw this.#reason();
  }

  /** Registers the callback that settles the attempt before its method has returned. */
  onForced(conclude: (outcome: AttemptOutcome) => void): void {
    this.#conclude = conclude;
  }

  /** Cancels the attempt and settles it with `outcome`, even if its method is still running. */
  force(reason: () => Error, outcome: AttemptOutcome): void {
    if (this.#reason !== null) return;
    this.come(reason);
    this.conclude(outcome);
  }

  /**
   * Settles the attempt without waiting for its method. Does nothing if the attempt is settled
   * already.
   */
  conclude(outcome: AttemptOutcome): void {
    this.#conclude?.(outcome);
  }

  /** Cancels the attempt. Only the first reason counts. */
  come(reason: () => Error): void {
    if (this.#reason !== null) return;
    this.#reason = reason;
    this.#controller?.abort(reason());
  }
}
