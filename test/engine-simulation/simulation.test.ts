import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { IS_LONG } from "../support/long.ts";
import { simulateSeeds, type Thread } from "./seeds/batch.ts";
import { FAULTS } from "../../src/testing/ground/faults.ts";
import type { Live } from "../../src/testing/ground/ground.ts";
import { NO_LIMITS } from "./seeds/shrink.ts";
import { openWorlds } from "./worlds.ts";

const SCRIPT = resolve(import.meta.dirname, "../../scripts/simulate.ts");
/** Every fault strikes within the first 63. */
const SEEDS = IS_LONG ? 1_000 : 500;
/** Of fresh ones few: about one in two thousand shows something still, which is for `npm run simulate -- --seconds N` to look for. */
const FRESH_SEEDS = 40;

function command(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ["--no-warnings", SCRIPT, ...args], { encoding: "utf8" });
}

/** In CI each run has seeds of its own, which it prints. */
const FRESH_FROM = process.env["PEACH_TEST_SEED"];

let live: Live;
let thread: Thread;
beforeAll(async () => {
  ({ live, thread } = await openWorlds());
});

describe("the simulated world", () => {
  it(`keeps every invariant over ${SEEDS} seeds, in which every fault strikes`, { timeout: 240_000 }, async () => {
    const tally = await simulateSeeds(thread, { from: 1, seeds: SEEDS, limits: NO_LIMITS, threads: 2 });
    expect(tally.failures).toEqual([]);
    expect(tally.seeds).toBe(SEEDS);
    expect([...tally.kinds].toSorted()).toEqual(FAULTS.toSorted());
    expect(tally.faults).toBeGreaterThan(SEEDS);
    expect(tally.tasks).toBeGreaterThan(SEEDS);
  });

  it.runIf(FRESH_FROM !== undefined)(
    `keeps every invariant over ${FRESH_SEEDS} fresh seeds, from ${FRESH_FROM}`,
    { timeout: 240_000 },
    async () => {
      const batch = { from: Number(FRESH_FROM), seeds: FRESH_SEEDS, limits: NO_LIMITS, threads: 2 };
      const tally = await simulateSeeds(thread, batch);
      expect(tally.failures).toEqual([]);
      expect(tally.seeds).toBe(FRESH_SEEDS);
    },
  );

  it("the simulated world lives the same life again for the same seed, and another for another", async () => {
    const [first, again, other] = [
      await live(7, NO_LIMITS, true),
      await live(7, NO_LIMITS, true),
      await live(8, NO_LIMITS, true),
    ];
    expect(first.story.length).toBeGreaterThan(10);
    expect(again).toEqual(first);
    expect(other.story).not.toEqual(first.story);
  });

  it("the simulated world has no faults beyond its limits", async () => {
    const { faults, kinds } = await live(7, { ...NO_LIMITS, faults: 2 });
    expect(faults).toBeLessThanOrEqual(2);
    expect(kinds.size).toBeLessThanOrEqual(2);
    const calm = await live(7, { ...NO_LIMITS, without: new Set(FAULTS) });
    expect(calm).toMatchObject({ faults: 0, violation: null });
  });
});

describe("npm run simulate", () => {
  it("npm run simulate says how many seeds held, for people and for programs", { timeout: 30_000 }, () => {
    expect(command("--seeds", "4", "--from", "10")).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("4 seeds, every invariant held"),
    });
    const { status, stdout } = command("--seeds", "4", "--json");
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      seeds: 4,
      from: 1,
      violation: null,
      seeds_per_second: expect.any(Number),
      median_cpu_ms_per_seed: expect.any(Number),
      ordinary: { cpu_ms_per_seed: expect.any(Number), median_cpu_ms_per_seed: expect.any(Number) },
    });
  });

  it("npm run simulate lives through as many as begin within the seconds that are given", { timeout: 60_000 }, () => {
    const { status, stdout } = command("--seconds", "1", "--from", "20", "--json");
    expect(status).toBe(0);
    const { seeds, events } = z.object({ seeds: z.number(), events: z.number() }).parse(JSON.parse(stdout));
    expect(seeds).toBeGreaterThan(0);
    expect(seeds).toBeLessThan(1_000);
    expect(events).toBeGreaterThan(seeds);
  });

  it("npm run simulate tells the story of one seed", { timeout: 30_000 }, () => {
    const { status, stdout } = command("--seed", "7");
    expect(status).toBe(0);
    expect(stdout).toContain("is answered: run_");
    expect(stdout).toContain("every invariant held");
  });

  it.each([
    [["--seeds", "0"], "--seeds is a whole number from 1"],
    [["--seed", "x"], "--seed is a whole number from 0"],
    [["--seconds", "0"], "--seconds is a whole number from 1"],
    [["--without", "rain"], 'no fault "rain"'],
    [["--theme", "rain"], '--theme knows no "rain"'],
    [["--rain"], "--rain"],
  ])("npm run simulate refuses %j with exit code 2", { timeout: 30_000 }, (args, message) => {
    expect(command(...args)).toMatchObject({ status: 2, stdout: "", stderr: expect.stringContaining(message) });
  });
});
