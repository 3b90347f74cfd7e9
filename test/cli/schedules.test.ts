import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { withProject } from "../compiler/project.ts";
import { commandLine } from "../scripts/command-line.ts";

const CONF = `tasks:
  report:
    method: a
    schedule: [{cron: "30 1 * * *", timezone: Europe/London, overlap: skip, catch_up: all}, "@hourly"]
  other: {method: b}
`;

/** Runs `peach schedules` on a project with this conf. */
function schedules(line: string, conf = CONF) {
  return withProject({ conf }, async ({ confPath, pipelinesDir }) => {
    const env = { PEACH_CONF: confPath, PEACH_PIPELINES: pipelinesDir };
    const { code, out, err } = await commandLine(["schedules", ...line.split(" ").filter(Boolean)], { env });
    return { code, out, err };
  });
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2027, 2, 27, 12, 30) });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("peach schedules", () => {
  it("peach schedules shows the next five times of each schedule, in its zone and in UTC", async () => {
    expect(await schedules("")).toEqual({
      code: 0,
      err: "",
      out: `report  30 1 * * *  Europe/London
  2027-03-28T02:00:00+01:00  2027-03-28T01:00:00Z
  2027-03-29T01:30:00+01:00  2027-03-29T00:30:00Z
  2027-03-30T01:30:00+01:00  2027-03-30T00:30:00Z
  2027-03-31T01:30:00+01:00  2027-03-31T00:30:00Z
  2027-04-01T01:30:00+01:00  2027-04-01T00:30:00Z

report  @hourly  UTC
  2027-03-27T13:00:00+00:00  2027-03-27T13:00:00Z
  2027-03-27T14:00:00+00:00  2027-03-27T14:00:00Z
  2027-03-27T15:00:00+00:00  2027-03-27T15:00:00Z
  2027-03-27T16:00:00+00:00  2027-03-27T16:00:00Z
  2027-03-27T17:00:00+00:00  2027-03-27T17:00:00Z`,
    });
  });

  it("peach schedules gives programs as many as they ask for", async () => {
    const { code, out } = await schedules("--next 1 --json");
    expect([code, JSON.parse(out)]).toEqual([
      0,
      {
        schedules: [
          {
            task: "report",
            cron: "30 1 * * *",
            timezone: "Europe/London",
            overlap: "skip",
            catch_up: { policy: "all", window_ms: 86_400_000 },
            next: [{ local: "2027-03-28T02:00:00+01:00", utc: "2027-03-28T01:00:00Z" }],
          },
          {
            task: "report",
            cron: "@hourly",
            timezone: "UTC",
            overlap: "allow",
            catch_up: { policy: "latest", window_ms: null },
            next: [{ local: "2027-03-27T13:00:00+00:00", utc: "2027-03-27T13:00:00Z" }],
          },
        ],
      },
    ]);
  });

  it("peach schedules says so when there are none", async () => {
    expect((await schedules("", "tasks: {t: {method: a}}\n")).out).toBe("no task of peach.conf has a schedule");
  });

  it.each(["0", "1001", "two", "-1"])("peach schedules refuses --next=%s with exit code 2", async (count) => {
    const { code, err } = await schedules(`--next=${count}`);
    expect([code, err]).toEqual([
      2,
      expect.stringContaining(`--next: expected a number from 1 to 1000, given ${count}`),
    ]);
  });

  it("peach schedules exits with 1 and shows the problems of a broken peach.conf", async () => {
    const { code, out, err } = await schedules("", "tasks: {t: {method: a, schedule: daily}}\n");
    expect([code, out]).toEqual([1, ""]);
    expect(err).toContain("tasks.t.schedule: expected a cron expression of five fields");
  });
});
