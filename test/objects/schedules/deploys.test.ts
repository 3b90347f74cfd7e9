import { env } from "../../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { refuse } from "../../../src/domain/problem.ts";
import { callRun } from "../../../src/objects/run/run-client.ts";
import type { ScheduleStatus } from "../../../src/objects/schedules/schedules-rpc.ts";
import { loseMessages } from "../../support/lost-messages.ts";
import { Accepted, clockOf, controllerOver, schedule, ScheduleClock } from "./clock.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

// Each test has a day of its own, and no other file has it: a due time of a task is one run.
let day = Date.UTC(2028, 0, 1);
const at = (hour: number, minute = 0): number => day + hour * HOUR + minute * MINUTE;

let accepted: Accepted;

beforeEach(() => {
  day += 2 * 24 * HOUR;
  vi.setSystemTime(at(0, 15));
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  // No run is driven: it stays queued until the test ends it.
  loseMessages();
  accepted = new Accepted();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** What becomes of a due time at 1:00 that the code `deployment` refuses: at once, and when it has done so for a day. */
function statesOfRefused(deployment: { readonly version: string; readonly madeAt: number }) {
  vi.setSystemTime(at(0, 15));
  return new ScheduleClock().inside(async ({ storage }) => {
    const controller = controllerOver(storage, {
      deployment,
      start: async () => refuse({ code: "invalid_payload", detail: "It does not fit.", hint: "Correct it." }),
    });
    await controller.sync({ v: 1, version: "1", madeAt: 1, schedules: [schedule({ cron: "0 1 * * *" })] });
    const states: (ScheduleStatus | undefined)[] = [];
    for (const time of [at(1), at(1) + 24 * HOUR]) {
      vi.setSystemTime(time);
      await controller.alarm(null);
      states.push((await controller.list())[0]);
    }
    return states;
  });
}

describe("a deploy", () => {
  it("a deploy adds, removes and changes schedules; those that stay keep what is known of them", async () => {
    const clock = new ScheduleClock();
    await clock.sync("1", schedule({ id: "stays" }), schedule({ id: "goes", task: "echo" }));
    await clock.advanceTo(at(1));
    const [stays] = await clock.list();
    clock.set(at(1, 40));
    await clock.sync(
      "2",
      schedule({ id: "new", task: "left", cron: "30 * * * *" }),
      schedule({ id: "stays", overlap: "skip" }),
    );
    const statuses = await clock.list();
    expect(statuses.map(({ definition }) => [definition.task, definition.id, definition.overlap])).toEqual([
      ["left", "new", "allow"],
      ["scripted", "stays", "skip"],
    ]);
    expect(statuses[1]?.state).toEqual(stays?.state);
    expect(await clock.advanceTo(at(2, 30))).toEqual([at(2), at(2, 30)]);
    // Skipped: the run of 01:00 is not final. The new one is due from its deploy on.
    expect(accepted.runs()).toEqual(["01:00", "01:00", "02:30"]);
  });

  it("a deploy of the same version again writes nothing", async () => {
    const clock = await clockOf();
    await clock.sync("1", schedule({ id: "other" }));
    expect((await clock.only()).definition.id).toBe("a");
  });

  it("a deploy of an older version undoes nothing while isolates of the newer one are there", async () => {
    const clock = await clockOf({ id: "both" });
    const brought = schedule({ id: "brought", task: "echo", cron: "30 * * * *" });
    await clock.sync("2", schedule({ id: "both" }), brought);
    for (let minute = 16; minute < 60; minute += 2) {
      await clock.advanceTo(at(0, minute));
      await clock.sync("2", schedule({ id: "both" }), brought);
      await clock.advanceTo(at(0, minute + 1));
      await clock.sync("1", schedule({ id: "both" }));
      expect((await clock.list()).map(({ definition }) => definition.id)).toEqual(["both", "brought"]);
    }
    await clock.advanceTo(at(1));
    expect(accepted.runs()).toEqual(["00:30", "01:00"]);
    for (const { state } of await clock.list()) expect(state).toMatchObject({ skipped: 0, waiting: [] });
  });

  it("a deploy is rolled back once nothing is heard of the newer version any more", async () => {
    const clock = await clockOf({ cron: "0 1 * * *" });
    await clock.sync("2", schedule({ id: "brought", task: "echo", cron: "45 * * * *" }));
    await clock.advanceTo(at(0, 29));
    await clock.sync("1", schedule({ cron: "0 1 * * *" }));
    expect((await clock.only()).definition.id).toBe("brought");
    await clock.advanceTo(at(0, 30));
    await clock.sync("1", schedule({ cron: "0 1 * * *" }));
    expect((await clock.only()).definition.id).toBe("a");
    await clock.advanceTo(at(3));
    expect(accepted.runs()).toEqual(["01:00"]);
  });

  it("a deploy, and when it was heard of last, are known after an eviction of the object", async () => {
    const clock = await clockOf({ id: "older" });
    const syncOlder = (): Promise<void> => clock.sync("1", schedule({ id: "older" }));
    const idAfterEviction = async (): Promise<string> => {
      await clock.evict();
      await syncOlder();
      return (await clock.only()).definition.id;
    };
    await clock.sync("2", schedule({ id: "newer" }));
    expect(await idAfterEviction()).toBe("newer");
    clock.set(at(0, 29));
    await clock.sync("2", schedule({ id: "newer" }));
    clock.set(at(0, 43));
    expect(await idAfterEviction()).toBe("newer");
    clock.set(at(0, 44));
    expect(await idAfterEviction()).toBe("older");
  });

  it("a deploy that brings a schedule back within a day finds its state, and starts what was due meanwhile", async () => {
    const clock = await clockOf({ catchUp: { policy: "none", windowMs: null } });
    await clock.advanceTo(at(1));
    await clock.sync("2", schedule({ id: "other", cron: "0 0 1 1 *" }));
    await clock.evict();
    await clock.advanceTo(at(4, 30));
    expect(accepted.runs()).toEqual(["01:00"]);
    await clock.sync("3", schedule({ catchUp: { policy: "none", windowMs: null } }));
    const { state } = await clock.only();
    expect(state).toMatchObject({ waiting: [at(2), at(3), at(4)], skipped: 0, lastRun: { dueAt: at(1) } });
    await clock.advanceTo(at(5));
    expect(accepted.runs()).toEqual(["01:00", "02:00", "03:00", "04:00", "05:00"]);
  });

  it("a deploy loses no due time of every minute over hours, whether the schedule was absent or its task not deployed here", async () => {
    const minutely = schedule({ cron: "* * * * *" });
    const clock = new ScheduleClock();
    await clock.sync("1", minutely);
    await clock.sync("2");
    clock.set(at(23));
    await clock.sync("3", minutely);
    const back = (await clock.only()).state;
    expect([back.waiting.length, back.waiting[0], back.skipped]).toEqual([1_365, at(0, 16), 0]);
    const undeployed = new ScheduleClock();
    await undeployed.sync("1", schedule({ cron: "* * * * *", task: "of_the_next_version" }));
    for (let minute = 1; minute <= 180; minute += 1) {
      undeployed.set(at(23, minute));
      await undeployed.wakeAgain();
    }
    expect((await undeployed.only()).state).toMatchObject({ skipped: 0, waiting: { length: 180 } });
  });

  it("a deploy that brings a schedule back after a day finds a new one", async () => {
    const clock = await clockOf();
    await clock.advanceTo(at(1));
    await clock.sync("2");
    clock.set(at(26));
    await clock.sync("3", schedule());
    expect((await clock.only()).state).toMatchObject({ waiting: [], lastRun: null, dealtUntil: at(26) });
    const rows = await clock.inside(({ storage }) => storage.sql.exec("SELECT id FROM schedules").toArray());
    expect(rows).toHaveLength(1);
  });

  it("a deploy forgets a schedule that was absent for a day, at the next watchdog", async () => {
    const clock = await clockOf();
    await clock.sync("2");
    clock.set(at(25));
    await clock.sync("2");
    expect(await clock.inside(({ storage }) => storage.sql.exec("SELECT id FROM schedules").toArray())).toEqual([]);
  });

  it("a deploy keeps a pause, and a resume, of a task whose schedule is absent for a while", async () => {
    const clock = await clockOf();
    const other = schedule({ id: "other", cron: "0 0 1 1 *" });
    await clock.stub().pause("scripted", "alice");
    await clock.sync("2", other);
    await clock.advanceTo(at(2, 30));
    await clock.sync("3", schedule());
    expect(await clock.only()).toMatchObject({ paused: true, state: { waiting: [] } });
    await clock.sync("4", other);
    await clock.stub().resume("scripted");
    await clock.advanceTo(at(3, 30));
    await clock.sync("5", schedule());
    expect(await clock.only()).toMatchObject({ paused: false, state: { waiting: [at(3)] } });
  });

  it("a deploy has no due time skipped that other code refuses, and one that its own refuses skipped at once", async () => {
    const other = await statesOfRefused({ version: "2", madeAt: 1 });
    expect(other).toMatchObject([
      { state: { waiting: [at(1)], skipped: 0 }, waitingFor: "deploy" },
      { state: { waiting: [at(1) + 24 * HOUR], skipped: 1, lastSkip: { reason: "refused", dueAt: at(1) } } },
    ]);
    const [older] = await statesOfRefused({ version: "1", madeAt: 0 });
    expect(older?.state.waiting).toEqual([at(1)]);
    const [own] = await statesOfRefused({ version: "1", madeAt: 1 });
    expect(own?.state).toMatchObject({ waiting: [], skipped: 1 });
  });

  it("a deploy announced in a format that this code does not know is refused, and changes nothing", async () => {
    const clock = await clockOf();
    const newer = { v: 2, version: "2", madeAt: 2, schedules: [] };
    await expect(async () => clock.stub().sync(newer)).rejects.toThrow(
      "an announcement of schedules has format 2, this code knows up to 1: deploy the newer version again",
    );
    expect((await clock.only()).definition.id).toBe("a");
  });

  it.each([
    ["removes", []],
    ["changes", [schedule({ id: "b", cron: "30 * * * *" })]],
  ])(
    "a deploy that %s a schedule whose alarm is late starts what was due before it, and no more",
    async (_, deployed) => {
      const clock = await clockOf();
      clock.set(at(1, 0) + 20_000);
      await clock.sync("2", ...deployed);
      await clock.evict();
      await clock.advanceTo(at(1, 20));
      expect(accepted.runs()).toEqual(["01:00"]);
      await clock.advanceTo(at(2, 20));
      expect(accepted.runs()).toEqual(deployed.length > 0 ? ["01:00", "01:30"] : ["01:00"]);
    },
  );

  it.each(["latest", "all"] as const)(
    "a deploy that removes a schedule of which a due time waits starts that one, and catches up (%s) none that came after it",
    async (policy) => {
      const clock = await clockOf({ overlap: "buffer_one", catchUp: { policy, windowMs: null } });
      await clock.advanceTo(at(2, 20));
      const last = (await clock.only()).state.lastRun;
      await clock.sync("2");
      await clock.advanceTo(at(4, 20));
      if (last === null) throw new Error("no run was started");
      await callRun(env, last.runId, (run) => run.cancel());
      await clock.advanceTo(at(6, 20));
      expect(accepted.runs()).toEqual(["01:00", "02:00"]);
      await clock.sync("3", schedule());
      expect((await clock.only()).state).toMatchObject({ waiting: [at(3), at(4), at(5), at(6)], skipped: 0 });
    },
  );

  it("a deploy that removes a paused schedule starts nothing of it", async () => {
    const clock = await clockOf();
    await clock.stub().pause("scripted", "test");
    clock.set(at(1, 0) + 20_000);
    await clock.sync("2");
    await clock.advanceTo(at(2, 20));
    expect(accepted.runs()).toEqual([]);
  });

  it("a deploy that brings a schedule back starts nothing twice that was due before it was removed", async () => {
    const clock = await clockOf();
    clock.set(at(1, 0) + 20_000);
    await clock.sync("2");
    await clock.advanceTo(at(1, 10));
    await clock.sync("3", schedule());
    await clock.advanceTo(at(2, 10));
    expect(accepted.runs()).toEqual(["01:00", "02:00"]);
    expect(accepted.calls).toBe(2);
  });

  it("a deploy without schedules starts nothing more", async () => {
    const clock = await clockOf();
    await clock.sync("2");
    await clock.advanceTo(at(5));
    expect(accepted.runs()).toEqual([]);
    expect(await clock.list()).toEqual([]);
  });

  it("a deploy survives a reset of the object right after it", async () => {
    const clock = await clockOf({ cron: "*/30 * * * *" });
    await clock.abort();
    await clock.advanceTo(at(1));
    expect(accepted.runs()).toEqual(["00:30", "01:00"]);
  });
});
