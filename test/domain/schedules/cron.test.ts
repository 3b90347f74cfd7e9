import { CronExpressionParser } from "cron-parser";
import { fc } from "../../support/property.ts";
import { describe, expect, it } from "vitest";
import { cronFault, dueTimes, timezoneFault } from "../../../src/domain/schedules/cron.ts";
import { IS_LONG } from "../../support/long.ts";
import { type Expression, minuteScan, Zone } from "../../compiler/wall-clock.ts";

const FROM = Date.UTC(2026, 0, 1);
/** Each clock changes there and back in a year already. */
const UNTIL = Date.UTC(IS_LONG ? 2028 : 2027, 0, 1);
const HOUR = 3_600_000;

// Half an hour of daylight saving, an offset of 45 minutes, one that ends at midnight, one that pauses for Ramadan, two hours.
const ZONES = [
  "Europe/London",
  "America/New_York",
  "Australia/Lord_Howe",
  "Asia/Kathmandu",
  "America/St_Johns",
  "Africa/Casablanca",
  "America/Santiago",
  "Pacific/Apia",
  "Asia/Tehran",
  "Antarctica/Troll",
  "Africa/Cairo",
  "Pacific/Chatham",
] as const;

const everyDay = (): boolean => true;
/** Clocks change on the night to Sunday, in Cairo on the one to Friday. */
const isChangeDay = ({ weekday }: { readonly weekday: number }): boolean => weekday === 0 || weekday === 5;
const EXPRESSIONS: readonly Expression[] = [
  { cron: "30 2 * * *", isInterval: false, isDay: everyDay, isTime: (hour, minute) => hour === 2 && minute === 30 },
  { cron: "0 0 * * *", isInterval: false, isDay: everyDay, isTime: (hour, minute) => hour === 0 && minute === 0 },
  {
    cron: "15,45 1-3 * * *",
    isInterval: false,
    isDay: everyDay,
    isTime: (hour, minute) => hour >= 1 && hour <= 3 && (minute === 15 || minute === 45),
  },
  {
    cron: "*/20 0-4 * * SUN,FRI",
    isInterval: true,
    isDay: isChangeDay,
    isTime: (hour, minute) => hour <= 4 && minute % 20 === 0,
  },
  {
    cron: "10 */2 * * SUN,FRI",
    isInterval: true,
    isDay: isChangeDay,
    isTime: (hour, minute) => hour % 2 === 0 && minute === 10,
  },
  {
    cron: "5 1 * * SUN",
    isInterval: false,
    isDay: ({ weekday }) => weekday === 0,
    isTime: (hour, minute) => hour === 1 && minute === 5,
  },
  // A day of the month or of the week: either is enough.
  {
    cron: "0 12 31 * MON",
    isInterval: false,
    isDay: ({ day, weekday }) => day === 31 || weekday === 1,
    isTime: (hour, minute) => hour === 12 && minute === 0,
  },
];

/** All due times in [FROM, UNTIL). */
function forward(cron: string, zone: string): number[] {
  const times = dueTimes(cron, zone);
  const found: number[] = [];
  for (let at = times.next(FROM - 1); at !== null && at < UNTIL; at = times.next(at)) found.push(at);
  return found;
}

function isos(times: readonly number[]): string[] {
  return times.map((at) => new Date(at).toISOString());
}

describe("due times over a year or two", { timeout: 60_000 }, () => {
  it.each(ZONES)(
    "due times in %s over a year or two are those that a look at every minute finds, gaps and repeats included",
    (name) => {
      const zone = new Zone(name, FROM, UNTIL);
      for (const expression of EXPRESSIONS)
        expect(isos(forward(expression.cron, name)), expression.cron).toEqual(
          isos(minuteScan(expression, zone, FROM, UNTIL)),
        );
    },
  );

  it("due times over a year or two are looked at in zones that change their clocks, forward and back", () => {
    const changes = ZONES.map((name) => new Zone(name, FROM, UNTIL).transitions().map(({ by }) => by / HOUR));
    expect(Object.fromEntries(ZONES.map((name, index) => [name, new Set(changes[index])]))).toEqual({
      "Europe/London": new Set([1, -1]),
      "America/New_York": new Set([-1, 1]),
      "Australia/Lord_Howe": new Set([-0.5, 0.5]),
      "Asia/Kathmandu": new Set(),
      "America/St_Johns": new Set([1, -1]),
      "Africa/Casablanca": new Set([-1, 1]),
      "America/Santiago": new Set([-1, 1]),
      "Pacific/Apia": new Set(),
      "Asia/Tehran": new Set(),
      "Antarctica/Troll": new Set([2, -2]),
      "Africa/Cairo": new Set([1, -1]),
      "Pacific/Chatham": new Set([-1, 1]),
    });
  });

  // cron-parser stops for good where Lord Howe repeats half an hour: shown below.
  it.each(ZONES.filter((zone) => zone !== "Australia/Lord_Howe"))(
    "due times in %s over a year or two are those of a second library, but for days on which the clock changes",
    (name) => {
      const zone = new Zone(name, FROM, UNTIL);
      const isNear = (at: number): boolean => zone.transitions().some((change) => Math.abs(change.at - at) < 24 * HOUR);
      for (const cron of ["30 2 */3 * *", "5 1 * * SUN", "0 12 31 * MON"]) {
        const theirs = CronExpressionParser.parse(cron, {
          currentDate: new Date(FROM - 1),
          endDate: new Date(UNTIL - 1),
          tz: name,
        });
        const all: number[] = [];
        while (theirs.hasNext()) all.push(theirs.next().getTime());
        const apart = (times: readonly number[]): string[] => isos(times.filter((at) => !isNear(at)));
        expect(apart(forward(cron, name)), cron).toEqual(apart(all));
      }
    },
  );
});

describe("a day on which the clock changes", () => {
  const onDay = (cron: string, zone: string, day: string): string[] => {
    const midnight = Date.parse(`${day}T00:00:00Z`);
    return isos(dueTimes(cron, zone).latest(100, midnight - 1, midnight + 24 * HOUR - 1)).map((at) => at.slice(11, 16));
  };

  // London, 29 March 2026: 00:59 GMT, then 02:00 BST. 25 October 2026: 01:59 BST, then 01:00 GMT.
  it.each([
    ["30 1 * * *", "2026-03-29", ["01:00"], "a time that is skipped is due at the end of the gap"],
    ["15,45 1 * * *", "2026-03-29", ["01:00"], "several of them are due there once"],
    ["30 1,13 * * *", "2026-03-29", ["01:00", "12:30"], "beside those that are not skipped"],
    ["30 1 * * *", "2026-10-25", ["00:30"], "a time that is repeated is due the first time"],
    ["*/30 1-2 * * *", "2026-03-29", ["01:00", "01:30"], "of an interval what is skipped is left out"],
    ["*/30 1 * * *", "2026-10-25", ["00:00", "00:30", "01:00", "01:30"], "and what is repeated is due both times"],
  ])("%s on %s is due at %s UTC: %s", (cron, day, times) => {
    expect(onDay(cron, "Europe/London", day)).toEqual(times);
  });

  it("a day on which the clock changes differs in the second library, which the comparison leaves out", () => {
    const theirs = (cron: string, zone: string, from: string, until: string): string[] => {
      const range = { currentDate: new Date(from), endDate: new Date(until) };
      const times = CronExpressionParser.parse(cron, { ...range, tz: zone });
      const all: string[] = [];
      while (times.hasNext()) all.push(times.next().toDate().toISOString());
      return all;
    };
    // It moves a skipped time on by the gap.
    expect(theirs("30 1 * * *", "Europe/London", "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z")).toEqual([
      "2026-03-29T01:30:00.000Z",
    ]);
    expect(onDay("30 1 * * *", "Europe/London", "2026-03-29")).toEqual(["01:00"]);
    // It finds nothing after the night in which Lord Howe repeats half an hour.
    expect(theirs("5 1 * * SUN", "Australia/Lord_Howe", "2026-04-01T00:00:00Z", "2026-04-30T00:00:00Z")).toEqual([
      "2026-04-04T14:05:00.000Z",
    ]);
    expect(isos(dueTimes("5 1 * * SUN", "Australia/Lord_Howe").latest(2, FROM, Date.UTC(2026, 4, 1)))).toEqual([
      "2026-04-18T14:35:00.000Z",
      "2026-04-25T14:35:00.000Z",
    ]);
  });
});

describe("due times", () => {
  const cron = fc.oneof(
    fc.constantFrom(...EXPRESSIONS.map((expression) => expression.cron)),
    fc.constantFrom(
      "* * * * *",
      "*/7 * * * * *",
      "30 0 3 * * *",
      "0 0 L * *",
      "0 9 * * FRI#2",
      "0 0 29 2 *",
      "@daily",
      "@hourly",
    ),
    fc
      .tuple(fc.nat(59), fc.nat(23), fc.integer({ min: 1, max: 28 }))
      .map(([minute, hour, day]) => `${minute} ${hour} ${day} * *`),
  );
  const instant = fc.integer({ min: FROM, max: UNTIL });

  it("due times are later than asked, strictly increasing, in whole seconds, and the same looked at from the other end", () => {
    fc.assert(
      fc.property(cron, fc.constantFrom(...ZONES), instant, (expression, zone, from) => {
        const times = dueTimes(expression, zone);
        const ahead: number[] = [];
        for (let at = times.next(from); at !== null && ahead.length < 12; at = times.next(at)) ahead.push(at);
        for (const [index, at] of ahead.entries()) {
          expect(at).toBeGreaterThan(ahead[index - 1] ?? from);
          expect(at % 1_000).toBe(0);
          expect(times.next(at - 1)).toBe(at);
        }
        const last = ahead.at(-1) ?? from;
        expect(times.latest(100, from, last)).toEqual(ahead);
        expect(times.latest(3, from, last)).toEqual(ahead.slice(-3));
        expect(times.latest(3, last, last)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

describe("the latest due times", () => {
  const noon = Date.UTC(2026, 5, 1, 12);
  const hourly = dueTimes("0 * * * *", "UTC");

  it("the latest due times end with the time that is asked for, and begin behind the one that was dealt with", () => {
    expect(hourly.latest(5, noon - 1, noon)).toEqual([noon]);
    expect(hourly.latest(5, noon, noon + HOUR)).toEqual([noon + HOUR]);
    expect(hourly.latest(5, noon, noon + HOUR - 1)).toEqual([]);
  });

  it("the latest due times are none of an expression that is never due", () => {
    const never = dueTimes("0 0 30 2 *", "UTC");
    expect([never.next(FROM), never.latest(5, FROM, UNTIL)]).toEqual([null, []]);
  });
});

describe("a cron expression", () => {
  it.each([
    "0 3 * * *",
    "*/10 * * * * *",
    "  0\t3 * *   MON-FRI ",
    "0 0 29 2 *",
    "0 0 L * FRI#L",
    "0 0 15W * ?",
    "0 0 1 * +MON",
    "@daily",
    "@Hourly",
  ])("%s is valid", (cron) => {
    expect(cronFault(cron)).toBeNull();
  });

  it.each([
    ["", "a cron expression of five fields"],
    ["daily", "a cron expression of five fields"],
    ["* * * *", "a cron expression of five fields"],
    ["0 0 3 * * * 2027", "a cron expression of five fields"],
    ["2027-01-01T00:00:00", "a cron expression of five fields"],
    ["60 3 * * *", "a cron expression whose minutes (field 1) is 0-59"],
    ["0 24 * * *", "a cron expression whose hours (field 2) is 0-23"],
    ["0 0 0 * *", "a cron expression whose day of month (field 3) is 1-31"],
    ["0 0 * 13 *", "a cron expression whose month (field 4) is 1-12"],
    ["0 0 * * FOO", "a cron expression whose day of week (field 5) is 0-7"],
    ["61 0 3 * * *", "a cron expression whose seconds (field 1) is 0-59"],
    ["0 0 3 * * 9", "a cron expression whose day of week (field 6) is 0-7"],
    ["*/0 * * * *", "a cron expression whose minutes (field 1)"],
    ["10-5 * * * *", "a cron expression whose minutes (field 1)"],
    ["0 0 30 2 *", "a cron expression that is due some day"],
    ["0 0 31 4,6,9,11 *", "a cron expression that is due some day"],
    ["@reboot", "a cron expression, or one of @hourly"],
  ])("%s is refused: expected %s", (cron, expected) => {
    expect(cronFault(cron)?.expected).toContain(expected);
  });

  it.each([
    ["Europe/Londn", "did you mean Europe/London?"],
    ["Zurich", "did you mean Europe/Zurich?"],
    ["Winterthur", "it is written as Area/City, or UTC"],
    ["+02:00", "it is written as Area/City, or UTC"],
    ["", "it is written as Area/City, or UTC"],
  ])("a cron expression is in no zone called %j: %s", (name, hint) => {
    expect(timezoneFault(name)).toEqual({ hint });
  });

  it.each(["UTC", "Etc/GMT+2", "Asia/Calcutta", "Asia/Kolkata", ...ZONES])(
    "a cron expression may be in the zone %s",
    (name) => {
      expect(timezoneFault(name)).toBeNull();
    },
  );
});
