/** The faults of a world, and a world without any. */
import { Dice } from "./ground/dice.ts";
import type { Fault } from "./ground/faults.ts";
import type { Ground } from "./ground/ground.ts";

/** Faults of a world. */
export interface WorldFaults {
  /** The rate of each fault, from 0 to 1. */
  readonly rates: ReadonlyMap<Fault, number>;
  /** The most faults that strike. */
  readonly most: number;
  /** The most deaths of workers among the faults. */
  readonly mostDeaths: number;
}

/** Faults that end a worker. */
const DEATHS: ReadonlySet<Fault> = new Set([
  "crash",
  "isolate_crash",
  "consumer_killed",
  "reset_before_commit",
  "reset_after_commit",
]);

/** Durations of a world in which nothing takes time. */
export class NoTime extends Dice {
  override between(): number {
    return 0;
  }

  override chance(): boolean {
    return false;
  }
}

/** Limits the deaths of workers. */
export function spareWorkers(ground: Ground, most: number): void {
  const strikes = ground.strikes.bind(ground);
  let deaths = 0;
  ground.strikes = (fault, where, weight) => {
    if (DEATHS.has(fault) && deaths >= most) return false;
    const hasStruck = strikes(fault, where, weight);
    if (hasStruck && DEATHS.has(fault)) deaths += 1;
    return hasStruck;
  };
}
