import { hearingFailures } from "../../platform/calls.ts";

/**
 * Failures of the infrastructure while an attempt reads what it is given and stores what it passes.
 * The time they take is not the method's.
 */
export class Hindrance {
  #wasFelt = false;

  get wasFelt(): boolean {
    return this.#wasFelt;
  }

  /** Runs `work` of Peach's own for the attempt. */
  during<T>(work: () => T): T {
    return hearingFailures(() => (this.#wasFelt = true), work);
  }
}
