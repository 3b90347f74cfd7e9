/**
 * Acts for poison items: whenever one runs, the whole runtime is killed a moment later, as if the
 * item had killed its worker.
 */
import type { Prng } from "./prng.ts";
import type { RuntimeFixture } from "./fixture.ts";

const MAX_DELAY_MS = 300;

export class Poison {
  /** Failed starts, in words. */
  readonly faults: string[] = [];
  readonly #fixture: RuntimeFixture;
  readonly #prng: Prng;
  readonly #signal: AbortSignal;

  constructor(fixture: RuntimeFixture, prng: Prng, signal: AbortSignal) {
    this.#fixture = fixture;
    this.#prng = prng;
    this.#signal = signal;
  }

  /**
   * An attempt of a poison item has begun. Each report kills at most once: another kill may have
   * taken the attempt by then.
   */
  strikes(): void {
    const { readyAt } = this.#fixture;
    setTimeout(
      () => {
        if (this.#signal.aborted || !this.#fixture.isUp || this.#fixture.readyAt !== readyAt)
          return;
        this.#fixture
          .killAndRestart("poison")
          .catch((error: unknown) => this.faults.push(String(error)));
      },
      this.#prng.between(0, MAX_DELAY_MS),
    );
  }
}
