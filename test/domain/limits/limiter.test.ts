import { fc } from "../../support/property.ts";
import { describe, expect, it } from "vitest";
import { runIdFromBytes, type RunId } from "../../../src/domain/ids.ts";
import type { LimitRule, SlotHolder, SlotRequest } from "../../../src/domain/limits/limit.ts";
import { Limiter, slotId, type SlotEntry } from "../../../src/domain/limits/limiter.ts";

const MINUTE = 60_000;
const NOW = 1_000 * MINUTE;

function runId(number: number): RunId {
  return runIdFromBytes(new Uint8Array(16).fill(number));
}

function holder(run: number, attempt = 1): SlotHolder {
  return { runId: runId(run), ordinal: 0, attempt };
}

const RULE: LimitRule = { limit: 2, perMs: null, planAt: 0 };

function request(run: number, overrides: Partial<SlotRequest & LimitRule> = {}): SlotRequest {
  const { limit = RULE.limit, perMs = RULE.perMs, planAt = RULE.planAt, ...rest } = overrides;
  const rule = { limit, perMs, planAt };
  return { holder: holder(run), rule, strategy: "queue", since: NOW, priority: 0, ...rest };
}

function empty(): Limiter {
  return new Limiter([], [], null);
}

/** Asks, and takes what is granted at once. */
function ask(pool: Limiter, asked: SlotRequest, now = NOW): string {
  const answer = pool.acquire(asked, now);
  if (answer !== "waiting") return answer;
  return pool.grant(now).some((entry) => slotId(entry.holder) === slotId(asked.holder)) ? "granted" : "waiting";
}

function runsOf(entries: readonly SlotEntry[]): number[] {
  const known = new Map(Array.from({ length: 50 }, (_, number) => [runId(number), number]));
  return entries.map((entry) => known.get(entry.holder.runId) ?? -1);
}

describe("slots", () => {
  it("slots are granted up to the limit; the rest wait, in order of arrival", () => {
    const pool = empty();
    expect([1, 2, 3, 4].map((run) => ask(pool, request(run)))).toEqual(["granted", "granted", "waiting", "waiting"]);
    pool.release(holder(2), 0, NOW);
    pool.release(holder(1), 0, NOW);
    expect(runsOf(pool.grant(NOW))).toEqual([3, 4]);
    expect([pool.inUse, pool.waiting]).toEqual([2, 0]);
  });

  it("slots asked for again change nothing", () => {
    const pool = empty();
    for (const run of [1, 2, 3, 3, 1]) ask(pool, request(run));
    expect([pool.inUse, pool.waiting]).toEqual([2, 1]);
    expect(ask(pool, request(1))).toBe("granted");
    expect(ask(pool, request(3))).toBe("waiting");
  });

  it("slots are granted by when the attempt became ready, not by when its call came through", () => {
    const pool = empty();
    ask(pool, request(1, { limit: 1 }));
    ask(pool, request(2, { limit: 1, since: NOW - 5 }));
    ask(pool, request(3, { limit: 1, since: NOW - 10 }));
    pool.release(holder(1), 0, NOW);
    expect(runsOf(pool.grant(NOW))).toEqual([3]);
  });

  it("slots given back twice free one place only", () => {
    const pool = empty();
    for (const run of [1, 2, 3, 4]) ask(pool, request(run));
    pool.release(holder(1), 0, NOW);
    pool.release(holder(1), 0, NOW);
    expect(runsOf(pool.grant(NOW))).toEqual([3]);
  });

  it("slots of an attempt whose lease goes on are kept until it is over, or it gives them back sooner", () => {
    const pool = empty();
    for (const run of [1, 2, 3, 4]) ask(pool, request(run));
    pool.release(holder(1), MINUTE, NOW);
    pool.release(holder(2), MINUTE, NOW);
    expect(pool.nextAt()).toBe(NOW + MINUTE);
    pool.release(holder(2), 0, NOW + 1);
    expect(runsOf(pool.grant(NOW + 1))).toEqual([3]);
    expect(runsOf(pool.grant(NOW + MINUTE - 1))).toEqual([]);
    expect(runsOf(pool.grant(NOW + MINUTE))).toEqual([4]);
  });

  it("slots are asked after, again and again, ever more rarely, and never taken back for their age", () => {
    const pool = empty();
    ask(pool, request(1));
    const looks: number[] = [];
    for (let look = 0; look < 7; look += 1) {
      const at = pool.nextAt() ?? 0;
      looks.push(at - NOW);
      expect(runsOf(pool.takeDue(at))).toEqual([1]);
    }
    expect(looks).toEqual([15_000, 45_000, 105_000, 225_000, 465_000, 765_000, 1_065_000]);
    expect(pool.inUse).toBe(1);
    pool.applyStatus(holder(1), { type: "over", afterMs: 0 }, NOW);
    expect([pool.inUse, pool.isEmpty]).toEqual([0, true]);
  });
});

describe("a slot", () => {
  it("a slot is asked after when it is time, of the attempts that hold one, fifty at a time", () => {
    const pool = empty();
    for (let run = 0; run < 60; run += 1) {
      const who = { runId: runId(1), ordinal: run, attempt: 1 };
      ask(pool, request(1, { holder: who, limit: 100 }), NOW + run);
    }
    pool.release({ runId: runId(1), ordinal: 0, attempt: 1 }, MINUTE, NOW);
    expect(pool.takeDue(NOW + 15_000)).toEqual([]);
    expect(pool.takeDue(NOW + 15_010).map(({ holder: { ordinal } }) => ordinal)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ]);
    expect(pool.takeDue(NOW + 15_100)).toHaveLength(49);
    expect(pool.takeDue(NOW + 100_000)).toHaveLength(50);
    expect(pool.takeDue(NOW + 100_000)).toHaveLength(9);
  });

  it("a slot that is kept for a lease is kept no longer when it is given back once more; what waits goes at once", () => {
    const pool = empty();
    for (const run of [1, 2, 3]) ask(pool, request(run));
    pool.release(holder(1), MINUTE, NOW);
    pool.release(holder(1), 5 * MINUTE, NOW + 1);
    pool.release(holder(3), MINUTE, NOW);
    expect([pool.inUse, pool.waiting, pool.nextAt()]).toEqual([2, 0, NOW + 15_000]);
    expect(ask(pool, request(4, { strategy: "skip" }), NOW + MINUTE - 1)).toBe("refused");
    expect(ask(pool, request(5, { strategy: "skip" }), NOW + MINUTE)).toBe("granted");
  });

  it("a slot that comes free is not for who would skip, where others wait", () => {
    const pool = empty();
    for (const run of [1, 2, 3]) ask(pool, request(run));
    pool.release(holder(1), 0, NOW);
    expect(pool.acquire(request(4, { strategy: "skip" }), NOW)).toBe("refused");
  });

  it("a slot is as its run says: held on, or counted in the window", () => {
    const pool = empty();
    expect(pool.nextAt()).toBeNull();
    for (const run of [1, 2]) ask(pool, request(run));
    expect(pool.isEmpty).toBe(false);
    pool.applyStatus(holder(1), { type: "holding" }, NOW);
    const held = ["held", null];
    expect([...pool.entries].map(({ phase, freeAt }) => [phase, freeAt])).toEqual([held, held]);
    pool.applyStatus(holder(1), { type: "spent", perMs: MINUTE }, NOW);
    expect([pool.inUse, [...pool.entries].length, pool.isEmpty]).toEqual([2, 1, false]);
    pool.release(holder(2), 0, NOW);
    expect([pool.inUse, [...pool.entries].length, pool.isEmpty]).toEqual([1, 0, false]);
    expect(pool.grant(NOW + MINUTE)).toEqual([]);
    expect([pool.inUse, pool.isEmpty, pool.nextAt()]).toEqual([0, true, null]);
  });
});

describe("priority", () => {
  it("priority goes before what came up to so many minutes earlier, and behind what came before that", () => {
    const pool = empty();
    ask(pool, request(1, { limit: 1, since: NOW - 10 * MINUTE }), NOW);
    ask(pool, request(2, { limit: 1, since: NOW - 4 * MINUTE }), NOW);
    ask(pool, request(3, { limit: 1, since: NOW - 2 * MINUTE }), NOW);
    ask(pool, request(4, { limit: 1, since: NOW, priority: 3 }), NOW);
    const order: number[] = [];
    for (let run = 1; run !== 0; run = order.at(-1) ?? 0) {
      pool.release(holder(run), 0, NOW);
      const granted = runsOf(pool.grant(NOW));
      if (granted.length === 0) break;
      order.push(...granted);
    }
    expect(order).toEqual([2, 4, 3]);
  });

  it("priority starves nobody: what waits longer than the priorities differ goes first", () => {
    const pool = empty();
    ask(pool, request(1, { limit: 1, since: NOW }));
    ask(pool, request(2, { limit: 1, since: NOW, priority: -1 }));
    for (let number = 3, now = NOW; number < 40; number += 1, now += 5_000) {
      ask(pool, request(number, { limit: 1, since: now, priority: 1 }), now);
    }
    let [running] = [1];
    let passed = 0;
    while (running !== 2) {
      pool.release(holder(running), 0, NOW + 10 * MINUTE);
      running = runsOf(pool.grant(NOW + 10 * MINUTE))[0] ?? 0;
      passed += 1;
    }
    // The one that ran, and the 24 that came within two minutes.
    expect(passed).toBe(25);
  });
});

describe("strategies", () => {
  it("a task with the strategy skip is refused where no slot is free", () => {
    const pool = empty();
    const answers = [1, 2, 3].map((run) => ask(pool, request(run, { strategy: "skip" })));
    expect(answers).toEqual(["granted", "granted", "refused"]);
    expect([pool.inUse, pool.waiting]).toEqual([2, 0]);
  });

  it("the oldest attempts of other runs give way with the strategy cancel_running, one for each that comes", () => {
    const pool = empty();
    const giveWay = (run: number, now = NOW): number[] => {
      expect(ask(pool, request(run), now)).toBe("waiting");
      return runsOf(pool.preemptFor(holder(run), now));
    };
    ask(pool, request(1));
    ask(pool, request(2));
    expect(giveWay(3)).toEqual([1]);
    expect(giveWay(4)).toEqual([2]);
    // Both that run are on their way out: the oldest that waits is next.
    expect(giveWay(5)).toEqual([3]);
    expect(runsOf(pool.takeDue(NOW + 15_000))).toEqual([1, 2, 3]);
    pool.applyStatus(holder(3), { type: "over", afterMs: 0 }, NOW);
    pool.applyStatus(holder(1), { type: "over", afterMs: MINUTE }, NOW);
    // What has ended need not be told any more.
    expect([...pool.entries].find(({ phase }) => phase === "leaving")).toMatchObject({ givesWay: false });
    expect(runsOf(pool.grant(NOW))).toEqual([]);
    pool.release(holder(1), 0, NOW + 1);
    expect(runsOf(pool.grant(NOW + 1))).toEqual([4]);
    expect(runsOf(pool.grant(NOW + MINUTE))).toEqual([]);
    pool.release(holder(2), 0, NOW);
    expect(runsOf(pool.grant(NOW))).toEqual([5]);
  });

  it("nobody gives way with the strategy cancel_running to what has a slot, or is not there, and who has ended need not", () => {
    const pool = empty();
    for (const run of [1, 2]) ask(pool, request(run));
    expect(pool.preemptFor(holder(2), NOW)).toEqual([]);
    expect(pool.preemptFor(holder(9), NOW)).toEqual([]);
    pool.release(holder(1), MINUTE, NOW);
    ask(pool, request(3));
    expect(pool.preemptFor(holder(3), NOW)).toEqual([]);
    ask(pool, request(4));
    expect(pool.preemptFor(holder(4), NOW)).toMatchObject([{ holder: holder(2), checkAt: NOW + 15_000 }]);
    expect(pool.preemptFor(holder(3), NOW)).toEqual([]);
  });

  it("what must give way while it waits must do so still when its turn comes, with the strategy cancel_running", () => {
    const pool = empty();
    for (const run of [1, 2, 3, 4]) {
      ask(pool, request(run, { limit: 1 }));
      pool.preemptFor(holder(run), NOW);
    }
    pool.release(holder(1), 0, NOW);
    expect(pool.grant(NOW)).toMatchObject([{ holder: holder(2), phase: "held", givesWay: true }]);
  });

  it("nobody gives way with the strategy cancel_running to what came before it", () => {
    const pool = empty();
    for (const run of [1, 2, 3]) ask(pool, request(run, { limit: 1 }));
    expect(runsOf(pool.preemptFor(holder(2), NOW))).toEqual([1]);
    expect(pool.preemptFor(holder(2), NOW)).toEqual([]);
  });

  it("the oldest gives way with the strategy cancel_running, in whatever order the pool was read again", () => {
    const pool = empty();
    for (const run of [1, 2, 3]) ask(pool, request(run));
    const again = new Limiter([...pool.entries].toReversed(), [], RULE);
    expect(runsOf(again.preemptFor(holder(3), NOW))).toEqual([1]);
  });

  it("attempts of the same run wait for one another with the strategy cancel_running", () => {
    const pool = empty();
    const same = (ordinal: number): SlotRequest => request(1, { holder: { runId: runId(1), ordinal, attempt: 1 } });
    for (const ordinal of [0, 1, 2]) ask(pool, same(ordinal));
    expect(pool.preemptFor(same(2).holder, NOW)).toEqual([]);
  });
});

describe("a window", () => {
  it("a window of 100 a minute takes a burst of 1,000 in ten minutes: never more than 100 in any minute, none lost", () => {
    const pool = empty();
    const starts: number[] = [];
    const start = (entries: readonly SlotEntry[], now: number): void => {
      for (const entry of entries) {
        // Some start a little after their turn has come.
        const startedAt = now + (entry.seq % 7);
        starts.push(startedAt);
        pool.consume(entry.holder, MINUTE, startedAt);
      }
    };
    for (let number = 0; number < 1_000; number += 1) {
      const asked = request(1, { holder: { runId: runId(1), ordinal: number, attempt: 1 }, limit: 100 });
      pool.acquire(asked, NOW);
      start(pool.grant(NOW), NOW);
    }
    expect(starts).toHaveLength(100);
    for (let at = pool.nextAt(); starts.length < 1_000 && at !== null; at = pool.nextAt()) start(pool.grant(at), at);
    expect(starts).toHaveLength(1_000);
    starts.sort((a, b) => a - b);
    for (const [index, at] of starts.entries()) {
      const before = starts[index - 100];
      if (before !== undefined) expect(at - before).toBeGreaterThanOrEqual(MINUTE);
    }
    expect((starts.at(-1) ?? 0) - NOW).toBeLessThan(9 * MINUTE + 1_000);
  });

  it("a window counts an attempt from its start, however long it waited for a worker", () => {
    const pool = empty();
    for (const run of [1, 2, 3]) ask(pool, request(run));
    pool.consume(holder(1), MINUTE, NOW + 2 * MINUTE);
    expect(runsOf(pool.grant(NOW + 3 * MINUTE - 1))).toEqual([]);
    expect(runsOf(pool.grant(NOW + 3 * MINUTE))).toEqual([3]);
  });

  it("a window is over to the millisecond up to 10,000, and what waits has the first place that comes free", () => {
    const pool = empty();
    const per = 24 * 60 * MINUTE + 1;
    for (const run of [1, 2]) {
      ask(pool, request(run, { limit: 10_000 }));
      pool.consume(holder(run), per, NOW + run);
    }
    expect(pool.nextAt()).toBe(NOW + per + 2);
    ask(pool, request(3, { limit: 2 }));
    expect(pool.nextAt()).toBe(NOW + per + 1);
    expect(runsOf(pool.grant(NOW + per + 1))).toEqual([3]);
  });

  it("a window above 10,000 keeps no more than 10,000 times, and frees no place too early", () => {
    const pool = empty();
    const per = 24 * 60 * MINUTE;
    for (let number = 0; number < 12_000; number += 1) {
      const now = NOW + number;
      const asked = request(1, { holder: { runId: runId(1), ordinal: number, attempt: 1 }, limit: 1_000_000 });
      expect(ask(pool, asked, now)).toBe("granted");
      pool.consume(asked.holder, per, now);
    }
    const changes = pool.takeChanges();
    expect(changes?.window.length).toBeLessThan(10);
    pool.grant(NOW + per);
    expect(pool.inUse).toBe(12_000);
    pool.grant(NOW + 2 * per);
    expect(pool.isEmpty).toBe(true);
  });
});

describe("what is to be recorded", () => {
  it("what is to be recorded is nothing of an attempt that has come and gone, but that it is gone", () => {
    const pool = empty();
    pool.acquire(request(1), NOW);
    pool.release(holder(1), 0, NOW);
    expect(pool.takeChanges()).toEqual({ put: [], gone: [slotId(holder(1))], window: [], rule: RULE });
  });

  it("what is to be recorded is an attempt that has gone and come again as one that is there", () => {
    const pool = empty();
    pool.acquire(request(1), NOW);
    pool.takeChanges();
    pool.release(holder(1), 0, NOW);
    pool.acquire(request(1), NOW);
    expect(pool.takeChanges()).toMatchObject({ put: [{ holder: holder(1) }], gone: [], window: [] });
  });

  it("what is to be recorded is that a place of the window is free, also where nothing else has changed", () => {
    const pool = empty();
    ask(pool, request(1));
    pool.consume(holder(1), MINUTE, NOW);
    pool.takeChanges();
    pool.grant(NOW + MINUTE);
    expect(pool.takeChanges()).toEqual({ put: [], gone: [], window: [{ freeAt: NOW + MINUTE, count: 0 }], rule: null });
  });

  it("what is to be recorded is enough to go on in the order of arrival", () => {
    const pool = empty();
    for (const run of [1, 2, 3]) ask(pool, request(run, { limit: 1 }));
    const again = new Limiter(pool.entries, [], { ...RULE, limit: 1 });
    ask(again, request(4, { limit: 1 }));
    for (const run of [1, 2, 3]) {
      again.release(holder(run), 0, NOW);
      expect(runsOf(again.grant(NOW))).toEqual([run + 1]);
    }
  });
});

describe("the limit of the newest plan", () => {
  it("the limit of the newest plan counts for all: raised, it lets in at once what waits already", () => {
    const pool = empty();
    for (let run = 0; run < 20; run += 1) ask(pool, request(run, { limit: 1, planAt: 1 }));
    expect([pool.inUse, pool.waiting]).toEqual([1, 19]);
    ask(pool, request(20, { limit: 10, planAt: 2 }));
    expect([pool.inUse, pool.waiting]).toEqual([10, 11]);
  });

  it("the limit of the newest plan counts also if no run has brought it, but the deployed plan has", () => {
    const pool = empty();
    for (let run = 0; run < 20; run += 1) ask(pool, request(run, { limit: 1, planAt: 1 }));
    pool.adopt({ limit: 4, perMs: null, planAt: 2 });
    expect(runsOf(pool.grant(NOW))).toEqual([1, 2, 3]);
  });

  it("the limit of the newest plan takes no slot back when it is lowered: nothing new is let in until enough have gone", () => {
    const pool = empty();
    for (let run = 0; run < 6; run += 1) ask(pool, request(run, { limit: 4, planAt: 1 }));
    pool.adopt({ limit: 2, perMs: null, planAt: 2 });
    expect([pool.inUse, runsOf(pool.grant(NOW))]).toEqual([4, []]);
    for (const run of [0, 1]) pool.release(holder(run), 0, NOW);
    expect(runsOf(pool.grant(NOW))).toEqual([]);
    pool.release(holder(2), 0, NOW);
    expect(runsOf(pool.grant(NOW))).toEqual([4]);
  });

  it("the limit of the newest plan is not undone by a run of an older plan", () => {
    const pool = empty();
    ask(pool, request(1, { limit: 3, planAt: 2 }));
    for (const run of [2, 3, 4]) ask(pool, request(run, { limit: 1, planAt: 1 }));
    expect([pool.limit, pool.inUse, pool.waiting]).toEqual([3, 3, 1]);
  });

  it("the limit of the newest plan brings its window too: a shorter one frees the places that are taken already", () => {
    const pool = empty();
    for (const run of [1, 2, 3]) {
      ask(pool, request(run, { perMs: 60 * MINUTE, planAt: 1 }));
      if (run < 3) pool.consume(holder(run), 60 * MINUTE, NOW);
    }
    expect(pool.nextAt()).toBe(NOW + 60 * MINUTE);
    pool.adopt({ limit: 2, perMs: MINUTE, planAt: 2 });
    expect(runsOf(pool.grant(NOW + MINUTE))).toEqual([3]);
  });

  it("the limit of the newest plan is recorded when it changes, and rarely when ever newer runs confirm it", () => {
    const pool = empty();
    const noted = (run: number, planAt: number, limit = 2): LimitRule | null | undefined => {
      ask(pool, request(run, { limit, planAt }));
      return pool.takeChanges()?.rule;
    };
    expect(noted(1, NOW)).toMatchObject({ limit: 2, planAt: NOW });
    expect(noted(2, NOW + 1)).toBeNull();
    expect(noted(3, NOW + MINUTE)).toMatchObject({ planAt: NOW + MINUTE });
    expect(noted(4, NOW + MINUTE + 1, 5)).toMatchObject({ limit: 5 });
  });
});

/** All that can be seen of a pool. */
function standing(pool: Limiter) {
  const entries = [...pool.entries].toSorted((a, b) => a.seq - b.seq);
  return { inUse: pool.inUse, waiting: pool.waiting, isEmpty: pool.isEmpty, nextAt: pool.nextAt(), entries };
}

/** The order in which the rest is granted, when all that have a slot give it back at once and every window is over. */
function rundown(pool: Limiter, now: number): string[] {
  const order: string[] = [];
  for (let round = 1; !pool.isEmpty; round += 1) {
    expect(round).toBeLessThan(100);
    for (const { holder: who, phase } of pool.entries) if (phase !== "waiting") pool.release(who, 0, now);
    order.push(...pool.grant(now + 10 * MINUTE).map((entry) => slotId(entry.holder)));
  }
  return order;
}

describe("any course of things", () => {
  it("any course of things keeps the limit, loses nobody, and is the same again after it was recorded", () => {
    const move = fc.record({
      what: fc.constantFrom("ask", "ask", "ask", "back", "lease", "spend", "check", "time", "reload"),
      run: fc.nat(8),
      attempt: fc.integer({ min: 1, max: 2 }),
      ms: fc.nat(70_000),
      priority: fc.integer({ min: -2, max: 2 }),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), fc.array(move, { maxLength: 60 }), (limit, moves) => {
        let pool = empty();
        let now = NOW;
        const stored = new Map<string, SlotEntry>();
        const window = new Map<number, number>();
        let rule: LimitRule | null = null;
        const granted = new Set<string>();
        for (const { what, run, attempt, ms, priority } of moves) {
          const who = holder(run, attempt);
          if (what === "ask") ask(pool, request(run, { holder: who, limit, priority, since: now }), now);
          if (what === "back") pool.release(who, 0, now);
          if (what === "lease") pool.release(who, ms, now);
          if (what === "spend") pool.consume(who, ms, now);
          if (what === "check") pool.takeDue(now);
          if (what === "time") now += ms;
          for (const entry of pool.grant(now)) granted.add(slotId(entry.holder));
          const changes = pool.takeChanges();
          for (const id of changes?.gone ?? []) stored.delete(id);
          for (const entry of changes?.put ?? []) stored.set(slotId(entry.holder), entry);
          for (const { freeAt, count } of changes?.window ?? [])
            if (count === 0) window.delete(freeAt);
            else window.set(freeAt, count);
          rule = changes?.rule ?? rule;
          expect(pool.takeChanges()).toBeNull();
          const again = new Limiter(stored.values(), window, rule);
          expect(standing(again)).toEqual(standing(pool));
          if (what === "reload") pool = again;
          expect(pool.inUse).toBeLessThanOrEqual(limit);
          expect(pool.waiting === 0 || pool.inUse === limit).toBe(true);
          expect(pool.isEmpty || pool.nextAt() !== null).toBe(true);
        }
        const again = new Limiter(stored.values(), window, rule);
        const [rest, restAgain] = [rundown(pool, now), rundown(again, now)];
        expect(restAgain).toEqual(rest);
      }),
      { numRuns: 300 },
    );
  });
});
