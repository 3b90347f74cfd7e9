/**
 * The platform that the worker of a simulated world runs on: one loop of events, each of which lets
 * one life go on until it waits for the platform again. After each event what objects have written
 * is committed, or lost with the object.
 */
import { Dice } from "../ground/dice.ts";
import type { Ground } from "../ground/ground.ts";

/** An object whose turn must be ended: what it has written is to be committed. */
export interface Committer {
  endTurn(): void;
}

/** Something whose code runs, and may die (see life.ts). */
export interface Running {
  readonly alive: boolean;
  readonly name: string;
  readonly isolate: {
    readonly name: string;
    readonly alive: boolean;
    enter(): void;
    crash(): void;
  };
  /** The number of failures of the platform so far. */
  readonly failures: number;
  now(): number;
  /** Calls this when it ends before its time. */
  onDeath(then: () => void): void;
  kill(why: string): void;
}

export class Platform {
  readonly ground: Ground;
  #current: Running | null = null;
  /** What goes on in this event has gone on as far as it can. */
  #endsTurns = false;
  /** Random numbers of the worker: ids, jitter. */
  readonly random: Dice;
  /** Random numbers for durations. */
  readonly dice: Dice;
  /** Told what a method of the worker throws that somebody called. */
  thrown: (life: Running, method: string, thrown: unknown) => void = () => {};
  readonly #turns = new Set<Committer>();
  readonly #timers = new Map<number, () => void>();
  #timersMade = 0;

  /** `dice`: for durations; absent: as the seed has them. */
  constructor(
    ground: Ground,
    seed: number,
    dice: Dice = new Dice(seed).fork("how long things take"),
  ) {
    this.ground = ground;
    this.random = new Dice(seed).fork("the worker's own");
    this.dice = dice;
  }

  /** The shortest time that anything takes, in milliseconds. */
  tickMs = 1;

  /** Called with each promise of the platform that code begins to wait for; null: not counted. */
  waits: ((promise: Promise<unknown>) => void) | null = null;

  /** Returns the life of the code that runs between two events, after it has waited elsewhere. */
  elsewhere: () => Running | null = () => null;

  /** Returns the promise, which the running code waits for from now on. */
  waiting<T>(promise: Promise<T>): Promise<T> {
    this.waits?.(promise);
    return promise;
  }

  /** Whose code runs just now. */
  get current(): Running | null {
    return this.#current ?? this.elsewhere();
  }

  set current(life: Running | null) {
    // It would go on in the next event, whose life is another.
    if (life !== null && this.#endsTurns)
      throw new Error(`${life.name} begins to run between two events`);
    this.#current = life;
    life?.isolate.enter();
  }

  /** Happens to this life, if it lives then, without anything going wrong with it. */
  after(life: Running | null, ms: number, happen: () => void): () => void {
    return this.ground.scheduler.after(ms, () => {
      if (life !== null && !life.alive) return;
      this.current = life;
      happen();
    });
  }

  /** The life goes on after it has waited for something from outside; it may die just then. */
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

  /** The turn of this object ends with the present event. */
  takesTurn(committer: Committer): void {
    this.#turns.add(committer);
  }

  /**
   * Lets the world go on until nothing happens any more, so many events have, or `afterEach` says
   * to stop.
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

  /** Commits what was written. */
  endTurns(): void {
    this.current = null;
    this.#endsTurns = true;
    for (const committer of this.#turns) {
      this.#turns.delete(committer);
      committer.endTurn();
    }
    this.#endsTurns = false;
  }

  /** `setTimeout` and `setInterval` of the life that runs just now. */
  setTimer(
    work: () => void,
    ms: number,
    everyMs: number | null,
    life: Running | null = this.current,
  ): number {
    const id = ++this.#timersMade;
    // Who only looks at an object from outside waits for nothing.
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
