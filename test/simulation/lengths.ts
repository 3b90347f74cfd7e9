/** How many items arrays have. */
import type { PayloadParcel } from "../../src/core/payload-ref.ts";
import { Dice } from "../engine-simulation/ground/dice.ts";

/** Mostly few, now and then more than one driver takes; rarely no array at all. */
export function drawLength(dice: Dice): number | null {
  return dice.chance(0.04) ? null : dice.chance(0.85) ? dice.between(0, 5) : dice.between(6, 30);
}

/** The payload as an array of some length, mostly. */
export function arrayOf(payload: PayloadParcel, seed: string): PayloadParcel {
  const length = drawLength(new Dice(0).fork(seed));
  return length === null ? payload : { ...payload, length };
}
