import { describe, expect, it } from "vitest";
import type { Grant, Lease, Settlement, SettleRequest } from "../../src/run/run-rpc.ts";
import { drive, type DriverWorld } from "../../src/task/driver.ts";
import { ItemBacklog } from "../../src/task/item-backlog.ts";
import { leaseFor } from "../support/attempt.ts";
import { inline, settlement, succeeded } from "../support/hand-driven.ts";

function items(from: number, count: number): Lease[] {
  return Array.from({ length: count }, (_, index) =>
    leaseFor({ ordinal: from + index, item: { index: from + index, total: 1_000, of: 0, isElement: true } }),
  );
}

/** So many items end, and the driver asks for more so much later. */
function cycle(backlog: ItemBacklog, count: number, budgetMs: number): number | undefined {
  for (const lease of items(0, count)) backlog.noteEnd(lease, succeeded(lease));
  return backlog.wanted(0, budgetMs).items;
}

describe("a driver's backlog of items", () => {
  it("is what gets done in half a second by how fast the last ones were, four times as much as before at most, 250 at most", () => {
    const backlog = new ItemBacklog(6);
    expect(backlog.wanted(0, 28_000)).toEqual({});
    expect(cycle(backlog, 6, 27_990)).toBe(24);
    expect(cycle(backlog, 24, 27_980)).toBe(96);
    expect(cycle(backlog, 96, 27_970)).toBe(250);
    expect(cycle(backlog, 250, 26_970)).toBe(125);
    expect(cycle(backlog, 125, 6_970)).toBeUndefined();
  });

  it("says nothing while no item has ended: tasks alone change nothing", () => {
    const backlog = new ItemBacklog(6);
    backlog.wanted(0, 28_000);
    backlog.noteEnd(leaseFor(), succeeded(leaseFor()));
    expect(backlog.wanted(0, 27_999)).toEqual({});
  });

  it("asks for a settle when the payloads of those that ended are much", () => {
    const backlog = new ItemBacklog(6);
    backlog.take(items(0, 40));
    const [lease = leaseFor()] = items(0, 1);
    const large = settlement(lease, { type: "succeeded", output: { ...inline(null), size: 1_500_000 }, to: null });
    expect([1, 2, 3].map(() => backlog.noteEnd(lease, large))).toEqual([false, false, true]);
  });
});

describe("a driver with items in advance", () => {
  /** Items end at once but those that hang until something is settled; a tick passes whenever the driver waits. */
  class World implements DriverWorld {
    readonly id = "driver";
    readonly settled: Settlement[][] = [];
    readonly started: number[] = [];
    readonly #hangs: (ordinal: number) => boolean;
    readonly #answers: Grant[];
    readonly hanging: (() => void)[] = [];

    constructor(hangs: (ordinal: number) => boolean, ...answers: readonly Lease[][]) {
      this.#hangs = hangs;
      this.#answers = answers.map((leases) => ({ leases }));
    }

    async claim(): Promise<Grant> {
      return this.#answers.shift() ?? { leases: [] };
    }

    async settle({ settlements }: SettleRequest): Promise<Grant> {
      this.settled.push([...settlements]);
      for (const end of this.hanging.splice(0)) end();
      return this.#answers.shift() ?? { leases: [] };
    }

    async execute(lease: Lease): Promise<Settlement> {
      this.started.push(lease.ordinal);
      if (this.#hangs(lease.ordinal)) await new Promise<void>((end) => this.hanging.push(end));
      return succeeded(lease);
    }

    budgetMs(): number {
      return 28_000;
    }

    async pause(): Promise<void> {
      for (let turn = 0; turn < 200; turn += 1) await Promise.resolve();
    }
  }

  it("runs all of them, six at a time, and settles them together", async () => {
    const world = new World(() => false, items(0, 100));
    await drive(world);
    expect(world.started).toHaveLength(100);
    expect(world.settled.map(({ length }) => length)).toEqual([100]);
  });

  it("gives back after two seconds those that it could not begin, as lost to the surroundings", async () => {
    const world = new World((ordinal) => ordinal < 6, items(0, 30));
    await drive(world);
    expect(world.started).toEqual([0, 1, 2, 3, 4, 5]);
    const [first = []] = world.settled;
    expect(first.map(({ ordinal }) => ordinal)).toEqual(Array.from({ length: 24 }, (_, index) => 6 + index));
    expect(first.every(({ outcome }) => outcome.type === "lost" && outcome.to === "surroundings")).toBe(true);
    expect(world.settled.flat()).toHaveLength(30);
  });

  it("settles what has ended while others go on", async () => {
    const world = new World((ordinal) => ordinal < 6 && ordinal > 0, items(0, 12));
    await drive(world);
    const [first = []] = world.settled;
    expect(first.map(({ outcome }) => outcome.type)).toEqual(Array(7).fill("succeeded"));
    expect(world.settled.flat()).toHaveLength(12);
  });
});
