/**
 * Acts for poison items: whenever one runs, the whole runtime is killed a moment later, as if the
 * item had killed its worker.
 */
import type { Dice } from "./dice.ts";
import type { Stage } from "./stage.ts";

const MAX_DELAY_MS = 300;

export class Poison {
  /** Failed starts, in words. */
  readonly faults: string[] = [];
  readonly #stage: Stage;
  readonly #dice: Dice;
  readonly #signal: AbortSignal;

  constructor(stage: Stage, dice: Dice, signal: AbortSignal) {
    this.#stage = stage;
    this.#dice = dice;
    this.#signal = signal;
  }

  /**
   * An attempt of a poison item has begun. Each report kills at most once: another kill may have
   * taken the attempt by then.
   */
  strikes(): void {
    const { readyAt } = this.#stage;
    setTimeout(
      () => {
        if (this.#signal.aborted || !this.#stage.isUp || this.#stage.readyAt !== readyAt) return;
        this.#stage
          .killAndRestart("poison")
          .catch((error: unknown) => this.faults.push(String(error)));
      },
      this.#dice.between(0, MAX_DELAY_MS),
    );
  }
}
