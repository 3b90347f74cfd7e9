/** Starts that fail, over the controller by hand: what is written of them, and what the log has. */
import { afterEach, expect, it, vi } from "vitest";
import { refuse } from "../../../src/domain/problem.ts";
import { ScheduleStore } from "../../../src/objects/schedules/store.ts";
import { controllerOver, schedule, ScheduleClock } from "./clock.ts";

const MINUTE = 60_000;
const at = (hour: number, minute = 0): number => Date.UTC(2029, 1, 1) + (hour * 60 + minute) * MINUTE;

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

it("a due time that is tried again is written once, however often it fails", async () => {
  const saved = vi.spyOn(ScheduleStore.prototype, "saveState");
  vi.setSystemTime(at(0, 15));
  await new ScheduleClock().inside(async ({ storage }) => {
    const controller = controllerOver(storage, { start: () => Promise.reject(new Error("not now")) });
    await controller.sync({ v: 1, version: "1", madeAt: 1, schedules: [schedule()] });
    for (let minute = 0; minute < 10; minute += 2) {
      vi.setSystemTime(at(1, minute));
      await controller.alarm(null);
    }
    expect((await controller.list())[0]?.state.waiting).toEqual([at(1)]);
  });
  expect(saved).toHaveBeenCalledTimes(1);
});

it("a due time that is refused, tried again or missed is in the log, with its time and why", async () => {
  const told: unknown[] = [];
  vi.setSystemTime(at(0, 15));
  await new ScheduleClock().inside(async ({ storage }) => {
    const controller = controllerOver(storage, {
      start: async (_, dueAt) => {
        if (dueAt !== at(1)) throw new Error("not now");
        return refuse({ code: "invalid_payload", detail: "It does not fit.", hint: "Correct it." });
      },
      log: (message, fields) => void told.push({ message, ...fields }),
    });
    await controller.sync({ v: 1, version: "1", madeAt: 1, schedules: [schedule()] });
    for (const hour of [1, 2, 6]) {
      vi.setSystemTime(at(hour));
      await controller.alarm(null);
    }
  });
  const of = { task: "scripted", cron: "0 * * * *" };
  const iso = (hour: number): string => new Date(at(hour)).toISOString();
  const again = {
    ...of,
    message: "scheduled run not started, trying again",
    due_at: iso(2),
    error: "Error: not now",
  };
  expect(told).toEqual([
    { ...of, message: "scheduled run refused", due_at: iso(1), error: "It does not fit." },
    again,
    { ...of, message: "due times missed and left out", count: 3, last: iso(5) },
    again,
  ]);
});
