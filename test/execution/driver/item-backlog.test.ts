import { describe, expect, it } from "vitest";
import type { Grant, Lease } from "../../../src/objects/run/lease-rpc.ts";
import type { Settlement, SettleRequest } from "../../../src/objects/run/settlement-rpc.ts";
import { drive, type DriverHost } from "../../../src/execution/driver/driver.ts";
import { ItemBacklog } from "../../../src/execution/driver/item-backlog.ts";
import { leaseFor } from "../../support/attempt.ts";
import { inline, settlement, succeeded } from "../../support/settlements.ts";

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
  it("a driver's backlog of items is what gets done in half a second by how fast the last ones were, four times as much as before at most, 250 at most", () => {
    const backlog = new ItemBacklog(6);
    expect(backlog.wanted(0, 28_000)).toEqual({});
    expect(cycle(backlog, 6, 27_990)).toBe(24);
    expect(cycle(backlog, 24, 27_980)).toBe(96);
    expect(cycle(backlog, 96, 27_970)).toBe(250);
    expect(cycle(backlog, 250, 26_970)).toBe(125);
    expect(cycle(backlog, 125, 6_970)).toBeUndefined();
  });

  it("a driver's backlog of items takes none in advance before as many have ended as fit side by side: they are measured together", () => {
    const backlog = new ItemBacklog(6);
    backlog.wanted(0, 28_000);
    expect(cycle(backlog, 5, 27_995)).toBeUndefined();
    expect(cycle(backlog, 1, 27_400)).toBeUndefined();
    expect(cycle(backlog, 6, 27_390)).toBe(24);
  });

  it("a driver's backlog of items claims as many as are missing beside those that the driver holds", () => {
    const backlog = new ItemBacklog(6);
    backlog.wanted(0, 28_000);
    expect(cycle(backlog, 6, 27_990)).toBe(24);
    expect([10, 24, 30].map((holding) => backlog.wanted(holding, 27_980).items)).toEqual([14, 0, 0]);
  });

  it("a driver's backlog of items says nothing while no item has ended: tasks alone change nothing", () => {
    const backlog = new ItemBacklog(6);
    backlog.wanted(0, 28_000);
    backlog.noteEnd(leaseFor(), succeeded(leaseFor()));
    expect(backlog.wanted(0, 27_999)).toEqual({});
  });

  it("a driver's backlog of items asks for a settle when the payloads of those that ended are much", () => {
    const backlog = new ItemBacklog(6);
    backlog.take(items(0, 40));
    const [lease = leaseFor()] = items(0, 1);
    const large = settlement(lease, { type: "succeeded", output: { ...inline(null), size: 1_500_000 }, to: null });
    expect([1, 2, 3].map(() => backlog.noteEnd(lease, large))).toEqual([false, false, true]);
  });
});

describe("a driver with items in advance", () => {
  /** Items end at once but those that hang until something is settled; a tick passes whenever the driver waits. */
  class World implements DriverHost {
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

  it("a driver with items in advance runs all of them, six at a time, and settles them together", async () => {
    const world = new World(() => false, items(0, 100));
    await drive(world);
    expect(world.started).toHaveLength(100);
    expect(world.settled.map(({ length }) => length)).toEqual([100]);
  });

  it("a driver with items in advance settles a single one that has ended while all others go on", async () => {
    const world = new World((ordinal) => ordinal > 0, items(0, 8));
    await drive(world);
    expect(world.settled[0]?.map(({ ordinal }) => ordinal)).toEqual([0]);
  });

  it("a driver with items in advance gives back after two seconds those that it could not begin, as lost to the surroundings", async () => {
    const world = new World((ordinal) => ordinal < 6, items(0, 30));
    await drive(world);
    expect(world.started).toEqual([0, 1, 2, 3, 4, 5]);
    const [first = []] = world.settled;
    expect(first.map(({ ordinal }) => ordinal)).toEqual(Array.from({ length: 24 }, (_, index) => 6 + index));
    expect(first.every(({ outcome }) => outcome.type === "lost" && outcome.to === "surroundings")).toBe(true);
    expect(world.settled.flat()).toHaveLength(30);
  });

  it("a driver with items in advance settles what has ended while others go on", async () => {
    const world = new World((ordinal) => ordinal < 6 && ordinal > 0, items(0, 12));
    await drive(world);
    const [first = []] = world.settled;
    expect(first.map(({ outcome }) => outcome.type)).toEqual(Array(7).fill("succeeded"));
    expect(world.settled.flat()).toHaveLength(12);
  });
});

describe("a driver of items that end one by one", () => {
  const TOTAL = 400;

  /** Time that passes only when nothing can go on without it. */
  class Clock {
    nowMs = 0;
    readonly #waits: { readonly atMs: number; readonly end: () => void }[] = [];

    readonly pause = (ms: number): Promise<void> =>
      new Promise((end) => this.#waits.push({ atMs: this.nowMs + ms, end }));

    async passUntil(work: Promise<void>): Promise<void> {
      let isOver = false;
      void work.finally(() => (isOver = true));
      for (;;) {
        for (let turn = 0; turn < 100; turn += 1) await Promise.resolve();
        if (isOver) return work;
        this.nowMs = Math.min(...this.#waits.map(({ atMs }) => atMs));
        const next = this.#waits.findIndex(({ atMs }) => atMs === this.nowMs);
        for (const { end } of this.#waits.splice(next, 1)) end();
      }
    }
  }

  /** Has all items done, each in the time given, where a call of the run takes 2 ms. Says how many each settle brought. */
  async function settlesOf(itemMs: (index: number) => number): Promise<number[]> {
    const clock = new Clock();
    const settles: number[] = [];
    let begun = 0;
    const grant = async (most: number): Promise<Grant> => {
      await clock.pause(2);
      const leases = items(begun, Math.min(most, TOTAL - begun));
      begun += leases.length;
      return { leases };
    };
    const driving = drive({
      id: "driver",
      claim: () => grant(6),
      settle: ({ settlements, claim }) => {
        settles.push(settlements.length);
        return grant(claim?.items ?? 6 - (claim?.holding ?? 0));
      },
      execute: async (lease) => {
        await clock.pause(itemMs(lease.ordinal));
        return succeeded(lease);
      },
      budgetMs: () => 28_000 - clock.nowMs,
      pause: clock.pause,
    });
    await clock.passUntil(driving);
    expect(settles.reduce((sum, count) => sum + count, 0)).toBe(TOTAL);
    return settles;
  }

  it("a driver of items that end one by one settles short ones many at a time", async () => {
    const settles = await settlesOf((index) => 20 + ((index * 7) % 20));
    expect(settles.length).toBeLessThan(TOTAL / 10);
  });

  it("a driver of items that end one by one takes none in advance of long ones", async () => {
    const settles = await settlesOf((index) => 1_000 + ((index * 7) % 20));
    expect(Math.max(...settles)).toBeLessThanOrEqual(6);
  });
});
