/**
 * The ground of a simulated world, shared by all parts: time, dice, faults, and the story of the
 * world.
 */
import { Dice } from "./dice.ts";
import { Faults, type Fault } from "./faults.ts";
import { Scheduler } from "./scheduler.ts";

/** The clock on the wall when the world begins. */
export const EPOCH = 1_780_000_000_000;

/** An invariant of the architecture that does not hold. */
export interface Violation {
  /** `2 order`, `3 one winner`, ... */
  readonly invariant: string;
  readonly detail: string;
}

export interface Limits {
  readonly without: ReadonlySet<Fault>;
  /** The most faults that may strike. */
  readonly faults: number;
  /** The most triggers of a world, and the most tasks of a pipeline. */
  readonly triggers: number;
  readonly tasks: number;
  /** The theme of all worlds; absent: drawn. */
  readonly theme?: string;
  /** False: no world is drawn as a quick one. */
  readonly quick?: boolean;
}

/** The outcome of the world of a seed. */
export interface Outcome {
  readonly violation: Violation | null;
  readonly story: readonly string[];
  readonly events: number;
  readonly faults: number;
  readonly kinds: ReadonlySet<Fault>;
  readonly runs: number;
  readonly tasks: number;
}

/** Lives through the world of a seed. `telling` writes its story down. */
export type Live = (seed: number, limits: Limits, telling?: boolean) => Promise<Outcome>;

export class Ground {
  readonly scheduler = new Scheduler();
  /** Random numbers for latencies and durations. */
  readonly dice: Dice;
  readonly faults: Faults;
  readonly story: string[] = [];
  violation: Violation | null = null;
  /** Faults that have struck, with their time by the scheduler. */
  readonly struck: { readonly fault: Fault; readonly at: number; readonly where: string }[] = [];
  readonly #telling: boolean;
  /** The clock on the wall at the start, epoch milliseconds. */
  readonly #epoch: number;
  #offset = 0;

  /** `focus` sets the rates of some faults, in place of the rates of the seed. */
  constructor(
    seed: number,
    limits: Limits,
    telling: boolean,
    focus: ReadonlyMap<Fault, number> | null = null,
    epoch = EPOCH,
  ) {
    this.#epoch = epoch;
    const dice = new Dice(seed);
    this.dice = dice.fork("going well");
    this.faults = new Faults(dice.fork("faults"), limits.without, limits.faults, focus);
    this.#telling = telling;
  }

  /** Returns the value of `Date.now()`. */
  wall(): number {
    return this.#epoch + Math.floor(this.scheduler.now) + this.#offset;
  }

  stepClock(ms: number): void {
    this.#offset += ms;
    this.tell(() => `the clock is set by ${ms} ms`);
  }

  /**
   * Draws if a fault strikes, and adds a strike to the story. `where` is the place; the place of an
   * object begins with class and name.
   */
  strikes(fault: Fault, where: () => string, weight = 1): boolean {
    if (!this.faults.strikes(fault, weight)) return false;
    const struck = { fault, at: this.scheduler.now, where: where() };
    this.struck.push(struck);
    this.tell(() => `!! ${fault}: ${struck.where}`);
    return true;
  }

  tell(line: () => string): void {
    if (this.#telling)
      this.story.push(`${(this.scheduler.now / 1000).toFixed(3).padStart(10)} s  ${line()}`);
  }

  /** The first violation counts; the world stops there. */
  violate(invariant: string, detail: string): void {
    this.violation ??= { invariant, detail };
    this.tell(() => `** ${invariant}: ${detail}`);
  }
}
