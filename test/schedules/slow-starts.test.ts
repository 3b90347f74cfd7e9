/** Starts that take their time, over the protocol by hand: what becomes of due times that come while it is at work. */
import { afterEach, expect, it, vi } from "vitest";
import { dueTimes } from "../../src/conf/cron.ts";
import { ok } from "../../src/core/result.ts";
import { SchedulesProtocol } from "../../src/schedules/schedules-protocol.ts";
import { ScheduleStore } from "../../src/schedules/store.ts";
import { newRunId } from "../support/hand-driven.ts";
import { schedule, ScheduleClock } from "./clock.ts";

const MINUTE = 60_000;
const START = Date.UTC(2029, 0, 1);

afterEach(() => {
  vi.useRealTimers();
});

it("no due time is missed because the starts of others took long, before it or while it became due", async () => {
  vi.setSystemTime(START);
  const started: number[] = [];
  const status = await new ScheduleClock().inside(async ({ storage }) => {
    const protocol = new SchedulesProtocol(new ScheduleStore(storage), {
      now: () => Date.now(),
      getAlarm: async () => null,
      setAlarm: async () => undefined,
      deployment: { version: "1", madeAt: 1 },
      timesOf: ({ cron, timezone }) => dueTimes(cron, timezone),
      start: async ({ task }, dueAt) => {
        if (task === "slow") vi.setSystemTime(Date.now() + 9_000);
        else started.push((dueAt - START) / MINUTE);
        return ok(newRunId());
      },
      isRunning: async () => false,
      cancel: async () => undefined,
      after: () => () => undefined,
      log: () => undefined,
    });
    const slow = Array.from({ length: 30 }, (_, index) =>
      schedule({ task: "slow", id: `slow${index}`, cron: "1 0 * * *" }),
    );
    const schedules = [...slow, schedule({ cron: "* * * * *" })];
    await protocol.sync({ v: 1, version: "1", madeAt: 1, schedules });
    vi.setSystemTime(START + MINUTE);
    await protocol.alarm(null);
    await protocol.alarm(null);
    return (await protocol.list()).at(-1);
  });
  expect(Date.now()).toBe(START + MINUTE + 270_000);
  expect(started).toEqual([1, 2, 3, 4, 5]);
  expect(status?.state.skipped).toBe(0);
});
