/** The object that knows of deaths, as executor objects and runs reach it: the real store behind calls that may be lost. */
import type { RunId } from "../../src/core/ids.ts";
import { askTrial, strikeOff, type Docket, type Trial } from "../../src/core/trials.ts";
import { DeathsStore } from "../../src/deaths/store.ts";
import type { ExecutorOrder, Verdict } from "../../src/task/executor-protocol.ts";
import type { Ground } from "../engine-simulation/ground/ground.ts";
import { PassingError, type Invocation } from "./invocation.ts";
import { MemoryStorage } from "../support/journal-storage.ts";

const CALL_PAUSES_MS = [100, 500];

interface Death {
  readonly attempt: number;
  readonly begunAt: number;
}

export class DeathsHost {
  readonly #ground: Ground;
  #docket: Docket = [];
  readonly #store = new DeathsStore(new MemoryStorage(async () => {}));

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  /** The world is at rest. What is known of deaths goes an hour later, all of it. */
  atRest(): void {
    void this.#store.deleteAll();
    this.#docket = [];
  }

  /** As `noteDeath`: it resolves always, unless who calls dies. */
  async note(
    from: Invocation,
    runId: RunId,
    ordinal: number | null,
    attempt: number,
    ageMs: number,
  ): Promise<readonly number[]> {
    const victim = victimOf(runId, ordinal);
    const told = await this.#asked(from, `note a death of ${runId}`, () => {
      const now = this.#ground.wall();
      this.#store.note(victim, attempt, now - Math.max(0, ageMs), now);
      this.#docket = strikeOff(this.#docket, victim);
      return this.#store.sole(victim);
    });
    return told ?? [];
  }

  /** As an executor object says that its attempt has died. */
  async died(from: Invocation, { runId, ordinal }: ExecutorOrder, { attempt, begunAt }: Death): Promise<Verdict> {
    const sole = await this.note(from, runId, ordinal, attempt, this.#ground.wall() - begunAt);
    const victim = victimOf(runId, ordinal);
    const explained = await this.#asked(from, `explain deaths of ${runId}`, () => this.#store.explained(victim));
    return { sole, explained: explained ?? [] };
  }

  /** As `askForTrial`. */
  async askTrial(from: Invocation, runId: RunId, ordinal: number, trial: Trial): Promise<boolean | null> {
    return this.#asked(from, `a trial for ${runId}`, () => {
      const asked = askTrial(this.#docket, victimOf(runId, ordinal), trial, this.#ground.wall());
      this.#docket = asked.docket;
      return asked.mayBegin;
    });
  }

  /** As `endTrial`. */
  async trialOver(from: Invocation, runId: RunId, ordinal: number): Promise<void> {
    await this.#asked(from, `the end of a trial of ${runId}`, () => {
      this.#docket = strikeOff(this.#docket, victimOf(runId, ordinal));
    });
  }

  async #asked<T>(from: Invocation, what: string, work: () => T): Promise<T | null> {
    try {
      return await from.retrying(CALL_PAUSES_MS, () => from.call(what, work));
    } catch (error) {
      if (!(error instanceof PassingError)) throw error;
      return null;
    }
  }
}

function victimOf(runId: RunId, ordinal: number | null): string {
  return `${runId}/${ordinal ?? "drivers"}`.padEnd(64).slice(-64);
}
