import { env } from "../../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { callRun } from "../../../src/objects/run/run-client.ts";
import type { RunDocument } from "../../../src/objects/run/run-documents-rpc.ts";
import { acceptance, HandDrivenRun, leaseOf, only } from "../../support/hand-driven.ts";
import { inline, succeeded, threw } from "../../support/settlements.ts";
import { loseMessages } from "../../support/lost-messages.ts";
import { nextCall } from "../../support/pool/pipelines/scripted.ts";
import { planOf, taskPlan } from "../../support/plan.ts";

const START = Date.UTC(2027, 0, 1);

const ONE = planOf([taskPlan("only", { method: "scripted" })]);
// top ─┬▶ left ──┬▶ join
//      └▶ right ─┘
const DIAMOND = planOf([
  taskPlan("top", { method: "scripted", downstream: ["left", "right"] }),
  taskPlan("left", { method: "scripted", upstream: ["top"], downstream: ["join"], retries: retries(3) }),
  taskPlan("right", { method: "scripted", upstream: ["top"], downstream: ["join"] }),
  taskPlan("join", { method: "scripted", upstream: ["left", "right"] }),
]);

function retries(limit: number) {
  return { limit, delayMs: 0, backoff: "constant", maxDelayMs: 0, jitter: false } as const;
}

/** What runs of the same story have in common. */
function story(document: RunDocument) {
  return { ...document, run_id: null };
}

beforeEach(() => {
  vi.setSystemTime(START);
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  vi.spyOn(console, "error").mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Drives a diamond with one retry to its end; `disturb` is called between any two calls. */
async function driveDiamond(disturb: (run: HandDrivenRun, call: number) => Promise<void>) {
  let calls = 0;
  vi.setSystemTime(START);
  const { run, answer } = await HandDrivenRun.accept(acceptance(DIAMOND, "top", { payload: "trigger" }));
  const between = async <T>(value: T): Promise<T> => {
    calls += 1;
    vi.setSystemTime(START + calls * 100);
    await disturb(run, calls);
    return value;
  };
  await between(null);
  const sides = await between(await run.settle({ ...succeeded(only(answer.grant), { top: 1 }), logs: [line] }));
  const again = await between(await run.settle(threw(leaseOf(sides, "left"), { retryable: true, retryAfterMs: 0 })));
  await between(await run.settle(succeeded(leaseOf(sides, "right"), new Uint8Array([1, 2]))));
  const joined = only(await between(await run.settle(succeeded(only(again), "left"))));
  const end = await between(await run.settle(succeeded(joined, null)));
  expect(end.leases).toEqual([]);
  return { run, calls, join: joined };
}
const line = { at: START, level: "warn", message: "of the top", fields: { a: 1 } } as const;

describe("an object that is evicted", () => {
  it("an object that is evicted between any two calls changes nothing: the journal is the run", async () => {
    const undisturbed = await driveDiamond(async () => undefined);
    const expected = {
      document: story(await undisturbed.run.document()),
      kinds: (await undisturbed.run.journal()).map(({ kind }) => kind),
      logs: await undisturbed.run.call((object) => object.logs("top")),
    };
    expect(expected.document.status).toBe("succeeded");
    for (let evicted = 0; evicted <= undisturbed.calls; evicted += 1) {
      // 0 stands for: after every call.
      const { run, join } = await driveDiamond(async (run, call) => {
        if (evicted === 0 || evicted === call) await run.evict();
      });
      expect(story(await run.document())).toEqual(expected.document);
      expect((await run.journal()).map(({ kind }) => kind)).toEqual(expected.kinds);
      expect(await run.call((object) => object.logs("top"))).toEqual(expected.logs);
      expect(join.inputs).toEqual([
        { parent: "left", payload: inline("left") },
        { parent: "right", payload: inline(new Uint8Array([1, 2])) },
      ]);
      expect(join).toMatchObject({ attempt: undisturbed.join.attempt, token: undisturbed.join.token });
    }
  });
});

describe("an object that is reset", () => {
  it("an object that is reset between any two calls changes nothing", async () => {
    const undisturbed = await driveDiamond(async () => undefined);
    const { run } = await driveDiamond((run) => run.abort());
    expect(story(await run.document())).toEqual(story(await undisturbed.run.document()));
  });

  it("an object that is reset during a call is called again by a fresh stub", async () => {
    const { run, answer } = await HandDrivenRun.accept(acceptance(ONE, "only"));
    let stubs = 0;
    const waiting = callRun(env, run.id, (object) => {
      stubs += 1;
      return object.untilFinal(10_000);
    });
    await run.document();
    await run.abort();
    await run.settle(succeeded(only(answer.grant)));
    expect((await waiting)?.status).toBe("succeeded");
    expect(stubs).toBe(2);
  });
});

describe("the alarm of a run", () => {
  it("the alarm of a run is set for the first thing that is due, and for the end of retention once the run is final and listed", async () => {
    const { run, answer } = await HandDrivenRun.accept(acceptance(DIAMOND, "top"));
    expect(await run.alarmAt()).toBe(START + 8_000);
    await run.call((object) => object.cancel());
    // The one that is set already looks whether the run is listed.
    expect(await run.alarmAt()).toBe(START + 8_000);
    expect(only(answer.grant).attempt).toBe(1);
    vi.setSystemTime(START + 35_000);
    await run.wake();
    expect(await run.alarmAt()).toBe(START + DIAMOND.retentionMs);
  });

  it("the alarm of a run looks for a run that has ended in the catalog, also if it was gone", async () => {
    const { run, answer } = await HandDrivenRun.accept(acceptance(ONE, "only"));
    await run.settle(succeeded(only(answer.grant)));
    await vi.waitFor(async () => expect(await run.alarmAt()).toBe(START + ONE.retentionMs), 10_000);
    await run.inside(({ storage }) => storage.deleteAlarm());
    await run.evict();
    await run.document();
    await vi.waitFor(async () => expect(await run.alarmAt()).toBe(START + 10_000), 10_000);
    await run.wake();
    expect(await run.alarmAt()).toBe(START + ONE.retentionMs);
  });

  it("the alarm of a run is set again by the next call if it is gone", async () => {
    const { run } = await HandDrivenRun.accept(acceptance(ONE, "only"));
    await run.inside(({ storage }) => storage.deleteAlarm());
    await run.evict();
    await run.document();
    await vi.waitFor(async () => expect(await run.alarmAt()).toBe(START + 4_000), 10_000);
  });

  it("the alarm of a run is moved forward by the next call if it is too late", async () => {
    const { run } = await HandDrivenRun.accept(acceptance(ONE, "only"));
    await run.inside(({ storage }) => storage.setAlarm(START + 9_000_000));
    await run.evict();
    await run.document();
    await vi.waitFor(async () => expect(await run.alarmAt()).toBe(START + 4_000), 10_000);
  });

  it("the alarm of a run is not moved behind what is due sooner by the first call after an eviction", async () => {
    const { run, answer } = await HandDrivenRun.accept(acceptance(DIAMOND, "top"));
    const sides = await run.settle(succeeded(only(answer.grant)));
    await run.evict();
    vi.setSystemTime(START + 1_000);
    // Of the two that run, one asks to be tried again in a day; the lease of the other runs out in 35 s.
    await run.settle(threw(leaseOf(sides, "left"), { retryable: true, retryAfterMs: 86_400_000 }));
    expect(await run.alarmAt()).toBeLessThanOrEqual(START + 35_000);
  });

  it("the alarm of a run is known as it stands after an eviction, so that what becomes due sooner moves it", async () => {
    const messages = loseMessages();
    const { run } = await HandDrivenRun.accept(acceptance(DIAMOND, "top", { claim: null }));
    expect(await run.alarmAt()).toBe(START + 10_000);
    await run.evict();
    // The first call after it moves the alarm back, from the message's 10 s to the lease's 35 s.
    const top = only(await run.claim());
    const { leases } = await run.settle(succeeded(top));
    const left = leaseOf({ leases }, "left");
    await run.settle(threw(left, { retryable: true, retryAfterMs: 15_000 }));
    expect(await run.alarmAt()).toBeLessThanOrEqual(START + 15_000);
    expect(messages.sent()).toBe(1);
  });

  it("the alarm of a run does not reject when storage fails, but is set again, with growing pauses, and then goes on", async () => {
    const { run } = await HandDrivenRun.accept(acceptance(ONE, "only"));
    vi.setSystemTime(START + 35_000);
    const sql: SqlStorage = await run.inside(({ storage }) => Object.getPrototypeOf(storage.sql));
    const broken = vi.spyOn(sql, "exec").mockImplementation(() => {
      throw new Error("disk I/O error");
    });
    const alarms: number[] = [];
    for (let strike = 0; strike < 3; strike += 1) {
      expect(await run.wake()).toBe(true);
      alarms.push(((await run.alarmAt()) ?? 0) - START - 35_000);
    }
    expect(alarms).toEqual([1_000, 2_000, 4_000]);
    broken.mockRestore();
    expect((await run.document()).tasks[0]).toMatchObject({ status: "running" });
    await run.wake();
    expect((await run.document()).tasks[0]).toMatchObject({ status: "retrying" });
    vi.setSystemTime((await run.alarmAt()) ?? 0);
    await run.wake();
    const executing = run.executes(0, 2);
    (await nextCall(run.id)).succeed();
    await executing;
    expect((await run.final()).tasks[0]?.attempts.map(({ status }) => status)).toEqual(["lost", "succeeded"]);
  });
});

describe("a run whose message is lost", () => {
  it("a run whose message is lost is sent again after 10 s, and finishes", async () => {
    const messages = loseMessages();
    const { run } = await HandDrivenRun.accept(acceptance(ONE, "only", { claim: null }));
    expect(messages.sent()).toBe(1);
    expect(await run.alarmAt()).toBe(START + 10_000);
    vi.setSystemTime(START + 10_000);
    messages.stop();
    await run.wake();
    (await nextCall(run.id)).succeed();
    expect((await run.final()).status).toBe("succeeded");
  });

  it("a run whose message is lost is sent again with growing pauses, as long as nobody comes", async () => {
    const messages = loseMessages();
    const { run } = await HandDrivenRun.accept(acceptance(ONE, "only", { claim: null }));
    const due: number[] = [];
    for (let sent = 1; sent <= 7; sent += 1) {
      const at = (await run.alarmAt()) ?? 0;
      due.push((at - Date.now()) / 1_000);
      vi.setSystemTime(at);
      await run.wake();
      expect(messages.sent()).toBe(sent + 1);
    }
    expect(due).toEqual([10, 20, 40, 80, 160, 300, 300]);
    expect(only(await run.claim()).attempt).toBe(1);
  });
});
