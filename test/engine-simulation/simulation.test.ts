import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { IS_LONG } from "../support/long.ts";
import { simulateSeeds, type Thread } from "../simulation/batch.ts";
import { FAULTS } from "../simulation/faults.ts";
import type { Live } from "../simulation/ground.ts";
import { NO_LIMITS } from "../simulation/shrink.ts";
import { ENGINE } from "./kind.ts";

const SCRIPT = resolve(import.meta.dirname, "../../scripts/simulate.ts");
/** About 25 seconds of a processor, and 55 where there is time. Few fresh ones as long as one in a thousand shows something new. */
const [SEEDS, FRESH_SEEDS] = IS_LONG ? [700, 25] : [270, 25];

function command(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ["--no-warnings", SCRIPT, ...args], { encoding: "utf8" });
}

/** In CI each run has seeds of its own, which it prints. */
const FRESH = process.env["PEACH_TEST_SEED"];

let live: Live;
let thread: Thread;
beforeAll(async () => {
  ({ live, thread } = await ENGINE.open());
});

describe("the simulated world", () => {
  it(`keeps every invariant over ${SEEDS} seeds, in which every fault strikes`, { timeout: 240_000 }, async () => {
    const tally = await simulateSeeds(thread, 1, SEEDS, NO_LIMITS, 2);
    expect(tally.failures).toEqual([]);
    expect(tally.seeds).toBe(SEEDS);
    expect([...tally.kinds].toSorted()).toEqual(FAULTS.toSorted());
    expect(tally.faults).toBeGreaterThan(SEEDS);
    expect(tally.tasks).toBeGreaterThan(SEEDS);
  });

  it.runIf(FRESH !== undefined)(
    `keeps every invariant over ${FRESH_SEEDS} fresh seeds, from ${FRESH}`,
    { timeout: 240_000 },
    async () => {
      const tally = await simulateSeeds(thread, Number(FRESH), FRESH_SEEDS, NO_LIMITS, 2);
      expect(tally.failures).toEqual([]);
    },
  );

  it("lives the same life again for the same seed, and another for another", async () => {
    const [first, again, other] = [
      await live(7, NO_LIMITS, true),
      await live(7, NO_LIMITS, true),
      await live(8, NO_LIMITS, true),
    ];
    expect(first.story.length).toBeGreaterThan(10);
    expect(again).toEqual(first);
    expect(other.story).not.toEqual(first.story);
  });

  it("has no faults beyond its limits", async () => {
    const { faults, kinds } = await live(7, { ...NO_LIMITS, faults: 2 });
    expect(faults).toBeLessThanOrEqual(2);
    expect(kinds.size).toBeLessThanOrEqual(2);
    const calm = await live(7, { ...NO_LIMITS, without: new Set(FAULTS) });
    expect(calm).toMatchObject({ faults: 0, violation: null });
  });
});

describe("npm run simulate", () => {
  it("says how many seeds held, for people and for programs", { timeout: 30_000 }, () => {
    expect(command("--seeds", "4", "--from", "10")).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("4 seeds, every invariant held"),
    });
    const { status, stdout } = command("--seeds", "4", "--json");
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ seeds: 4, from: 1, violation: null });
  });

  it("tells the story of one seed", { timeout: 30_000 }, () => {
    const { status, stdout } = command("--seed", "7");
    expect(status).toBe(0);
    expect(stdout).toContain("is answered: run_");
    expect(stdout).toContain("every invariant held");
  });

  it.each([
    [["--seeds", "0"], "--seeds is a whole number from 1"],
    [["--seed", "x"], "--seed is a whole number from 0"],
    [["--without", "rain"], 'no fault "rain"'],
    [["--rain"], "--rain"],
  ])("refuses %j with exit code 2", { timeout: 30_000 }, (args, message) => {
    expect(command(...args)).toMatchObject({ status: 2, stdout: "", stderr: expect.stringContaining(message) });
  });
});
