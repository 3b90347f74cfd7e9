import { driven } from "../../support/driven-object.ts";
import { env } from "../../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RunId } from "../../../src/domain/ids.ts";
import type { Strategy } from "../../../src/domain/limits/limit.ts";
import type { Plan } from "../../../src/domain/plan/plan.ts";
import type { Lease } from "../../../src/objects/run/lease-rpc.ts";
import type { HandDrivenRun } from "../../support/hand-driven.ts";
import { succeeded, threw } from "../../support/settlements.ts";
import { acceptLimited, claimed, Limit } from "../../support/limited-runs.ts";
import { IS_LONG } from "../../support/long.ts";
import { loseMessages } from "../../support/lost-messages.ts";
import { planOf, taskPlan } from "../../support/plan.ts";
import { nextCall } from "../../support/pool/pipelines/scripted.ts";

const START = Date.UTC(2027, 0, 1);
const LEASE_MS = 25_000 + 10_000;
/** For machines that are busy with something else. */
const LONG = { timeout: 240_000 };
/** They come at once, fifty at a time. */
const RUNS = IS_LONG ? 500 : 200;
const KEYS = IS_LONG ? 50 : 20;
/** When a limit has asked about its slots. */
const CHECK_MS = 16_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: START });
  loseMessages();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A plan of one task of this name, so that each test has a limit of its own. */
function limitedPlan(name: string, limit: number, strategy: Strategy = "queue", keyed = false): Plan {
  const concurrency = { limit, strategy, key: keyed ? ["user"] : null };
  const limits = { concurrency, rateLimit: null, priority: 0 };
  const retries = { limit: 1, delayMs: 1_000, backoff: "constant", maxDelayMs: 1_000, jitter: false } as const;
  return planOf([taskPlan(name, { method: "scripted", limits, retries })]);
}

/** Ends attempts until every run is final; drivers die at random. The most that may have run at once, by key. */
async function driveAll(
  runs: ReadonlyMap<RunId, { readonly run: HandDrivenRun; readonly limit: Limit }>,
  dice: () => number,
): Promise<Map<Limit, number>> {
  const most = new Map<Limit, number>();
  const limits = new Set([...runs.values()].map(({ limit }) => limit));
  const left = new Set(runs.keys());
  /** Attempts whose code may be under way: a driver that was lost may go on until its lease is over. */
  const running = new Map<RunId, { readonly lease: Lease; readonly until: number; readonly isLost: boolean }>();
  /** Their next attempts may be due. */
  const wereLost = new Set<RunId>();
  for (let round = 0; left.size > 0; round += 1) {
    if (round > 5_000) throw new Error(`${left.size} runs are left`);
    for (const limit of limits) {
      for (const runId of await limit.holders()) {
        const known = runs.get(runId);
        if (known === undefined || running.has(runId)) continue;
        if (wereLost.has(runId)) {
          if (await hasEndedAlone(known.run)) left.delete(runId);
          continue;
        }
        for (const lease of await permitted(known.run))
          running.set(runId, { lease, until: Date.now() + LEASE_MS, isLost: dice() < 0.1 });
      }
      const atOnce = [...running.keys()].filter((runId) => runs.get(runId)?.limit === limit).length;
      most.set(limit, Math.max(most.get(limit) ?? 0, atOnce));
      if (dice() < 0.05) await limit.evict();
    }
    const alive = [...running].filter(([, { isLost }]) => !isLost);
    for (const [runId, { lease }] of alive) {
      running.delete(runId);
      left.delete(runId);
      await runs.get(runId)?.run.settle(succeeded(lease));
    }
    if (alive.length > 0) continue;
    // Only lost ones are left: time passes until their leases are over. A run that never heard of its slot is told again.
    vi.setSystemTime(Math.max(Date.now() + CHECK_MS, ...[...running.values()].map(({ until }) => until)));
    for (const runId of running.keys()) wereLost.add(runId);
    running.clear();
    for (const runId of wereLost) if (left.has(runId)) await runs.get(runId)?.run.wake();
    for (const limit of limits) await limit.wake();
  }
  return most;
}

/** Has a task that was lost with its driver run: alone now, in an executor object. False: it has not heard of its slot yet. */
async function hasEndedAlone(run: HandDrivenRun): Promise<boolean> {
  for (let look = 0; look < 10; look += 1) {
    const { attempts = [] } = (await run.document()).tasks[0] ?? {};
    const executor = env.EXECUTORS.getByName(`${run.id}/0/${attempts.length + 1}/1`);
    // The clock of the test is not that of alarms.
    if ((await driven(executor).alarmAt()) === null) continue;
    const ended = driven(executor).wake();
    (await nextCall(run.id)).succeed();
    await ended;
    return (await run.document()).status === "succeeded";
  }
  return false;
}

/** What the run may do, once it has heard that it has a slot; nothing if it does not hear of it. */
async function permitted(run: HandDrivenRun): Promise<readonly Lease[]> {
  for (let look = 0; look < 10; look += 1) {
    const leases = await claimed(run);
    if (leases.length > 0) return leases;
  }
  return [];
}

/** Numbers in [0, 1) that are the same in every run of the tests. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe("a limit of 5", () => {
  it(
    `a limit of 5 lets never six of ${RUNS} runs at it, whatever drivers and objects die; all finish, and all slots are free`,
    LONG,
    async () => {
      const plan = limitedPlan("five", 5);
      const limit = new Limit("five");
      const runs = new Map<RunId, { run: HandDrivenRun; limit: Limit }>();
      for (let from = 0; from < RUNS; from += 50) {
        const accepted = await Promise.all(Array.from({ length: 50 }, () => acceptLimited(plan, "five")));
        for (const run of accepted) runs.set(run.id, { run, limit });
      }
      await limit.until({ inUse: 5, waiting: RUNS - 5 });
      const most = await driveAll(runs, seeded(5));
      expect(most.get(limit)).toBe(5);
      for (const { run } of runs.values()) expect((await run.document()).status).toBe("succeeded");
      await limit.until({ inUse: 0, waiting: 0 });
      await limit.wake();
      expect(await limit.isGone()).toBe(true);
    },
  );
});

describe("a limit with a key", () => {
  it(`a limit with a key holds for each of ${KEYS} keys by itself`, LONG, async () => {
    const plan = limitedPlan("each_user", 2, "queue", true);
    const runs = new Map<RunId, { run: HandDrivenRun; limit: Limit }>();
    for (let user = 0; user < KEYS; user += 1) {
      const key = JSON.stringify(`user ${user}`);
      const limit = new Limit("each_user", { key });
      const accepted = await Promise.all(
        Array.from({ length: 4 }, () => acceptLimited(plan, "each_user", { concurrency: key })),
      );
      for (const run of accepted) runs.set(run.id, { run, limit });
      await limit.until({ inUse: 2, waiting: 2 });
    }
    const most = await driveAll(runs, seeded(50));
    expect([...most.values()]).toEqual(Array.from({ length: KEYS }, () => 2));
    for (const { run, limit } of runs.values()) {
      expect((await run.document()).status).toBe("succeeded");
      await limit.until({ inUse: 0, waiting: 0 });
    }
  });
});

describe("waiting attempts", () => {
  it("waiting attempts start in order of arrival, and say what they wait for", async () => {
    const plan = limitedPlan("in_order", 1);
    const limit = new Limit("in_order");
    const runs: HandDrivenRun[] = [];
    for (let number = 0; number < 10; number += 1) {
      vi.setSystemTime(START + number);
      runs.push(await acceptLimited(plan, "in_order"));
      await limit.until({ inUse: 1, waiting: number });
    }
    const [task] = (await runs[3]?.document())?.tasks ?? [];
    expect(task).toMatchObject({
      status: "queued",
      waiting_for: { for: "concurrency", key: null, since: expect.stringMatching(/^2027-01-01T00:00:0/) },
    });
    for (const run of runs) {
      expect(await limit.holders()).toEqual([run.id]);
      const [lease] = await vi.waitFor(async () => {
        const leases = await claimed(run);
        if (leases.length === 0) throw new Error("not permitted yet");
        return leases;
      }, 10_000);
      if (lease === undefined) throw new Error("no lease");
      await run.settle(succeeded(lease));
      await vi.waitFor(async () => expect(await limit.holders()).not.toEqual([run.id]), 10_000);
    }
  });

  it("waiting attempts hold no slot between two attempts", async () => {
    const plan = limitedPlan("pausing", 1);
    const limit = new Limit("pausing");
    const first = await acceptLimited(plan, "pausing");
    await limit.until({ inUse: 1, waiting: 0 });
    const second = await acceptLimited(plan, "pausing");
    await limit.until({ inUse: 1, waiting: 1 });
    const [lease] = await claimed(first);
    if (lease === undefined) throw new Error("no lease");
    await first.settle(threw(lease, { retryable: true }));
    await vi.waitFor(async () => expect(await limit.holders()).toEqual([second.id]), 10_000);
    vi.setSystemTime(START + 2_000);
    await first.wake();
    await limit.until({ inUse: 1, waiting: 1 });
  });

  it("waiting attempts that are cancelled leave the line", async () => {
    const plan = limitedPlan("leaving", 1);
    const limit = new Limit("leaving");
    await acceptLimited(plan, "leaving");
    await limit.until({ inUse: 1, waiting: 0 });
    const second = await acceptLimited(plan, "leaving");
    await limit.until({ inUse: 1, waiting: 1 });
    await second.call((run) => run.cancel());
    await limit.until({ inUse: 1, waiting: 0 });
  });
});

describe("a slot that nobody gave back", () => {
  it("a slot that nobody gave back comes back when the limit asks the run, which has gone on", async () => {
    const plan = limitedPlan("forgotten", 1);
    const limit = new Limit("forgotten");
    const run = await acceptLimited(plan, "forgotten");
    await limit.until({ inUse: 1, waiting: 0 });
    // The run is gone, and with it the call that it owed.
    await run.inside(async ({ storage }) => storage.deleteAll());
    await run.evict();
    vi.setSystemTime(START + CHECK_MS);
    await limit.wake();
    await limit.until({ inUse: 0, waiting: 0 });
  });

  it("a slot that nobody gave back is kept as long as its attempt may run, however late it is", async () => {
    const plan = limitedPlan("late", 1);
    const limit = new Limit("late");
    const run = await acceptLimited(plan, "late");
    await limit.until({ inUse: 1, waiting: 0 });
    await claimed(run);
    for (let check = 0; check < 5; check += 1) {
      vi.setSystemTime(START + check * 600_000);
      await limit.wake();
    }
    expect(await limit.use()).toEqual({ inUse: 1, waiting: 0 });
  });
});

describe("strategies", () => {
  it("the task that finds no slot is skipped with the strategy skip", async () => {
    const plan = limitedPlan("skipping", 1, "skip");
    const limit = new Limit("skipping");
    await acceptLimited(plan, "skipping");
    await limit.until({ inUse: 1, waiting: 0 });
    const second = await acceptLimited(plan, "skipping");
    const { tasks } = await second.final();
    expect(tasks[0]).toMatchObject({ status: "skipped", reason: "concurrency", attempts: [] });
    expect(await limit.use()).toEqual({ inUse: 1, waiting: 0 });
  });

  it("the oldest attempt gives way with the strategy cancel_running, and the new one starts when that has ended", async () => {
    const plan = limitedPlan("newest", 1, "cancel_running");
    const limit = new Limit("newest");
    const first = await acceptLimited(plan, "newest");
    await limit.until({ inUse: 1, waiting: 0 });
    const [lease] = await claimed(first);
    if (lease === undefined) throw new Error("no lease");
    const second = await acceptLimited(plan, "newest");
    const { status, tasks } = await first.final();
    expect(status).toBe("cancelled");
    expect(tasks[0]).toMatchObject({ status: "cancelled", reason: "concurrency" });
    expect(tasks[0]?.attempts.map((attempt) => attempt.status)).toEqual(["cancelled"]);
    await limit.until({ inUse: 1, waiting: 1 });
    expect(await claimed(second)).toEqual([]);
    // Its driver reports that it has ended: what it says changes nothing, but its slot is free.
    await first.settle(succeeded(lease));
    await limit.until({ inUse: 1, waiting: 0 });
    expect(await limit.holders()).toEqual([second.id]);
    expect((await first.document()).status).toBe("cancelled");
  });

  it("the new attempt starts with the strategy cancel_running at the latest when the lease of the one that gave way is over", async () => {
    const plan = limitedPlan("silent", 1, "cancel_running");
    const limit = new Limit("silent");
    const first = await acceptLimited(plan, "silent");
    await limit.until({ inUse: 1, waiting: 0 });
    await claimed(first);
    const second = await acceptLimited(plan, "silent");
    await first.final();
    await vi.waitFor(async () => expect(await limit.holders()).toEqual([]), 10_000);
    vi.setSystemTime(START + LEASE_MS + 1_000);
    await vi.waitFor(async () => {
      await limit.wake();
      expect(await limit.holders()).toEqual([second.id]);
    }, 10_000);
  });
});
