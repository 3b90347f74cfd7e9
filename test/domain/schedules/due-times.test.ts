import { fc } from "../../support/property.ts";
import { describe, expect, it } from "vitest";
import { CATCH_UPS, type CatchUpRule } from "../../../src/domain/plan/plan.ts";
import {
  dueSince,
  type DueTimes,
  isSetBack,
  LATE_MS,
  MAX_COUNTED,
  MAX_STARTED,
  newScheduleState,
  schedulesOf,
  waitingPauseMs,
} from "../../../src/domain/schedules/due-times.ts";
import { planOf, taskPlan } from "../../support/plan.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Due at every multiple of this. */
function every(periodMs: number): DueTimes {
  return {
    next: (after) => (Math.floor(after / periodMs) + 1) * periodMs,
    latest(count, after, until) {
      const last = Math.floor(until / periodMs);
      const first = Math.max(last - count, Math.floor(after / periodMs)) + 1;
      return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => (first + index) * periodMs);
    },
  };
}

const NONE: CatchUpRule = { policy: "none", windowMs: null };
const LATEST: CatchUpRule = { policy: "latest", windowMs: null };
const ALL: CatchUpRule = { policy: "all", windowMs: 24 * HOUR };

describe("the schedules of a plan", () => {
  it("the schedules of a plan are those of every task, in file order, each with its task", () => {
    const one = { id: "1", cron: "@daily", timezone: "UTC", overlap: "allow", catchUp: LATEST, payload: null } as const;
    const other = { ...one, id: "2" };
    const plan = planOf([
      taskPlan("a", { schedules: [one, other] }),
      taskPlan("b"),
      taskPlan("c", { schedules: [one] }),
    ]);
    expect(schedulesOf(plan)).toEqual([
      { ...one, task: "a" },
      { ...other, task: "a" },
      { ...one, task: "c" },
    ]);
  });

  it("the schedules of a plan begin with now, with nothing that waits, ran or was skipped", () => {
    const state = { dealtUntil: 7, waiting: [], lastRun: null, skipped: 0, lastSkip: null };
    expect(newScheduleState(7)).toEqual(state);
  });
});

describe("due times since the last one", () => {
  it("due times since the last one are none while nothing is due", () => {
    for (const rule of [NONE, LATEST, ALL])
      expect(dueSince(every(HOUR), rule, 5 * HOUR, 6 * HOUR - 1)).toEqual({ start: [], leftOut: null });
  });

  it.each([0, 1, LATE_MS])(
    "due times since the last one are started if they are %i ms late, whatever the policy",
    (late) => {
      for (const rule of [NONE, LATEST, ALL])
        expect(dueSince(every(HOUR), rule, 5 * HOUR, 6 * HOUR + late)).toEqual({ start: [6 * HOUR], leftOut: null });
    },
  );

  it("due times since the last one that nobody started in time are left out by `none`", () => {
    const now = 8 * HOUR + LATE_MS + 1;
    expect(dueSince(every(HOUR), NONE, 5 * HOUR, now)).toEqual({ start: [], leftOut: { count: 3, last: 8 * HOUR } });
  });

  it("`none` and `latest` start only the due time that is on time, beside others that nobody started in time", () => {
    for (const rule of [NONE, LATEST])
      expect(dueSince(every(HOUR), rule, 5 * HOUR, 8 * HOUR)).toEqual({
        start: [8 * HOUR],
        leftOut: { count: 2, last: 7 * HOUR },
      });
  });

  it("`latest` starts the newest of the due times that nobody started in time", () => {
    expect(dueSince(every(HOUR), LATEST, 5 * HOUR, 8 * HOUR + 30 * MINUTE)).toEqual({
      start: [8 * HOUR],
      leftOut: { count: 2, last: 7 * HOUR },
    });
  });

  it("`all` starts each due time that nobody started in time, oldest first", () => {
    expect(dueSince(every(HOUR), ALL, 5 * HOUR, 8 * HOUR + 30 * MINUTE)).toEqual({
      start: [6 * HOUR, 7 * HOUR, 8 * HOUR],
      leftOut: null,
    });
  });

  it("due times since the last one are caught up as far back as the window, its end included", () => {
    const rule = { policy: "all", windowMs: 2 * HOUR } as const;
    expect(dueSince(every(HOUR), rule, 2 * HOUR, 9 * HOUR)).toEqual({
      start: [7 * HOUR, 8 * HOUR, 9 * HOUR],
      leftOut: { count: 4, last: 6 * HOUR },
    });
    expect(dueSince(every(HOUR), rule, 2 * HOUR, 9 * HOUR + 1).start).toEqual([8 * HOUR, 9 * HOUR]);
    expect(dueSince(every(HOUR), { ...rule, policy: "latest" }, 0, 4.5 * HOUR).start).toEqual([4 * HOUR]);
    expect(dueSince(every(6 * HOUR), { ...rule, policy: "latest" }, 0, 9 * HOUR).start).toEqual([]);
  });

  it("due times since the last one end with those up to `now`, also where only later ones would be on time", () => {
    for (const rule of [LATEST, ALL])
      expect(dueSince(every(HOUR), rule, 5 * HOUR, 6.5 * HOUR, 9 * HOUR)).toEqual({ start: [6 * HOUR], leftOut: null });
    expect(dueSince(every(HOUR), NONE, 5 * HOUR, 6.5 * HOUR, 9 * HOUR)).toEqual({
      start: [],
      leftOut: { count: 1, last: 6 * HOUR },
    });
  });

  it("due times since the last one are caught up a hundred at most, the newest", () => {
    const now = 1_000 * MINUTE;
    const { start, leftOut } = dueSince(every(MINUTE), ALL, 0, now);
    expect(start).toHaveLength(MAX_STARTED);
    expect(start.at(-1)).toBe(now);
    expect(leftOut).toEqual({ count: 900, last: 900 * MINUTE });
  });

  it("due times since the last one are counted a thousand at most", () => {
    expect(dueSince(every(1_000), NONE, 0, 30 * 24 * HOUR).leftOut?.count).toBe(MAX_COUNTED);
  });

  it("due times since the last one are each either started, in order, or left out, and none of them is older than a left-out one", () => {
    const rule = fc.record({
      policy: fc.constantFrom(...CATCH_UPS),
      windowMs: fc.option(fc.integer({ min: MINUTE, max: 48 * HOUR })),
    });
    fc.assert(
      fc.property(
        fc.constantFrom(1_000, MINUTE, 7 * MINUTE, HOUR),
        rule,
        fc.nat(HOUR),
        fc.nat(3 * HOUR),
        (period, rule, after, down) => {
          const now = after + down;
          const times = every(period);
          const all = times.latest(Number.MAX_SAFE_INTEGER, after, now);
          const { start, leftOut } = dueSince(times, rule, after, now);
          expect(start).toEqual(all.slice(all.length - start.length));
          expect(leftOut?.count ?? 0).toBe(Math.min(MAX_COUNTED, all.length - start.length));
          expect(leftOut?.last).toBe(all[all.length - start.length - 1]);
          expect(start).toEqual(expect.arrayContaining(all.filter((at) => at >= now - LATE_MS).slice(-MAX_STARTED)));
        },
      ),
    );
  });
});

describe("the clock", () => {
  it("the clock is set back if a due time that was dealt with is more than a minute ahead", () => {
    expect(isSetBack(HOUR, HOUR - LATE_MS)).toBe(false);
    expect(isSetBack(HOUR, HOUR - LATE_MS - 1)).toBe(true);
  });
});

describe("a start that waits for the run before it", () => {
  it("a start that waits for the run before it asks again with growing pauses, from 1 s to 30 s", () => {
    expect([0, 3_000, 8_000, 60_000, HOUR].map(waitingPauseMs)).toEqual([1_000, 1_000, 2_000, 15_000, 30_000]);
  });
});
