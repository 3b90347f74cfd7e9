/** Does what a poison item would do to its worker: whenever one runs, the whole runtime is killed a moment later. */
import type { Dice } from "./dice.ts";
import type { Stage } from "./stage.ts";

const MAX_DELAY_MS = 300;

export class Poison {
  /** Starts that failed, in words. */
  readonly faults: string[] = [];
  readonly #stage: Stage;
  readonly #dice: Dice;
  readonly #signal: AbortSignal;

  constructor(stage: Stage, dice: Dice, signal: AbortSignal) {
    this.#stage = stage;
    this.#dice = dice;
    this.#signal = signal;
  }

  /** An attempt of a poison item has begun. Nothing is killed twice for it: by then another kill may have taken it. */
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
