/** The ids of runs in the simulated world. */
import { runIdFromBytes, type RunId } from "../../src/core/ids.ts";
import { Dice } from "../engine-simulation/ground/dice.ts";

/** As the product's, with a digest that is cheaper than SHA-256. */
export function runIdFor(task: string, key: string): RunId {
  const dice = new Dice(0).fork(`${task.length}:${task}:${key}`);
  return runIdFromBytes(Uint8Array.from({ length: 16 }, () => dice.between(0, 255)));
}
