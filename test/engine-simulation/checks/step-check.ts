/** Checks steps: every later attempt gets the result of a recorded step, however often it asks. */
import type { Ground } from "../../../src/testing/ground/ground.ts";
import type { Ledger } from "../ledger.ts";
import { placeName } from "../payloads.ts";
import type { TaskApi } from "../methods.ts";

export class StepCheck {
  readonly #ground: Ground;
  readonly #ledger: Ledger;

  constructor(ground: Ground, ledger: Ledger) {
    this.#ground = ground;
    this.#ledger = ledger;
  }

  /** What an attempt has got of its step. */
  read({ runId, name: task, item }: TaskApi, name: string, got: unknown): void {
    const place = placeName(task, item?.index ?? null);
    const key = `${runId}/${place}/${name}`;
    const text = typeof got === "string" ? got.replace(/x+$/, "") : String(got);
    const kept = this.#ledger.steps.get(key) ?? text;
    this.#ledger.steps.set(key, kept);
    if (kept !== text)
      this.#ground.violate("5 steps once", `${runId}: ${place} is given "${text}" as ${name}, it was "${kept}"`);
  }
}
