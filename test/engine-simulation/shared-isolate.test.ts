import { describe, expect, it } from "vitest";
import { SharedIsolate, type Character } from "./shared-isolate.ts";

const SEEDS = Array.from({ length: 12 }, (_, seed) => seed);

function poison(killsMs: number, atMs = 0): Character {
  return { timeoutMs: 30_000, killsMs, atMs };
}

function innocent(worksMs: number, timeoutMs = 60_000): Character {
  return { timeoutMs, worksMs, atMs: 0 };
}

/** What became of them in one isolate after the other; the most deaths that an innocent had, and how long it all took. */
async function outcomes(
  characters: readonly Character[],
  isSilent = false,
): Promise<{ failed: string[]; mostDeaths: number; mostMs: number }> {
  const failed = new Set<string>();
  let [mostDeaths, mostMs] = [0, 0];
  for (const seed of SEEDS) {
    const world = new SharedIsolate(seed, characters);
    world.isSilent = isSilent;
    mostMs = Math.max(mostMs, await world.live());
    for (const [index, { killsMs }] of characters.entries()) {
      const isInnocent = killsMs === undefined;
      const { status } = world.plays[index]?.run ?? {};
      if (status !== "succeeded") failed.add(isInnocent ? `innocent ${index}` : `poison ${index}`);
      if (isInnocent) mostDeaths = Math.max(mostDeaths, world.deaths[index]?.length ?? 0);
    }
  }
  return { failed: [...failed].toSorted(), mostDeaths, mostMs };
}

describe("tasks that kill the isolate in which they run, of several runs", () => {
  it("two of them fail, and an innocent one that takes 20, 30 or 50 seconds beside them dies a few times and succeeds", async () => {
    for (const long of [innocent(20_000, 30_000), innocent(30_000), innocent(50_000)]) {
      const { failed, mostDeaths } = await outcomes([poison(50), poison(3_000), long]);
      expect(failed).toEqual(["poison 0", "poison 1"]);
      expect(mostDeaths).toBeLessThanOrEqual(5);
    }
  });

  it("three that kill after some time fail, and the innocent one beside them succeeds", async () => {
    const { failed, mostDeaths } = await outcomes([poison(50), poison(10_000), poison(20_000), innocent(50_000)]);
    expect(failed).toEqual(["poison 0", "poison 1", "poison 2"]);
    expect(mostDeaths).toBeLessThanOrEqual(7);
  });

  it("ten tasks that kill the isolate in which they run, of several runs, fail, and of five innocent ones none", async () => {
    const kills = [20, 50, 200, 500, 1_000, 2_000, 4_000, 5_000, 8_000, 9_000];
    const { failed } = await outcomes([
      ...kills.map((killsMs) => poison(killsMs)),
      ...kills.slice(5).map(() => innocent(50_000)),
    ]);
    expect(failed).toEqual(kills.map((_, index) => `poison ${index}`).toSorted());
  });

  it("tasks of several runs that kill their isolate one after the other for three minutes fail, and the innocent one that was there from the first succeeds", async () => {
    const stream = Array.from({ length: 18 }, (_, nth) => poison(500, nth * 10_000));
    const { failed } = await outcomes([...stream, innocent(50_000)]);
    expect(failed).toEqual(stream.map((_, index) => `poison ${index}`).toSorted());
  });

  it("tasks that kill the isolate in which they run fail also where nobody can be asked who died with whom, and nothing waits for the answers for long", async () => {
    const { failed, mostMs } = await outcomes([poison(50), poison(3_000), innocent(20_000, 30_000)], true);
    expect(failed).toEqual(expect.arrayContaining(["poison 0", "poison 1"]));
    expect(mostMs).toBeLessThan(900_000);
  });
});
