/** Starts that take their time, over the controller by hand: what becomes of due times that come while it is at work. */
import { afterEach, expect, it, vi } from "vitest";
import { ok } from "../../../src/domain/problem.ts";
import { newRunId } from "../../support/hand-driven.ts";
import { controllerOver, schedule, ScheduleClock } from "./clock.ts";

const MINUTE = 60_000;
const START = Date.UTC(2029, 0, 1);

afterEach(() => {
  vi.useRealTimers();
});

it("what waits is started a hundred at a time, so that no other schedule waits for all of it, and none is lost on the way", async () => {
  vi.setSystemTime(START);
  const started: number[] = [];
  const rounds: number[] = [];
  await new ScheduleClock().inside(async ({ storage }) => {
    const controller = controllerOver(storage, {
      start: async (_, dueAt) => {
        if (started.length === 150 && rounds.length === 1) throw new Error("once");
        started.push((dueAt - START) / MINUTE);
        return ok(newRunId());
      },
    });
    const schedules = [schedule({ cron: "* * * * *" })];
    await controller.sync({ v: 1, version: "1", madeAt: 1, schedules });
    await controller.sync({ v: 1, version: "2", madeAt: 2, schedules: [] });
    vi.setSystemTime(START + 300 * MINUTE);
    await controller.sync({ v: 1, version: "3", madeAt: 3, schedules });
    for (let alarm = 0; alarm < 5; alarm += 1) {
      await controller.alarm(null);
      rounds.push(started.length);
      vi.setSystemTime(Date.now() + 2_000);
    }
  });
  expect(rounds).toEqual([100, 150, 250, 300, 300]);
  expect(started).toEqual(Array.from({ length: 300 }, (_, minute) => minute + 1));
});

it("six starts are under way at most, as many as an object has connections", async () => {
  vi.setSystemTime(START);
  const waiting: (() => void)[] = [];
  const rounds: number[] = [];
  await new ScheduleClock().inside(async ({ storage }) => {
    const controller = controllerOver(storage, {
      start: () => new Promise((started) => waiting.push(() => started(ok(newRunId())))),
    });
    const schedules = Array.from({ length: 10 }, (_, n) => schedule({ id: String(n), cron: "1 0 * * *" }));
    await controller.sync({ v: 1, version: "1", madeAt: 1, schedules });
    vi.setSystemTime(START + MINUTE);
    const alarm = controller.alarm(null);
    for (let started = 0; started < schedules.length; started += rounds.at(-1) ?? 0) {
      await vi.waitFor(() => expect(waiting).not.toEqual([]), 10_000);
      rounds.push(waiting.length);
      for (const start of waiting.splice(0)) start();
    }
    await alarm;
  });
  expect(rounds).toEqual([6, 4]);
});

it("an alarm that the platform has ended in the middle keeps none of the next ones from their work", async () => {
  vi.setSystemTime(START);
  let calls = 0;
  const alarms: number[] = [];
  await new ScheduleClock().inside(async ({ storage }) => {
    const controller = controllerOver(storage, {
      setAlarm: async (at) => void alarms.push(at),
      start: () => {
        calls += 1;
        return calls === 1 ? new Promise(() => undefined) : Promise.resolve(ok(newRunId()));
      },
    });
    const announced = {
      v: 1,
      version: "1",
      madeAt: 1,
      schedules: [schedule({ cron: "1 0 * * *", catchUp: { policy: "latest", windowMs: null } })],
    };
    await controller.sync(announced);
    vi.setSystemTime(START + MINUTE);
    void controller.alarm(null);
    await vi.waitFor(() => expect(calls).toBe(1), 10_000);
    await controller.alarm(null);
    expect(calls).toBe(1);
    vi.setSystemTime(START + 18 * MINUTE);
    alarms.length = 0;
    await controller.sync(announced);
    expect(alarms).toHaveLength(1);
    await controller.alarm(null);
  });
  expect(calls).toBe(2);
});

it("no due time is missed because the starts of others took long, before it or while it became due", async () => {
  vi.setSystemTime(START);
  const started: number[] = [];
  const status = await new ScheduleClock().inside(async ({ storage }) => {
    const controller = controllerOver(storage, {
      start: async ({ task }, dueAt) => {
        if (task === "slow") vi.setSystemTime(Date.now() + 9_000);
        else started.push((dueAt - START) / MINUTE);
        return ok(newRunId());
      },
    });
    const slow = Array.from({ length: 30 }, (_, index) =>
      schedule({ task: "slow", id: `slow${index}`, cron: "1 0 * * *" }),
    );
    const schedules = [...slow, schedule({ cron: "* * * * *" })];
    await controller.sync({ v: 1, version: "1", madeAt: 1, schedules });
    vi.setSystemTime(START + MINUTE);
    await controller.alarm(null);
    await controller.alarm(null);
    return (await controller.list()).at(-1);
  });
  expect(Date.now()).toBe(START + MINUTE + 270_000);
  expect(started).toEqual([1, 2, 3, 4, 5]);
  expect(status?.state.skipped).toBe(0);
});

it("a due time is not started whose task is paused while its run before is asked", async () => {
  vi.setSystemTime(START);
  const started: number[] = [];
  await new ScheduleClock().inside(async ({ storage }) => {
    const controller = controllerOver(storage, {
      start: async (_, dueAt) => {
        started.push((dueAt - START) / MINUTE);
        return ok(newRunId());
      },
      isRunning: async () => {
        await controller.pause("scripted", "desk");
        return false;
      },
    });
    const schedules = [schedule({ cron: "* * * * *", overlap: "skip" })];
    await controller.sync({ v: 1, version: "1", madeAt: 1, schedules });
    for (const minute of [1, 2]) {
      vi.setSystemTime(START + minute * MINUTE);
      await controller.alarm(null);
    }
  });
  expect(started).toEqual([1]);
});
