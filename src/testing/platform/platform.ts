/**
 * The simulated platform under the worker: a loop of events. An event resumes a life until the life
 * waits for the platform again. After the event the writes of objects are committed, or lost with
 * the object.
 */
import { Dice } from "../ground/dice.ts";
import type { Ground } from "../ground/ground.ts";

/** An object with uncommitted writes. Ending the turn commits the writes. */
export interface Committer {
  endTurn(): void;
}

/** A unit of running code that may die (see life.ts). */
export interface Running {
  readonly alive: boolean;
  readonly name: string;
  readonly isolate: {
    readonly name: string;
    readonly alive: boolean;
    enter(): void;
    crash(): void;
  };
  now(): number;
  /** Registers a callback for an early end. */
  onDeath(then: () => void): void;
  kill(why: string): void;
}

export class Platform {
  readonly ground: Ground;
  #current: Running | null = null;
  /** True once the code of the present event can run no further. */
  #endsTurns = false;
  /** Random numbers of the worker: ids, jitter. */
  readonly random: Dice;
  /** Random numbers for durations. */
  readonly dice: Dice;
  /** Receives the errors that called methods of the worker throw. */
  thrown: (life: Running, method: string, thrown: unknown) => void = () => {};
  readonly #turns = new Set<Committer>();
  readonly #timers = new Map<number, () => void>();
  #timersMade = 0;

  /** `dice` draws durations. Default: the dice of the seed. */
  constructor(
    ground: Ground,
    seed: number,
    dice: Dice = new Dice(seed).fork("how long things take"),
  ) {
    this.ground = ground;
    this.random = new Dice(seed).fork("the worker's own");
    this.dice = dice;
  }

  /** The shortest duration on the platform, in milliseconds. */
  tickMs = 1;

  /** Receives each promise of the platform that code starts to await; null: no counting. */
  waits: ((promise: Promise<unknown>) => void) | null = null;

  /** Returns the life of the code that runs between two events, after it has waited elsewhere. */
  elsewhere: () => Running | null = () => null;

  /** Marks a promise as awaited by the running code, and returns the promise. */
  waiting<T>(promise: Promise<T>): Promise<T> {
    this.waits?.(promise);
    return promise;
  }

  /** The life whose code is running. */
  get current(): Running | null {
    return this.#current ?? this.elsewhere();
  }

  set current(life: Running | null) {
    // The code would continue in the next event, in a different life.
    if (life !== null && this.#endsTurns)
      throw new Error(`${life.name} begins to run between two events`);
    this.#current = life;
    life?.isolate.enter();
  }

  /** Schedules work for a life that is still alive then. No fault strikes. */
  after(life: Running | null, ms: number, happen: () => void): () => void {
    return this.ground.scheduler.after(ms, () => {
      if (life !== null && !life.alive) return;
      this.current = life;
      happen();
    });
  }

  /** Resumes a life after an external wait. A fault may end the life at this moment. */
  resume(life: Running, ms: number, happen: () => void): void {
    this.after(life, ms, () => {
      const { ground } = this;
      if (ground.strikes("isolate_crash", () => `${life.isolate.name}, by ${life.name}`))
        life.isolate.crash();
      else if (ground.strikes("crash", () => life.name)) life.kill("crash");
      else happen();
    });
  }

  /** Draws the time of a way over the network, in milliseconds. */
  hop(): number {
    return this.dice.between(1, 8);
  }

  /** Registers an object whose turn ends with the present event. */
  takesTurn(committer: Committer): void {
    this.#turns.add(committer);
  }

  /**
   * Runs events until none is left, until `limit` events have run, or until `afterEach` stops the
   * loop.
   */
  run(limit: number, afterEach: () => boolean | Promise<boolean>, until?: number): Promise<number> {
    return this.ground.scheduler.run(
      limit,
      () => {
        this.endTurns();
        return afterEach();
      },
      until,
    );
  }

  /** Commits the writes of all turns. */
  endTurns(): void {
    this.current = null;
    this.#endsTurns = true;
    for (const committer of this.#turns) {
      this.#turns.delete(committer);
      committer.endTurn();
    }
    this.#endsTurns = false;
  }

  /** `setTimeout` and `setInterval` of the running life. */
  setTimer(
    work: () => void,
    ms: number,
    everyMs: number | null,
    life: Running | null = this.current,
  ): number {
    const id = ++this.#timersMade;
    // A test that inspects an object from outside has no life, and no timer.
    if (life !== null)
      this.#armTimer(id, life, Math.max(0, Number.isFinite(ms) ? ms : 0), everyMs, work);
    return id;
  }

  clearTimer(id: unknown): void {
    if (typeof id !== "number") return;
    this.#timers.get(id)?.();
    this.#timers.delete(id);
  }

  #armTimer(id: number, life: Running, ms: number, everyMs: number | null, work: () => void): void {
    const callOff = this.after(life, ms, () => {
      if (everyMs === null) this.#timers.delete(id);
      else this.#armTimer(id, life, everyMs, everyMs, work);
      work();
    });
    this.#timers.set(id, callOff);
  }
}
