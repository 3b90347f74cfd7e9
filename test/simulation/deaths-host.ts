/** The object that knows of deaths, as executor objects and runs reach it: the real store behind calls that may be lost. */
import type { RunId } from "../../src/core/ids.ts";
import { DeathsStore } from "../../src/deaths/store.ts";
import type { Ground } from "../engine-simulation/ground/ground.ts";
import { PassingError, type Invocation } from "./invocation.ts";
import { MemoryStorage } from "../support/journal-storage.ts";

const CALL_PAUSES_MS = [100, 500];

export class DeathsHost {
  readonly #ground: Ground;
  readonly #store = new DeathsStore(new MemoryStorage(async () => {}));

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  /** The world is at rest. What is known of deaths goes an hour later, all of it. */
  atRest(): void {
    void this.#store.deleteAll();
  }

  /** As `noteDeath`: it resolves always, unless who calls dies. */
  async note(
    from: Invocation,
    runId: RunId,
    ordinal: number | null,
    attempt: number,
    ageMs: number,
  ): Promise<readonly number[]> {
    const victim = `${runId}/${ordinal ?? "drivers"}`.padEnd(64).slice(-64);
    try {
      return await from.retrying(CALL_PAUSES_MS, () =>
        from.call(`note a death of ${runId}`, () => {
          const now = this.#ground.wall();
          this.#store.note(victim, attempt, now - Math.max(0, ageMs), now);
          return this.#store.sole(victim);
        }),
      );
    } catch (error) {
      if (!(error instanceof PassingError)) throw error;
      return [];
    }
  }
}
