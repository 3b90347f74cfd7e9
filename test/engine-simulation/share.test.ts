import { describe, expect, it } from "vitest";
import type { Live, Outcome } from "../../src/testing/ground/ground.ts";
import { newSharedCounts, type Share, type Tally } from "./seeds/batch.ts";
import { NO_LIMITS } from "./seeds/shrink.ts";
import { tallyOf } from "./seeds/share.ts";

/** A world that goes on once it is let. */
class HeldWorlds {
  readonly begun: number[] = [];
  readonly #ends = new Map<number, (outcome: Outcome) => void>();

  readonly live: Live = (seed) => {
    this.begun.push(seed);
    return new Promise((resolve) => this.#ends.set(seed, resolve));
  };

  /** Ends the world of a seed, and waits until its thread has begun the next one or has ended. */
  async end(seed: number, breaks: string | null = null): Promise<void> {
    const violation = breaks === null ? null : { invariant: breaks, detail: "" };
    const nothing = { story: [], events: 1, faults: 0, kinds: new Set<never>(), runs: 1, tasks: 1 };
    this.#ends.get(seed)?.({ ...nothing, violation });
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function shareOf(seeds: number, failures: number): Omit<Share, "worker"> {
  return { from: 10, seeds, limits: NO_LIMITS, forMs: Infinity, failures, counts: newSharedCounts() };
}

function failuresOf(tallies: readonly Tally[]): number[] {
  return tallies.flatMap(({ failures }) => failures.map(({ seed }) => seed));
}

describe("the seeds of several threads", () => {
  it("a thread takes the seeds that are left while another is at a long one", async () => {
    const [worlds, share] = [new HeldWorlds(), shareOf(4, 1)];
    const tallies = [tallyOf(share, worlds.live), tallyOf(share, worlds.live)];
    expect(worlds.begun).toEqual([10, 11]);
    await worlds.end(11);
    await worlds.end(12);
    await worlds.end(13);
    expect(worlds.begun).toEqual([10, 11, 12, 13]);
    await worlds.end(10);
    expect((await Promise.all(tallies)).map(({ seeds }) => seeds)).toEqual([1, 3]);
  });

  it("all threads end after a seed that fails", async () => {
    const [worlds, share] = [new HeldWorlds(), shareOf(100, 1)];
    const tallies = [tallyOf(share, worlds.live), tallyOf(share, worlds.live)];
    await worlds.end(11, "the second");
    await worlds.end(10);
    expect(worlds.begun).toEqual([10, 11]);
    expect(failuresOf(await Promise.all(tallies))).toEqual([11]);
  });

  it("a seed that was taken before another failed is told if it fails too", async () => {
    const [worlds, share] = [new HeldWorlds(), shareOf(100, 1)];
    const tallies = [tallyOf(share, worlds.live), tallyOf(share, worlds.live)];
    await worlds.end(11, "the second");
    await worlds.end(10, "the first");
    expect(failuresOf(await Promise.all(tallies))).toEqual([10, 11]);
  });

  it("a seed that fails ends nothing while fewer have failed than are asked for", async () => {
    const [worlds, share] = [new HeldWorlds(), shareOf(3, 2)];
    const tally = tallyOf(share, worlds.live);
    await worlds.end(10, "one");
    await worlds.end(11);
    await worlds.end(12);
    expect(await tally).toMatchObject({ seeds: 3, failures: [{ seed: 10 }] });
  });
});
