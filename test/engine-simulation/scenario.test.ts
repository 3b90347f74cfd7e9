import { describe, expect, it } from "vitest";
import { Dice } from "../../src/testing/ground/dice.ts";
import { drawScenario, type Scenario } from "./scenario.ts";
import { NO_LIMITS, replayCommand } from "./seeds/shrink.ts";

const SEEDS = 400;

function drawn(quick: boolean): Scenario[] {
  return Array.from({ length: SEEDS }, (_, seed) => drawScenario(new Dice(seed), { ...NO_LIMITS, quick }));
}

describe("worlds without a theme", () => {
  const [mixed, unmixed] = [drawn(true), drawn(false)];
  // Two of five quick ones would have been the same without: small, and without schedules.
  const quick = mixed.filter((world, seed) => JSON.stringify(world) !== JSON.stringify(unmixed[seed]));

  it("worlds without a theme are often quick ones, which are small and have no schedules", () => {
    expect(quick.length).toBeGreaterThan(0.35 * SEEDS);
    for (const { plan, timed, triggers } of quick) {
      // Two pipelines of five tasks, and the task that is told of failures.
      expect(Object.keys(plan.tasks).length).toBeLessThanOrEqual(11);
      expect(triggers.length).toBeLessThanOrEqual(2);
      expect(timed).toEqual([]);
    }
  });

  it("worlds without a theme are otherwise what they are without quick ones, of any size and with schedules", () => {
    const others = mixed.filter((world) => !quick.includes(world));
    expect(others.length).toBeGreaterThan(0.1 * SEEDS);
    expect(others.some(({ timed }) => timed.length > 0)).toBe(true);
    expect(Math.max(...others.map(({ plan }) => Object.keys(plan.tasks).length))).toBeGreaterThan(11);
  });

  it("worlds without a theme have no limit that peach.conf would not take: items always wait for their slot", () => {
    const limited = mixed
      .flatMap(({ plan }) => Object.values(plan.tasks))
      .flatMap(({ each, limits }) => (each !== null && limits?.concurrency ? [limits.concurrency.strategy] : []));
    expect(limited.length).toBeGreaterThan(0);
    expect(new Set(limited)).toEqual(new Set(["queue"]));
  });

  it("worlds without a theme are lived through again by a command that says whether there were quick ones", () => {
    expect(replayCommand(7, NO_LIMITS)).toBe("npm run simulate -- --seed 7");
    expect(replayCommand(7, { ...NO_LIMITS, quick: false })).toBe("npm run simulate -- --seed 7 --no-quick");
  });
});
