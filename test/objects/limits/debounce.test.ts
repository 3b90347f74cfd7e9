import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { driven } from "../../support/driven-object.ts";
import { env } from "../../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RunId } from "../../../src/domain/ids.ts";
import { DebounceController } from "../../../src/objects/debounce/debounce-controller.ts";
import { KeyStore } from "../../../src/objects/debounce/key-store.ts";
import { DebounceStore } from "../../../src/objects/debounce/store.ts";
import type { WindowAnswer, WindowRequest } from "../../../src/objects/debounce/debounce-rpc.ts";
import { callRun } from "../../../src/objects/run/run-client.ts";
import { acceptance, newRunId } from "../../support/hand-driven.ts";
import { planOf, taskPlan } from "../../support/plan.ts";

const DAY_MS = 86_400_000;
const START = Date.UTC(2027, 0, 1);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: START });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** A window's object of its own, driven by hand. */
function debounce() {
  const stub = env.DEBOUNCES.getByName(`debounce/t/${crypto.randomUUID()}`);
  return {
    ask: (request: Partial<WindowRequest> = {}): Promise<WindowAnswer> =>
      stub.window({ key: null, keepMs: 30 * DAY_MS, started: null, notTakenBy: null, fresh: newRunId(), ...request }),
    namedFor: (key: string) => stub.namedFor(key),
    evict: () => driven(stub).evict(),
    wakeIfDue: () => driven(stub).wakeIfDue(),
    left: () =>
      driven(stub).inside(async ({ storage }) => {
        const { sql } = storage;
        const tables = sql.exec("SELECT name FROM sqlite_master WHERE name IN ('open_window', 'named_run')").toArray();
        const named = tables.length === 0 ? 0 : Number(sql.exec("SELECT count(*) AS n FROM named_run").one()["n"]);
        return { tables: tables.length, named, alarm: await storage.getAlarm() };
      }),
  };
}

describe("a debounce window", () => {
  it("a debounce window names one run until that is found started, and then another", async () => {
    const window = debounce();
    const first = await window.ask();
    expect(await window.ask()).toEqual(first);
    await window.evict();
    expect(await window.ask()).toEqual(first);
    const second = await window.ask({ started: first.runId });
    expect(second.runId).not.toBe(first.runId);
    // Another caller that has found the first one started comes later.
    expect(await window.ask({ started: first.runId })).toEqual(second);
  });

  it("a debounce window has its run made for a minute, and after that only found: one that is not there then was deleted", async () => {
    const window = debounce();
    const first = await window.ask();
    vi.setSystemTime(START + 59_000);
    expect(await window.ask()).toEqual({ runId: first.runId, is: "opened" });
    vi.setSystemTime(START + 60_000);
    await window.evict();
    expect(await window.ask()).toEqual({ runId: first.runId, is: "open" });
  });

  it("a debounce window has the run asked that was named for a key, until that is found not to have taken it", async () => {
    const window = debounce();
    const first = await window.ask({ key: "k" });
    expect(await window.ask({ key: "k" })).toEqual({ runId: first.runId, is: "opened" });
    const second = await window.ask({ started: first.runId });
    for (let times = 0; times < 2; times += 1)
      expect(await window.ask({ key: "k" })).toEqual({ runId: first.runId, is: "named" });
    expect(await window.ask({ key: "k", notTakenBy: first.runId })).toEqual(second);
    expect(await window.namedFor("k")).toBe(second.runId);
  });

  it("a debounce window forgets its keys after their time, under steady traffic too", async () => {
    const window = debounce();
    let open = (await window.ask({ key: "first", keepMs: 5 * DAY_MS })).runId;
    let most = 0;
    let alarms = 0;
    // Twice a day: an alarm that each window moved would never be due.
    for (let half = 1; half <= 120; half += 1) {
      vi.setSystemTime(START + (half * DAY_MS) / 2 + 1);
      if (await window.wakeIfDue()) alarms += 1;
      open = (await window.ask({ key: `half-day ${half}`, keepMs: 5 * DAY_MS, started: open })).runId;
      most = Math.max(most, (await window.left()).named);
    }
    expect(most).toBeLessThanOrEqual(14);
    expect(alarms).toBeGreaterThanOrEqual(50);
    expect(await window.namedFor("first")).toBeNull();
  });

  it("a debounce window knows its keys until their time, though its run does not wait any more, and looks at them once a day", async () => {
    const window = debounce();
    const { runId } = await window.ask({ key: "k", keepMs: 5 * DAY_MS });
    expect((await window.left()).alarm).toBe(START + DAY_MS);
    const known: boolean[] = [];
    for (let day = 1; day <= 6; day += 1) {
      vi.setSystemTime(START + day * DAY_MS + 1);
      await window.wakeIfDue();
      known.push((await window.namedFor("k")) === runId);
      expect((await window.left()).alarm).toBe(known.at(-1) === true ? Date.now() + DAY_MS : null);
    }
    expect(known).toEqual([true, true, true, true, false, false]);
  });

  it("a debounce window leaves nothing once its keys are forgotten and its run does not wait any more", async () => {
    const window = debounce();
    await window.ask({ key: "k", keepMs: 2 * DAY_MS });
    for (let day = 1; day <= 3; day += 1) {
      vi.setSystemTime(START + day * DAY_MS + 1);
      await window.wakeIfDue();
    }
    expect(await window.left()).toEqual({ tables: 0, named: 0, alarm: null });
    // It begins like a new one, also for who has found its last run started.
    const fresh = newRunId();
    expect(await window.ask({ started: newRunId(), fresh })).toEqual({ runId: fresh, is: "opened" });
    expect((await window.left()).alarm).toBe(Date.now() + DAY_MS);
  });

  it("a debounce window that was evicted leaves its alarm where it is, however often it is asked", async () => {
    const window = debounce();
    for (let hour = 0; hour < 24; hour += 8) {
      vi.setSystemTime(START + (hour * DAY_MS) / 24);
      await window.ask({ key: "k" });
      await window.evict();
      expect((await window.left()).alarm).toBe(START + DAY_MS);
    }
  });

  it("a debounce window that opens while the run of the last one is asked stays", async () => {
    const stub = env.DEBOUNCES.getByName(`debounce/t/${crypto.randomUUID()}`);
    await driven(stub).inside(async ({ storage }) => {
      const opening = (started: RunId | null): WindowRequest => {
        return { key: null, keepMs: DAY_MS, started, notTakenBy: null, fresh: newRunId() };
      };
      const opened: WindowAnswer[] = [];
      const controller = new DebounceController(new DebounceStore(storage), new KeyStore(storage), {
        now: () => Date.now(),
        getAlarm: async () => null,
        setAlarm: () => undefined,
        log: () => undefined,
        isWaiting: async (runId) => {
          opened.push(await controller.window(opening(runId)));
          return false;
        },
      });
      await controller.window(opening(null));
      await controller.alarm();
      expect([await controller.window(opening(null))]).toEqual(opened);
    });
  });

  it("a debounce window stays open for as long as its run waits, however long that is", async () => {
    const plan = planOf([taskPlan("only", { method: "scripted" })]);
    const window = debounce();
    const { runId } = await window.ask();
    const request = { ...acceptance(plan, "only", { claim: null }), runId, delayMs: 90 * DAY_MS };
    await callRun(env, runId, (run) => run.accept(request));
    for (let day = 1; day <= 40; day += 1) {
      vi.setSystemTime(START + day * DAY_MS + 1);
      await window.wakeIfDue();
    }
    expect(await window.ask()).toEqual({ runId, is: "open" });
    await callRun(env, runId, (run) => run.cancel());
  });

  it("a debounce window whose run cannot be asked stays, says so, and is looked at again a day later", async () => {
    const window = debounce();
    const { runId } = await window.ask();
    vi.stubGlobal("scheduler", { wait: async () => undefined });
    vi.spyOn(env.RUNS, "getByName").mockImplementation(() => {
      throw new Error("the run cannot be reached");
    });
    const told = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    vi.setSystemTime(START + DAY_MS + 1);
    expect(await window.wakeIfDue()).toBe(true);
    expect(await window.left()).toEqual({ tables: 2, named: 0, alarm: Date.now() + DAY_MS });
    expect(JSON.stringify(told.mock.calls)).toContain("a debounce window could not be looked at");
    expect(await window.ask()).toEqual({ runId, is: "open" });
  });

  it("a debounce window is not made by who only asks what it knows", async () => {
    const window = debounce();
    expect(await window.namedFor("k")).toBeNull();
    expect(await window.left()).toEqual({ tables: 0, named: 0, alarm: null });
  });
});

describe("an object that binds keys to windows", () => {
  const stubOf = () => env.DEBOUNCES.getByName(`debounce/t/${crypto.randomUUID()}`);
  const request = { key: "k", window: "one", instead: null, keepMs: 3 * DAY_MS } as const;

  it("an object that binds keys to windows binds a key to its first window, and says for a minute that its trigger may still be on the way", async () => {
    const stub = stubOf();
    expect(await stub.bindKey(request)).toEqual({ window: "one", isNew: true });
    expect(await stub.bindKey({ ...request, key: "other", window: "two" })).toEqual({ window: "two", isNew: true });
    vi.setSystemTime(START + 59_999);
    expect(await stub.bindKey({ ...request, window: "two" })).toEqual({ window: "one", isNew: true });
    await evictDurableObject(stub);
    vi.setSystemTime(START + 60_000);
    expect(await stub.bindKey({ ...request, window: "two" })).toEqual({ window: "one", isNew: false });
  });

  it("an object that binds keys to windows binds a key anew only in place of the window that was asked in vain", async () => {
    const stub = stubOf();
    await stub.bindKey(request);
    expect(await stub.bindKey({ ...request, window: "two", instead: "three" })).toMatchObject({ window: "one" });
    vi.setSystemTime(START + 90_000);
    expect(await stub.bindKey({ ...request, window: "two", instead: "one" })).toEqual({ window: "two", isNew: true });
    expect(await stub.bindKey({ ...request, window: "three", instead: "one" })).toMatchObject({ window: "two" });
  });

  it("an object that binds keys to windows forgets a key when its time is over, and leaves nothing behind the last one", async () => {
    const stub = stubOf();
    await stub.bindKey(request);
    await stub.bindKey({ ...request, key: "longer", keepMs: 4 * DAY_MS });
    const left = () =>
      runInDurableObject(stub, async (_, { storage }) => {
        const tables = storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'key_binding'").toArray();
        const keys = tables.length === 0 ? [] : storage.sql.exec("SELECT key_digest FROM key_binding").toArray();
        return { tables: tables.length, keys: keys.length, alarm: await storage.getAlarm() };
      });
    vi.setSystemTime(START + 3 * DAY_MS - 1);
    await runDurableObjectAlarm(stub);
    expect(await left()).toMatchObject({ tables: 1, keys: 2 });
    vi.setSystemTime(START + 3 * DAY_MS);
    expect(await stub.bindKey({ ...request, window: "two" })).toMatchObject({ window: "two" });
    vi.setSystemTime(START + 4 * DAY_MS);
    await runDurableObjectAlarm(stub);
    expect(await left()).toEqual({ tables: 1, keys: 1, alarm: START + 5 * DAY_MS });
    vi.setSystemTime(START + 6 * DAY_MS);
    await runDurableObjectAlarm(stub);
    expect(await left()).toEqual({ tables: 0, keys: 0, alarm: null });
  });
});
