import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { readGrant } from "../../../src/objects/run/grant-text-rpc.ts";
import type { Lease } from "../../../src/objects/run/lease-rpc.ts";
import { acceptance, CLAIM, HandDrivenRun, leaseOf, only } from "../../support/hand-driven.ts";
import { succeeded } from "../../support/settlements.ts";
import { loseMessages } from "../../support/lost-messages.ts";
import { planOf, taskPlan } from "../../support/plan.ts";

const START = Date.UTC(2027, 0, 1);
const ONE = planOf([taskPlan("only")]);
const LONG = planOf([taskPlan("only", { timeoutMs: 120_000 })]);
const FAN = planOf([
  taskPlan("top", { downstream: ["left", "right"] }),
  taskPlan("left", { upstream: ["top"] }),
  taskPlan("right", { upstream: ["top"] }),
]);

/** Nobody calls: the alarm fires when it is due. Milliseconds since the start. */
async function nextAlarm(run: HandDrivenRun): Promise<number> {
  const at = (await run.alarmAt()) ?? 0;
  vi.setSystemTime(at);
  await run.wake();
  return at - START;
}

async function statusOf(run: HandDrivenRun, ordinal = 0): Promise<string | undefined> {
  return (await run.document()).tasks[ordinal]?.status;
}

function sign({ ordinal, attempt, token }: Lease) {
  return { ordinal, attempt, token, from: 0, lines: [], dropped: 0 };
}

beforeEach(() => {
  vi.setSystemTime(START);
  loseMessages();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("an attempt of a driver that has died with the run object", () => {
  it("an attempt of a driver that has died with the run object is lost within twelve seconds, whatever its timeout", async () => {
    const { run } = await HandDrivenRun.accept(acceptance(ONE, "only"));
    await run.evict();
    expect(await nextAlarm(run)).toBe(8_000);
    expect(await statusOf(run)).toBe("running");
    expect(await nextAlarm(run)).toBe(12_000);
    expect(await statusOf(run)).toBe("retrying");
    expect((await run.document()).tasks[0]?.attempts[0]).toMatchObject({ status: "lost" });
  });

  it("an attempt of a driver that has died with the run object is lost four seconds after somebody looks at the run, if that is sooner", async () => {
    const { run } = await HandDrivenRun.accept(acceptance(ONE, "only"));
    await run.evict();
    vi.setSystemTime(START + 1_000);
    await run.document();
    await vi.waitFor(async () => expect(await run.alarmAt()).toBe(START + 5_000), 10_000);
    expect(await nextAlarm(run)).toBe(5_000);
    expect(await statusOf(run)).toBe("retrying");
  });
});

describe("an attempt of a driver that lives on in another life of the run object", () => {
  it("an attempt of a driver that lives on in another life of the run object keeps its lease when it reports", async () => {
    const { run, answer } = await HandDrivenRun.accept(acceptance(ONE, "only"));
    await run.evict();
    expect(await nextAlarm(run)).toBe(8_000);
    await run.call((object) => object.report([sign(only(answer.grant))]));
    expect(await nextAlarm(run)).toBe(12_000);
    expect(await statusOf(run)).toBe("running");
    expect(await nextAlarm(run)).toBe(35_000);
    expect(await statusOf(run)).toBe("retrying");
  });

  it("an attempt of a driver that lives on in another life of the run object keeps its lease when its driver settles another", async () => {
    const { run, answer } = await HandDrivenRun.accept(acceptance(FAN, "top"));
    const settle = (lease: Lease, call: string) =>
      run.call(async (object) =>
        readGrant(await object.settle({ settlements: [succeeded(lease)], claim: { ...CLAIM, call } })),
      );
    const sides = await settle(only(answer.grant), "driver/1");
    await run.evict();
    expect(await nextAlarm(run)).toBe(8_000);
    await settle(leaseOf(sides, "left"), "driver/2");
    expect(await nextAlarm(run)).toBe(12_000);
    expect(await statusOf(run, 2)).toBe("running");
  });
});

describe("an attempt that says nothing", () => {
  it("an attempt that says nothing keeps its lease in the life that gave it: it may compute without a pause", async () => {
    const { run } = await HandDrivenRun.accept(acceptance(ONE, "only"));
    expect(await nextAlarm(run)).toBe(8_000);
    expect(await run.alarmAt()).toBe(START + 35_000);
    expect(await statusOf(run)).toBe("running");
  });

  it("an attempt that says nothing keeps its lease in a life that has read, and deleted, an earlier run of the same id", async () => {
    const request = acceptance(planOf([taskPlan("only")], { retentionMs: 60_000 }), "only");
    const { run, answer } = await HandDrivenRun.accept(request);
    await run.settle(succeeded(only(answer.grant)));
    await run.evict();
    vi.setSystemTime(START + 60_000);
    await run.wake();
    await HandDrivenRun.accept({ ...request, nonce: crypto.randomUUID() });
    expect(await nextAlarm(run)).toBe(68_000);
    expect(await statusOf(run)).toBe("running");
    expect(await run.alarmAt()).toBe(START + 95_000);
  });

  it("an attempt that says nothing keeps its lease in an executor object, which says itself when it has died", async () => {
    const { run } = await HandDrivenRun.accept(acceptance(LONG, "only", { claim: null }));
    const lease = await run.call((object) => object.begin(0, "an executor object"));
    expect(lease).not.toBeNull();
    await run.evict();
    vi.setSystemTime(START + 100_000);
    await run.wake();
    expect(await statusOf(run)).toBe("running");
  });
});
