import { createExecutionContext, createScheduledController } from "cloudflare:test";
import { env } from "../../support/env.ts";
import { afterEach, describe, expect, it, vi } from "vitest";
import { callSchedules, createAnnouncement } from "../../../src/objects/schedules/schedules-client.ts";
import { SchedulesObject } from "../../../src/objects/schedules/schedules-object.ts";
import { worker } from "../../support/deployed.ts";
import { plan } from "../../support/deployed.ts";
import { planOf, taskPlan } from "../../support/plan.ts";
import { schedule } from "./clock.ts";

const PLAN = planOf([taskPlan("scripted", { schedules: [schedule()] })], { version: "announced" });

/** Requests to one isolate; resolves when all that they left behind is done. */
async function requests(
  announce: ReturnType<typeof createAnnouncement>,
  count: number,
  more: Partial<Env> = {},
): Promise<void> {
  const carried: Promise<unknown>[] = [];
  for (let request = 0; request < count; request += 1)
    announce({ ...env, ...more }, { waitUntil: (promise) => carried.push(promise) });
  await Promise.all(carried);
}

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("the announcement of the deployed schedules", () => {
  it("the announcement of the deployed schedules is made once, beside the first request", async () => {
    const sync = vi.spyOn(SchedulesObject.prototype, "sync");
    await requests(createAnnouncement(PLAN), 3);
    expect(sync).toHaveBeenCalledOnce();
    const [status] = await callSchedules(env, (schedules) => schedules.list());
    expect(status?.definition).toEqual(schedule());
  });

  it("the announcement of the deployed schedules is not made for a plan without schedules", async () => {
    const sync = vi.spyOn(SchedulesObject.prototype, "sync");
    await requests(createAnnouncement(planOf([taskPlan("scripted")])), 2);
    expect(sync).not.toHaveBeenCalled();
  });

  it("the announcement of the deployed schedules is made for such a plan on the local runtime, which has no watchdog: the last schedule to go stops", async () => {
    await requests(createAnnouncement(PLAN), 1);
    await requests(createAnnouncement(planOf([taskPlan("scripted")], { version: "none" })), 1, { PEACH_LOCAL: "1" });
    expect(await callSchedules(env, (schedules) => schedules.list())).toEqual([]);
  });

  it("the announcement of the deployed schedules is made again beside the next request if it failed", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    vi.stubGlobal("scheduler", { wait: async () => undefined });
    const broken = vi.spyOn(env.SCHEDULES, "getByName").mockImplementation(() => {
      throw Object.assign(new Error("reset"), { durableObjectReset: true });
    });
    const announce = createAnnouncement(PLAN);
    await requests(announce, 1);
    expect(broken).toHaveBeenCalledTimes(3);
    broken.mockRestore();
    const sync = vi.spyOn(SchedulesObject.prototype, "sync");
    await requests(announce, 2);
    expect(sync).toHaveBeenCalledOnce();
  });
});

describe("the cron trigger", () => {
  it("the cron trigger tells which schedules are deployed, none included", async () => {
    const sync = vi.spyOn(SchedulesObject.prototype, "sync");
    await worker.scheduled(createScheduledController(), env, createExecutionContext());
    expect(sync).toHaveBeenCalledExactlyOnceWith({
      v: 1,
      version: plan.version,
      madeAt: expect.any(Number),
      schedules: [],
    });
  });
});
