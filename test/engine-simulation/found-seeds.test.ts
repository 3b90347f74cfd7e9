import { beforeAll, describe, expect, it } from "vitest";
import type { Live } from "../../src/testing/ground/ground.ts";
import { IS_LONG } from "../support/long.ts";
import { NO_LIMITS } from "./seeds/shrink.ts";
import { openWorlds } from "./worlds.ts";

/**
 * Seeds whose worlds have shown something once, and what, none of which was a quick one. Worlds change with the code: what a seed shows, a
 * test of its own holds.
 */
const FOUND: readonly (readonly [seed: number, was: string])[] = [
  [
    7_001_411,
    "a run that stays listed as queued, since an alarm that came due meanwhile took over the turn of another object",
  ],
  [
    9_000_901,
    "a run that is executed again for the second run of an id, taken for one that was executed again when it was over",
  ],
  [9_001_449, "the same, of what an item has triggered"],
  [9_001_014, "a run that the catalog drops before the run's alarm, since the clock was set forward by 20 minutes"],
  [9_001_811, "a task that is retried when what it awaits is only remembered, and asks for it again and again"],
  [9_010_747, "a limit that stays in the list of limits, since the list learned late that it was there"],
  [9_051_612, "a payload that stays in R2, of a trigger that has found a run remembered, and could not delete it"],
  [9_041_831, "a suspect that asks for its trial each second for as long as its clock was set back"],
  [9_071_468, "a run that is cancelled before it begins, and retried two hours later, taken for one that was held up"],
  [9_071_965, "the same, taken for one that has begun before its delay was over"],
  [9_072_201, "a rejection that nobody handles, of a child run's driver within a driver that has given up before"],
  [30_011_451, "an alarm that comes late since the clock was set forward while it was set, taken for a stall"],
  [
    120_000_887,
    "an attempt that has timed out since an overload held up a trigger that its code does not await, blamed on the task",
  ],
  [30_025_649, "a run that is cut off for three days before it begins, taken for one that nothing held up"],
];
/** Two that take two thirds of the time of all: they are lived through in the long run. */
const LONG: typeof FOUND = [
  [9_007_087, "118 runs, for which 60,000 events are not enough"],
  [
    20_006_089,
    "twenty runs whose task kills its worker after a minute, tried one after the other, for which the events were too few",
  ],
];

let live: Live;
beforeAll(async () => {
  ({ live } = await openWorlds());
});

describe("the simulated world of a seed that has shown something", () => {
  it.each(IS_LONG ? [...FOUND, ...LONG] : FOUND)("%i keeps every invariant: %s", { timeout: 240_000 }, async (seed) => {
    expect((await live(seed, { ...NO_LIMITS, quick: false })).violation).toBeNull();
  });
});
