import type { AttemptOutcome } from "../../objects/run/run-rpc.ts";

/**
 * The end of an attempt, as its method may see it. The signal is made when somebody asks for it: few tasks do, and making and
 * aborting one for each attempt cost a fifth of the worker's time in a long chain.
 */
export class AttemptEnd {
  #reason: (() => Error) | null = null;
  #controller: AbortController | null = null;
  #conclude: ((outcome: AttemptOutcome) => void) | null = null;

  get hasCome(): boolean {
    return this.#reason !== null;
  }

  /** Aborted once the attempt has ended, also for those who ask after that. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#reason !== null) this.#controller.abort(this.#reason());
    }
    return this.#controller.signal;
  }

  /** Throws the reason of an end that has come. */
  throwIfCome(): void {
    if (this.#reason !== null) throw this.#reason();
  }

  /** Who is told when the attempt ends before its method does. */
  onForced(conclude: (outcome: AttemptOutcome) => void): void {
    this.#conclude = conclude;
  }

  /** Ends the attempt with this outcome, whatever its method still does. */
  force(reason: () => Error, outcome: AttemptOutcome): void {
    if (this.#reason !== null) return;
    this.come(reason);
    this.conclude(outcome);
  }

  /** Does not wait for the method any more, if it has not ended. */
  conclude(outcome: AttemptOutcome): void {
    this.#conclude?.(outcome);
  }

  /** Only the first reason counts. */
  come(reason: () => Error): void {
    if (this.#reason !== null) return;
    this.#reason = reason;
    this.#controller?.abort(reason());
  }
}
