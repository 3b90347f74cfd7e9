import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { SchedulePlan } from "../../../src/domain/plan/plan.ts";
import { edge, type Send } from "../../support/edge.ts";
import { planOf, taskPlan } from "../../support/plan.ts";

const DAILY: SchedulePlan = {
  id: "daily",
  cron: "30 1 * * *",
  timezone: "Europe/London",
  overlap: "skip",
  catchUp: { policy: "all", windowMs: 3_600_000 },
  payload: '{"full":true}',
};
const HOURLY: SchedulePlan = {
  id: "hourly",
  cron: "@hourly",
  timezone: "Asia/Kathmandu",
  overlap: "allow",
  catchUp: { policy: "none", windowMs: null },
  payload: null,
};
const NEVER_RUN = { waiting: [], waiting_for: null, last_run: null, skipped: { count: 0, last: null } };

let version = 0;

/** A deployment of its own: all of them are of the one schedules object. */
function deployed(): Send {
  version += 1;
  return edge(
    planOf([taskPlan("echo", { schedules: [DAILY, HOURLY] }), taskPlan("other")], { version: `schedules-${version}` }),
  );
}

beforeEach(() => {
  vi.setSystemTime(Date.UTC(2027, 2, 26, 12));
});
afterEach(() => {
  vi.useRealTimers();
});

describe("GET /schedules", () => {
  it("GET /schedules lists every schedule with its next times, as its zone's clocks show them and in UTC", async () => {
    const response = await deployed()("/api/v1/schedules");
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      schedules: [
        {
          ...NEVER_RUN,
          task: "echo",
          cron: "30 1 * * *",
          timezone: "Europe/London",
          overlap: "skip",
          catch_up: { policy: "all", window_ms: 3_600_000 },
          payload: { full: true },
          paused: false,
          // On the 28th the clock skips from 01:00 to 02:00.
          next: [
            { local: "2027-03-27T01:30:00+00:00", utc: "2027-03-27T01:30:00Z" },
            { local: "2027-03-28T02:00:00+01:00", utc: "2027-03-28T01:00:00Z" },
            { local: "2027-03-29T01:30:00+01:00", utc: "2027-03-29T00:30:00Z" },
            { local: "2027-03-30T01:30:00+01:00", utc: "2027-03-30T00:30:00Z" },
            { local: "2027-03-31T01:30:00+01:00", utc: "2027-03-31T00:30:00Z" },
          ],
        },
        {
          ...NEVER_RUN,
          task: "echo",
          cron: "@hourly",
          timezone: "Asia/Kathmandu",
          overlap: "allow",
          catch_up: { policy: "none", window_ms: null },
          paused: false,
          next: [12, 13, 14, 15, 16].map((hour) => ({
            local: `2027-03-26T${hour + 6}:00:00+05:45`,
            utc: `2027-03-26T${hour}:15:00Z`,
          })),
        },
      ],
    });
  });

  it("GET /schedules is empty without schedules", async () => {
    const send = edge(planOf([taskPlan("echo")], { version: "no-schedules" }));
    expect(await (await send("/api/v1/schedules")).json()).toEqual({ schedules: [] });
  });
});

describe("POST /schedules/{task}/pause and resume", () => {
  it("POST /schedules/{task}/pause and resume answer the task's schedules as they are then", async () => {
    const send = deployed();
    for (const [call, paused] of [
      ["pause", true],
      ["pause", true],
      ["resume", false],
    ] as const) {
      const response = await send(`/api/v1/schedules/echo/${call}`, { method: "POST" });
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ schedules: [{ paused }, { paused }] });
    }
  });

  it("POST /schedules/{task}/pause and resume are refused for a task that has no schedule, or is none", async () => {
    const send = deployed();
    const without = await send("/api/v1/schedules/other/pause", { method: "POST" });
    expect(without.status).toBe(404);
    expect(await without.json()).toMatchObject({ code: "no_schedule", detail: 'The task "other" has no schedule.' });
    const unknown = await send("/api/v1/schedules/ecko/resume", { method: "POST" });
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toMatchObject({ code: "unknown_task", hint: 'Did you mean "echo"?' });
  });

  it("POST /schedules/{task}/pause and resume need a token that may change, the list one that may list", async () => {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode("t"))).toHex();
    for (const [scope, list, pause] of [
      ["read", 200, 403],
      ["trigger", 403, 403],
    ] as const) {
      const send = edge(planOf([taskPlan("echo")]), { env: { PEACH_API_TOKENS: `t:${scope}:${digest}` } });
      const headers = { Authorization: "Bearer t" };
      expect((await send("/api/v1/schedules", { headers })).status).toBe(list);
      expect((await send("/api/v1/schedules/echo/pause", { method: "POST", headers })).status).toBe(pause);
    }
  });
});
