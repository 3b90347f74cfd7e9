/** Something that runs and may die at any await: a driver, a consumer, a client, one life of an object. */
import { DRIVER_BUDGET_MS } from "../../src/task/driver.ts";
import type { Ground } from "../engine-simulation/ground/ground.ts";
import { copied } from "./plain-data.ts";

/** The surroundings failed, not the call: what `isPassing` of `platform/calls.ts` recognises. */
export class PassingError extends Error {
  constructor(message: string) {
    // It is thrown often, and nobody reads from where: to find that out took longer than the call that it ends.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** R2 kept failing: what `PayloadStoreError` of `payload/r2-calls.ts` stands for. */
export class StoreError extends Error {}

export class Invocation {
  alive = true;
  /** How often the surroundings have failed it so far. */
  failures = 0;
  /** What it has for tasks of a run that it triggers with `dispatch: direct`. */
  budgetMs = DRIVER_BUDGET_MS;
  readonly ground: Ground;
  readonly name: string;
  readonly #endsAt: number;
  readonly #onDeath: () => void;

  constructor(ground: Ground, name: string, lifeMs = Number.POSITIVE_INFINITY, onDeath: () => void = () => {}) {
    this.ground = ground;
    this.name = name;
    this.#endsAt = ground.scheduler.now + lifeMs;
    this.#onDeath = onDeath;
  }

  /** Every await of an invocation: resolves after that time, or never, if it is dead by then. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.ground.scheduler.after(ms, () => {
        if (!this.alive) return;
        if (this.ground.scheduler.now > this.#endsAt) this.kill("its time is over");
        else if (this.ground.strikes("crash", () => this.name)) this.kill("crash");
        else resolve();
      });
    });
  }

  /** A timer that the invocation itself set: nothing strikes here. */
  timer(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.ground.scheduler.after(ms, () => {
        if (this.alive) resolve();
      });
    });
  }

  kill(why: string): void {
    if (!this.alive) return;
    this.alive = false;
    this.ground.tell(() => `${this.name} dies: ${why}`);
    this.#onDeath();
  }

  /** Calls something remote. `arrive` is what happens there; the call, or its answer, may get lost. Arguments and answers are copied. */
  async call<T>(what: string, arrive: () => T): Promise<T> {
    const { ground } = this;
    await this.pause(ground.dice.between(1, 8));
    if (ground.strikes("call_lost", () => `${this.name}: ${what}`)) throw new PassingError("Network connection lost");
    const answer = copied(arrive());
    await this.pause(ground.dice.between(1, 8));
    if (ground.strikes("answer_lost", () => `${this.name}: ${what}`)) throw new PassingError("Network connection lost");
    return answer;
  }

  /** Tries again while the surroundings fail, with these pauses; then gives the last error on. */
  async retrying<T>(
    pausesMs: readonly number[],
    attempt: () => Promise<T>,
    onFailure?: () => Promise<void>,
  ): Promise<T> {
    for (const pauseMs of pausesMs) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof PassingError)) throw error;
        this.failures += 1;
        await onFailure?.();
        await this.pause(pauseMs * (0.5 + this.ground.dice.next() / 2));
      }
    }
    return attempt();
  }
}
