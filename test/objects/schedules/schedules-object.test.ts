import { env } from "../../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ok } from "../../../src/domain/problem.ts";
import { callRun } from "../../../src/objects/run/run-client.ts";
import { RunObject } from "../../../src/objects/run/run-object.ts";
import { newRunId } from "../../support/hand-driven.ts";
import { loseMessages } from "../../support/lost-messages.ts";
import { makeNewer } from "../../support/newer-tables.ts";
import { Accepted, clockOf, controllerOver, schedule, ScheduleClock } from "./clock.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

// Each test has a day of its own: a due time of a task is one run, whichever test it is in.
let day = Date.UTC(2027, 0, 1);
const at = (hour: number, minute = 0): number => day + hour * HOUR + minute * MINUTE;

let accepted: Accepted;

beforeEach(() => {
  day += 24 * HOUR;
  vi.setSystemTime(at(0, 15));
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  // No run is driven: it stays queued until the test ends it.
  loseMessages();
  accepted = new Accepted();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("the alarm of the schedules", () => {
  it("the alarm of the schedules fires at each due time over all schedules, in their own zones", async () => {
    const clock = new ScheduleClock();
    await clock.sync(
      "1",
      schedule({ cron: "0 6 * * *" }),
      schedule({ id: "b", cron: "0 6 * * *", timezone: "Europe/Zurich", task: "echo" }),
      schedule({ id: "c", cron: "0 6 * * *", timezone: "America/New_York", task: "left" }),
    );
    expect(await clock.advanceTo(at(12))).toEqual([at(5), at(6), at(11)]);
    expect(accepted.runs()).toEqual(["05:00", "06:00", "11:00"]);
  });

  it("the alarm of the schedules fires at full seconds where an expression has them", async () => {
    const clock = await clockOf({ cron: "*/20 * * * * *" });
    await clock.advanceTo(at(0, 16));
    expect(accepted.runs()).toEqual(["00:15:20", "00:15:40", "00:16"]);
  });

  it("the alarm of the schedules starts a run with its task, source, payload and one key for the due time", async () => {
    const clock = await clockOf({ payload: '{"full":true,"due_at":"x"}' });
    await clock.advanceTo(at(1));
    const run = await clock.lastRun();
    expect(run).toMatchObject({
      task: "scripted",
      status: "queued",
      trigger: { source: "schedule", by: "0 * * * *", parent: null },
      created_at: new Date(at(1)).toISOString(),
    });
    const payload = await callRun(env, run.run_id, (object) => object.payload(null));
    expect(payload?.at === "inline" && new TextDecoder().decode(payload.bytes)).toBe('{"full":true,"due_at":"x"}');
  });

  it("the alarm of the schedules without a payload passes which schedule is due, and when", async () => {
    const clock = await clockOf({ timezone: "Asia/Kathmandu", cron: "45 6 * * *" });
    await clock.advanceTo(at(1));
    const payload = await callRun(env, (await clock.lastRun()).run_id, (object) => object.payload(null));
    expect(payload?.at === "inline" && JSON.parse(new TextDecoder().decode(payload.bytes))).toEqual({
      due_at: new Date(at(1)).toISOString(),
      cron: "45 6 * * *",
      timezone: "Asia/Kathmandu",
    });
  });

  it("the alarm of the schedules is set again by the watchdog if it is gone, or has not come when it was due", async () => {
    const clock = await clockOf();
    await clock.inside(({ storage }) => storage.deleteAlarm());
    await clock.sync("1", schedule());
    expect(await clock.alarmAt()).toBe(at(1));
    clock.set(at(1, 5));
    await clock.sync("1", schedule());
    expect(await clock.alarmAt()).toBeGreaterThan(at(1, 5));
  });

  it("the alarm of the schedules that came before the due time, since the clock was set back, is not set to the very time it had", async () => {
    const clock = await clockOf();
    clock.set(at(0, 59));
    await clock.inside(({ storage }) => storage.deleteAlarm());
    await clock.wakeAgain(at(1));
    expect(accepted.runs()).toEqual([]);
    expect(await clock.alarmAt()).toBe(at(1) + 1);
  });
});

describe("a due time", () => {
  it("a due time is one run, however often the alarm fires", async () => {
    const clock = await clockOf();
    clock.set(at(1));
    await Promise.all([clock.wake(), clock.wakeAgain(), clock.wakeAgain()]);
    await clock.wakeAgain();
    expect(accepted.runs()).toEqual(["01:00"]);
    expect((await clock.only()).state).toMatchObject({ skipped: 0, waiting: [] });
  });

  it("a due time is one run if the object dies after the run was started and before that was recorded", async () => {
    const clock = await clockOf();
    const state = (await clock.only()).state;
    await clock.advanceTo(at(1));
    // What was recorded is undone: it died before that commit.
    await clock.inside(({ storage }) => storage.sql.exec("UPDATE schedules SET state = ?", JSON.stringify(state)));
    await clock.abort();
    await clock.wakeAgain();
    expect([accepted.runs(), accepted.calls]).toEqual([["01:00"], 2]);
    expect((await clock.only()).state.lastRun?.dueAt).toBe(at(1));
  });

  it("a due time is one run if the object is reset or evicted over it, and the alarm comes late", async () => {
    const clock = await clockOf();
    await clock.evict();
    clock.set(at(1) + 59_000);
    await clock.abort();
    await clock.wake();
    expect(accepted.runs()).toEqual(["01:00"]);
    expect(await clock.alarmAt()).toBe(at(2));
  });

  it("a due time is one run for two schedules of a task that meet, and two if they carry payloads", async () => {
    const clock = new ScheduleClock();
    await clock.sync("1", schedule({ cron: "0 1 * * *" }), schedule({ id: "b", cron: "0 */1 * * *" }));
    await clock.advanceTo(at(1));
    expect(accepted.runs()).toEqual(["01:00"]);
    const other = new ScheduleClock();
    const payload = (kind: string): string => JSON.stringify({ due_at: kind });
    await other.sync("1", schedule({ payload: payload("a") }), schedule({ id: "b", payload: payload("b") }));
    await other.advanceTo(at(2));
    expect(accepted.runs()).toHaveLength(3);
  });

  it("a due time is not repeated when the clock is set back over it", async () => {
    const clock = await clockOf();
    await clock.advanceTo(at(3));
    clock.set(at(1, 30));
    await clock.sync("1", schedule());
    expect(await clock.advanceTo(at(4))).toEqual([at(2), at(3), at(4)]);
    expect(accepted.runs()).toEqual(["01:00", "02:00", "03:00", "04:00"]);
  });

  it("a due time comes again as ever after the clock stood far ahead for a while", async () => {
    const clock = await clockOf();
    await clock.advanceTo(at(1));
    clock.set(at(1) + 400 * 24 * HOUR);
    await clock.wakeAgain();
    clock.set(at(1, 30));
    await clock.sync("1", schedule());
    expect(await clock.advanceTo(at(3))).toEqual([at(2), at(3)]);
    expect(accepted.runs().slice(-2)).toEqual(["02:00", "03:00"]);
  });

  it("a due time that could not be started is tried again until it is, and is not missed meanwhile", async () => {
    const clock = await clockOf();
    const broken = vi.spyOn(env.RUNS, "getByName").mockImplementation(() => {
      throw Object.assign(new Error("overloaded"), { overloaded: true });
    });
    vi.stubGlobal("scheduler", { wait: async () => undefined });
    await clock.advanceTo(at(1));
    expect((await clock.only()).state).toMatchObject({ waiting: [at(1)], lastRun: null, skipped: 0 });
    expect(await clock.alarmAt()).toBe(at(1) + 1_000);
    await clock.advanceTo(at(2, 30));
    expect((await clock.only()).state).toMatchObject({ waiting: [at(1), at(2)], skipped: 0 });
    broken.mockRestore();
    vi.unstubAllGlobals();
    await clock.evict();
    await clock.advanceTo(at(2, 32));
    expect(accepted.runs()).toEqual(["01:00", "02:00"]);
    expect((await clock.only()).state).toMatchObject({ waiting: [], skipped: 0, dealtUntil: at(2) });
  });

  it("a due time of a task that the code does not know yet waits for a deploy, and says so, with growing pauses", async () => {
    const clock = await clockOf({ cron: "0 1 * * *", task: "of_the_next_version" });
    const fired = await clock.advanceTo(at(20));
    expect(await clock.only()).toMatchObject({ state: { waiting: [at(1)], skipped: 0 }, waitingFor: "deploy" });
    // A quarter of an hour apart once it has waited for half an hour.
    expect(fired.length).toBeGreaterThan(4 * 18);
    expect(fired.length).toBeLessThan(4 * 19 + 25);
    const [paused] = await clock.stub().pause("of_the_next_version", "alice");
    expect(paused).toMatchObject({ state: { waiting: [], skipped: 1 }, waitingFor: null });
  });

  it("a due time of a task that the code never comes to know is skipped after 30 days, with the reason", async () => {
    const clock = await clockOf({ cron: "0 1 1 1 *", task: "of_the_next_version" });
    const { definition, state } = await clock.only();
    const waiting = JSON.stringify({ ...state, waiting: [at(1) - 30 * 24 * HOUR], dealtUntil: at(0) });
    await clock.inside(({ storage }) => storage.sql.exec("UPDATE schedules SET state = ?", waiting));
    await clock.evict();
    clock.set(at(1));
    await clock.sync("1", definition);
    await clock.advanceTo(at(1, 1));
    expect(await clock.only()).toMatchObject({
      state: {
        waiting: [],
        skipped: 1,
        lastSkip: { reason: "refused", detail: 'There is no task "of_the_next_version".' },
      },
      waitingFor: null,
    });
  });

  it("a due time of one schedule does not wait for a run of another that never answers", async () => {
    // A time limit is over as soon as a call waits for it.
    vi.stubGlobal("setTimeout", (work: () => void) => queueMicrotask(() => queueMicrotask(work)));
    const started: string[] = [];
    const statuses = await new ScheduleClock().inside(async ({ storage }) => {
      const controller = controllerOver(storage, {
        start: async ({ task }) => {
          if (task !== "answers") return new Promise(() => undefined);
          started.push(task);
          return ok(newRunId());
        },
      });
      const hung = Array.from({ length: 7 }, (_, index) => schedule({ id: `hung${index}` }));
      await controller.sync({ v: 1, version: "1", madeAt: 1, schedules: [...hung, schedule({ task: "answers" })] });
      vi.setSystemTime(at(1));
      await controller.alarm(null);
      return controller.list();
    });
    expect(started).toEqual(["answers"]);
    expect(statuses.map(({ state }) => state.waiting.length)).toEqual([1, 1, 1, 1, 1, 1, 1, 0]);
  });

  it("a due time of one schedule does not wait for the failure of another", async () => {
    const clock = new ScheduleClock();
    await clock.sync("1", schedule({ task: "of_the_next_version" }), schedule({ id: "b" }));
    await clock.advanceTo(at(1));
    expect(accepted.runs()).toEqual(["01:00"]);
  });
});

describe("the schedules object killed over several due times", () => {
  it.each([
    ["none", null, [], 3],
    ["latest", null, ["03:00"], 2],
    ["latest", 20 * MINUTE, [], 3],
    ["all", 24 * HOUR, ["01:00", "02:00", "03:00"], 0],
    ["all", 2 * HOUR, ["02:00", "03:00"], 1],
  ] as const)(
    "the schedules object killed over several due times with catch_up %s within %s starts %j afterwards, and says what it left out",
    async (policy, windowMs, runs, left) => {
      const clock = await clockOf({ catchUp: { policy, windowMs } });
      await clock.abort();
      clock.set(at(3, 30));
      await clock.wake();
      expect(accepted.runs()).toEqual(runs);
      expect((await clock.only()).state.skipped).toBe(left);
      if (left > 0) expect((await clock.only()).state.lastSkip?.reason).toBe("missed");
      // Nothing of it is looked at again.
      await clock.wakeAgain();
      await clock.advanceTo(at(4));
      expect(accepted.runs()).toEqual([...runs, "04:00"]);
      expect((await clock.only()).state.skipped).toBe(left);
    },
  );

  it(
    "the schedules object killed over several due times catches up a hundred at most",
    { timeout: 30_000 },
    async () => {
      const clock = await clockOf({ cron: "* * * * *", catchUp: { policy: "all", windowMs: 24 * HOUR } });
      clock.set(at(2, 15));
      await clock.wake();
      expect(accepted.runs()).toHaveLength(100);
      expect(accepted.runs()[0]).toBe("00:36");
      expect((await clock.only()).state).toMatchObject({
        skipped: 20,
        lastSkip: { dueAt: at(0, 35), reason: "missed" },
      });
    },
  );
});

describe("a due time while the run before it goes on", () => {
  it("a due time while the run before it goes on with overlap allow is started all the same", async () => {
    const clock = await clockOf({ overlap: "allow" });
    await clock.advanceTo(at(3));
    expect(accepted.runs()).toEqual(["01:00", "02:00", "03:00"]);
  });

  it("a due time while the run before it goes on with overlap skip is skipped, until that run has ended", async () => {
    const clock = await clockOf({ overlap: "skip" });
    await clock.advanceTo(at(3));
    expect(accepted.runs()).toEqual(["01:00"]);
    expect((await clock.only()).state).toMatchObject({
      skipped: 2,
      lastSkip: { dueAt: at(3), reason: "overlap", detail: null },
    });
    await clock.endLastRun();
    await clock.advanceTo(at(4));
    expect(accepted.runs()).toEqual(["01:00", "04:00"]);
  });

  it(
    "a due time while the run before it goes on with overlap buffer_one waits for its end, and further ones are skipped",
    { timeout: 30_000 },
    async () => {
      const clock = await clockOf({ cron: "*/2 * * * *", overlap: "buffer_one" });
      await clock.advanceTo(at(0, 21));
      expect(accepted.runs()).toEqual(["00:16"]);
      expect((await clock.only()).state).toMatchObject({
        waiting: [at(0, 18)],
        skipped: 1,
        lastSkip: { dueAt: at(0, 20), reason: "overlap" },
      });
      await clock.endLastRun();
      // It asks every half a minute at the latest, also after it was evicted.
      await clock.evict();
      await clock.advanceTo(at(0, 21) + 30_000);
      expect(accepted.runs()).toEqual(["00:16", "00:18"]);
      await clock.advanceTo(at(0, 23));
      expect((await clock.only()).state.waiting).toEqual([at(0, 22)]);
      await clock.endLastRun();
      await clock.advanceTo(at(0, 23) + 30_000);
      expect(accepted.runs()).toEqual(["00:16", "00:18", "00:22"]);
    },
  );

  it("a due time while the run before it goes on with overlap buffer_one asks some dozens of times an hour, and writes nothing meanwhile", async () => {
    const clock = await clockOf({ overlap: "buffer_one" });
    await clock.advanceTo(at(2));
    const asked = vi.spyOn(RunObject.prototype, "describe");
    const { state } = await clock.only();
    await clock.advanceTo(at(2, 20));
    expect(asked.mock.calls.length).toBeGreaterThan(40);
    expect(asked.mock.calls.length).toBeLessThan(60);
    expect((await clock.only()).state).toEqual(state);
  });

  it("a due time while the run before it goes on with overlap cancel_running cancels it first", async () => {
    const clock = await clockOf({ overlap: "cancel_running" });
    await clock.advanceTo(at(1));
    const { run_id: first } = await clock.lastRun();
    await clock.advanceTo(at(2));
    expect(accepted.runs()).toEqual(["01:00", "02:00"]);
    const document = await callRun(env, first, (run) => run.describe());
    expect(document?.status).toBe("cancelled");
    expect((await clock.lastRun()).status).toBe("queued");
  });

  it.each([
    ["and over the one before", 0],
    ["alone", 1],
  ])(
    "a due time while the run before it goes on with overlap cancel_running cancels nothing when it comes again, since the clock was set back over it %s",
    async (_, hour) => {
      const clock = await clockOf({ overlap: "cancel_running" });
      await clock.advanceTo(at(2));
      clock.set(at(hour, 30));
      await clock.sync("1", schedule({ overlap: "cancel_running" }));
      await clock.advanceTo(at(2));
      expect(accepted.runs()).toEqual(["01:00", "02:00"]);
      const run = await clock.lastRun();
      expect([run.status, (await clock.only()).state.lastRun?.dueAt]).toEqual(["queued", at(2)]);
      await clock.advanceTo(at(3));
      expect((await callRun(env, run.run_id, (stub) => stub.describe()))?.status).toBe("cancelled");
    },
  );

  it("a due time while the run before it goes on with overlap skip after a downtime starts the first of those caught up", async () => {
    const clock = await clockOf({ overlap: "skip", catchUp: { policy: "all", windowMs: 24 * HOUR } });
    clock.set(at(3, 30));
    await clock.wake();
    expect(accepted.runs()).toEqual(["01:00"]);
    expect((await clock.only()).state.skipped).toBe(2);
  });
});

describe("a paused task", () => {
  it("a paused task starts nothing, also after a deploy that changes its schedule, and goes on with the next due time", async () => {
    const clock = await clockOf({ catchUp: { policy: "all", windowMs: 24 * HOUR } });
    expect((await clock.stub().pause("scripted", "alice")).map(({ paused }) => paused)).toEqual([true]);
    await clock.advanceTo(at(3));
    await clock.sync("2", schedule({ id: "changed", cron: "30 * * * *", catchUp: { policy: "all", windowMs: HOUR } }));
    await clock.evict();
    await clock.advanceTo(at(5));
    expect(accepted.runs()).toEqual([]);
    expect((await clock.only()).paused).toBe(true);
    expect((await clock.stub().resume("scripted")).map(({ paused }) => paused)).toEqual([false]);
    await clock.advanceTo(at(6));
    expect(accepted.runs()).toEqual(["05:30"]);
    expect((await clock.only()).state.skipped).toBe(0);
  });

  it("a paused task drops what waited", async () => {
    const clock = await clockOf({ overlap: "buffer_one" });
    await clock.advanceTo(at(2));
    await clock.stub().pause("scripted", "alice");
    expect((await clock.only()).state).toMatchObject({
      waiting: [],
      skipped: 1,
      lastSkip: { dueAt: at(2), reason: "paused" },
    });
    await clock.endLastRun();
    await clock.stub().resume("scripted");
    await clock.advanceTo(at(2, 30));
    expect(accepted.runs()).toEqual(["01:00"]);
  });

  it("a paused task is that task only, and pausing or resuming it twice is once", async () => {
    const clock = new ScheduleClock();
    await clock.sync("1", schedule(), schedule({ task: "echo" }));
    await clock.stub().pause("scripted", "alice");
    await clock.stub().pause("scripted", "bob");
    expect((await clock.list()).map(({ paused }) => paused)).toEqual([true, false]);
    await clock.stub().resume("scripted");
    clock.set(at(0, 20));
    await clock.stub().resume("scripted");
    await clock.evict();
    expect((await clock.list()).map(({ paused }) => paused)).toEqual([false, false]);
    await clock.advanceTo(at(1));
    expect(accepted.calls).toBe(2);
  });

  it("a paused task is no task without a schedule: one that gets its schedule later is not paused", async () => {
    const clock = await clockOf();
    expect(await clock.stub().pause("echo", "alice")).toEqual([]);
    await clock.sync("2", schedule({ task: "echo" }));
    expect((await clock.only()).paused).toBe(false);
  });
});

describe("an object whose storage fails", () => {
  it("an object whose storage fails does not reject, but sets its alarm again with growing pauses, and then goes on", async () => {
    const clock = await clockOf();
    await clock.evict();
    clock.set(at(1));
    const sql: SqlStorage = await clock.inside(({ storage }) => Object.getPrototypeOf(storage.sql));
    const broken = vi.spyOn(sql, "exec").mockImplementation(() => {
      throw new Error("disk I/O error");
    });
    const alarms: number[] = [];
    for (let strike = 0; strike < 3; strike += 1) {
      await clock.wake();
      alarms.push(((await clock.alarmAt()) ?? 0) - at(1));
    }
    expect(alarms).toEqual([1_000, 2_000, 4_000]);
    broken.mockRestore();
    await clock.wake();
    expect(accepted.runs()).toEqual(["01:00"]);
    clock.set(at(2));
    vi.spyOn(sql, "exec").mockImplementation(() => {
      throw new Error("disk I/O error");
    });
    await clock.wake();
    expect(await clock.alarmAt()).toBe(at(2) + 1_000);
  });

  it("an object whose storage is of a newer version is refused, with what to do", async () => {
    const clock = await clockOf();
    await clock.inside(({ storage }) => makeNewer(storage));
    await clock.evict();
    await expect(async () => clock.list()).rejects.toThrow(
      "the schedules object has schema 2, this code knows up to 1: deploy the newer version again",
    );
  });
});
