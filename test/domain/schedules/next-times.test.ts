import { describe, expect, it } from "vitest";
import { nextTimes } from "../../../src/domain/schedules/next-times.ts";

const NOON = Date.UTC(2027, 0, 1, 12);

describe("the next times of a schedule", () => {
  it.each([
    ["UTC", "2027-01-02T03:00:00+00:00", "2027-01-02T03:00:00Z"],
    ["America/St_Johns", "2027-01-02T03:00:00-03:30", "2027-01-02T06:30:00Z"],
    ["Asia/Kathmandu", "2027-01-02T03:00:00+05:45", "2027-01-01T21:15:00Z"],
    ["Pacific/Apia", "2027-01-02T03:00:00+13:00", "2027-01-01T14:00:00Z"],
    ["Pacific/Niue", "2027-01-01T03:00:00-11:00", "2027-01-01T14:00:00Z"],
  ])("the next times of a schedule in %s are %s", (timezone, local, utc) => {
    expect(nextTimes({ cron: "0 3 * * *", timezone }, NOON, 1)).toEqual([{ local, utc }]);
  });

  it("the next times of a schedule are apart where the clock shows the same time twice", () => {
    const next = nextTimes({ cron: "*/30 1 * * *", timezone: "Europe/London" }, Date.UTC(2026, 9, 25) - 1, 4);
    expect(next.map(({ local }) => local.slice(11))).toEqual([
      "01:00:00+01:00",
      "01:30:00+01:00",
      "01:00:00+00:00",
      "01:30:00+00:00",
    ]);
  });
});
