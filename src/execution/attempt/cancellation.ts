import type { AttemptOutcome } from "../../objects/run/settlement-rpc.ts";

/**
 * Cancellation of an attempt, as its method may see it. The `AbortSignal` is created on first
 * access: few tasks read it, and creating and aborting a signal for each attempt cost a fifth of
 * the worker's time in a long chain.
 */
export class AttemptCancellation {
  #reason: (() => Error) | null = null;
  #controller: AbortController | null = null;
  #settle: ((outcome: AttemptOutcome) => void) | null = null;

  get isCancelled(): boolean {
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
  throwIfCancelled(): void {
    if (this.#reason !== null) throw this.#reason();
  }

  /** Registers the callback that settles the attempt before its method has returned. */
  onSettled(settle: (outcome: AttemptOutcome) => void): void {
    this.#settle = settle;
  }

  /** Cancels the attempt and settles it with `outcome`, even if its method is still running. */
  cancelWith(reason: () => Error, outcome: AttemptOutcome): void {
    if (this.#reason !== null) return;
    this.cancel(reason);
    this.settle(outcome);
  }

  /**
   * Settles the attempt without waiting for its method. Does nothing if the attempt is settled
   * already.
   */
  settle(outcome: AttemptOutcome): void {
    this.#settle?.(outcome);
  }

  /** Cancels the attempt. Only the first reason counts. */
  cancel(reason: () => Error): void {
    if (this.#reason !== null) return;
    this.#reason = reason;
    this.#controller?.abort(reason());
  }
}
