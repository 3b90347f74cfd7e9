import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { IS_LONG } from "../support/long.ts";
import { simulateSeeds } from "../engine-simulation/seeds/batch.ts";
import { CORE_FAULTS, FAULTS } from "../engine-simulation/ground/faults.ts";
import { CORE } from "./kind.ts";
import { NO_LIMITS } from "../engine-simulation/seeds/shrink.ts";
import { simulate } from "./world.ts";

const SCRIPT = resolve(import.meta.dirname, "../../scripts/simulate.ts");
const SEEDS = IS_LONG ? 1_500 : 500;

function command(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ["--no-warnings", SCRIPT, "--core", ...args], { encoding: "utf8" });
}

describe("the simulated world", () => {
  it(`keeps every invariant over ${SEEDS} seeds, in which every fault strikes`, { timeout: 120_000 }, async () => {
    const { thread } = await CORE.open();
    const tally = await simulateSeeds(thread, { from: 1, seeds: SEEDS, limits: NO_LIMITS, threads: 2 });
    expect(tally.failures).toEqual([]);
    expect(tally.seeds).toBe(SEEDS);
    expect([...tally.kinds].toSorted()).toEqual(CORE_FAULTS.toSorted());
    expect(tally.faults).toBeGreaterThan(SEEDS);
    expect(tally.tasks).toBeGreaterThan(SEEDS);
  });

  it("lives the same life again for the same seed, and another for another", async () => {
    const [first, again, other] = [
      await simulate(7, NO_LIMITS, true),
      await simulate(7, NO_LIMITS, true),
      await simulate(8, NO_LIMITS, true),
    ];
    expect(first.story.length).toBeGreaterThan(10);
    expect(again).toEqual(first);
    expect(other.story).not.toEqual(first.story);
  });

  it("has no faults beyond its limits", async () => {
    const { faults, kinds } = await simulate(7, { ...NO_LIMITS, faults: 2 });
    expect(faults).toBeLessThanOrEqual(2);
    expect(kinds.size).toBeLessThanOrEqual(2);
    const calm = await simulate(7, { ...NO_LIMITS, without: new Set(FAULTS) });
    expect(calm).toMatchObject({ faults: 0, violation: null });
  });
});

describe("npm run simulate -- --core", () => {
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
    expect(stdout).toContain("triggered p");
    expect(stdout).toContain("every invariant held");
  });

  it.each([
    [["--seeds", "0"], "--seeds is a whole number from 1"],
    [["--seed", "x"], "--seed is a whole number from 0"],
    [["--without", "rain"], 'no fault "rain"'],
    [["--without", "clock_skew"], 'no fault "clock_skew"'],
    [["--rain"], "--rain"],
  ])("refuses %j with exit code 2", { timeout: 30_000 }, (args, message) => {
    expect(command(...args)).toMatchObject({ status: 2, stdout: "", stderr: expect.stringContaining(message) });
  });
});
