import { createExecutionContext } from "cloudflare:test";
import { env } from "../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { TaskStatus } from "../../src/domain/statuses.ts";
import { readGrant } from "../../src/objects/run/grant-text-rpc.ts";
import type { Lease } from "../../src/objects/run/lease-rpc.ts";
import { Deadlines } from "../../src/execution/attempt/deadlines.ts";
import { executeLease } from "../support/deployed.ts";
import { acceptance, HandDrivenRun, only } from "../support/hand-driven.ts";
import { settlement, succeeded } from "../support/settlements.ts";
import { loseMessages } from "../support/lost-messages.ts";
import { callsWaiting, nextCall } from "../support/pool/pipelines/scripted.ts";
import { planOf, taskPlan } from "../support/plan.ts";

const START = Date.UTC(2027, 0, 1);
const LEASE_MS = 25_000 + 10_000;
/** When the run looks whether its object has died meanwhile. */
const LOOK_MS = 8_000;

// first ─▶ second; every payload goes to R2
const CHAIN = planOf(
  [
    taskPlan("first", { method: "scripted", downstream: ["second"] }),
    taskPlan("second", { method: "scripted", upstream: ["first"] }),
  ],
  { inlineLimitBytes: 0 },
);

/** A run whose first task has succeeded and whose second is leased to the test. */
async function upToSecond(): Promise<{ run: HandDrivenRun; second: Lease }> {
  const { run, answer } = await HandDrivenRun.accept(acceptance(CHAIN, "first"));
  const second = only(await run.settle(succeeded(only(answer.grant), "of first")));
  return { run, second };
}

/** Nobody calls: alarm after alarm, until this task is not in this status any more, or in it again with another attempt. */
async function alarmsUntilNot(run: HandDrivenRun, ordinal: number, status: TaskStatus): Promise<void> {
  const look = async () => (await run.document()).tasks[ordinal];
  const attempts = (await look())?.attempts.length;
  for (let task = await look(); task?.status === status && task.attempts.length === attempts; task = await look()) {
    vi.setSystemTime((await run.alarmAt()) ?? 0);
    await run.wake();
  }
}

/** The driver is dead and its lease runs out: only the run's own alarm can help. */
async function leaseRunsOut(run: HandDrivenRun): Promise<void> {
  await alarmsUntilNot(run, 1, "running");
  await alarmsUntilNot(run, 1, "retrying");
}

/** A driver comes for the first task. */
async function claimFirst(run: HandDrivenRun): Promise<Lease> {
  await alarmsUntilNot(run, 0, "retrying");
  return only(await run.claim());
}

/** Brings a run whose second task was lost to its end: it is a suspect, and has an executor object of its own. */
async function finish(run: HandDrivenRun, value: unknown): Promise<void> {
  const executing = run.executes(1, 2);
  const call = await nextCall(run.id, "second");
  expect(call.task.attempt).toBe(2);
  expect(call.payload).toBe("of first");
  call.succeed(value);
  await executing;
  expect(await run.final()).toMatchObject({
    status: "succeeded",
    tasks: [
      { task: "first", attempts: [{ status: "succeeded" }] },
      {
        task: "second",
        attempts: [
          { status: "lost", error: { name: "WorkerLostError" } },
          { status: "succeeded", error: null },
        ],
      },
    ],
  });
}

async function objectsOf(run: HandDrivenRun): Promise<string[]> {
  const { objects } = await env.PAYLOADS.list({ prefix: `runs/${run.id}/` });
  return objects.map(({ key }) => key.slice(`runs/${run.id}/`.length));
}

async function textPassed(run: HandDrivenRun, task: string): Promise<string | undefined> {
  const payload = await run.call((object) => object.payload(task));
  return payload?.at === "r2" ? (await env.PAYLOADS.get(payload.key))?.text() : undefined;
}

beforeEach(() => {
  vi.setSystemTime(START);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("a driver that dies", () => {
  it("a driver that dies before the task: the attempt is lost when its lease runs out, and another makes it", async () => {
    const { run } = await upToSecond();
    expect(await run.alarmAt()).toBe(START + LOOK_MS);
    vi.setSystemTime(START + LEASE_MS - 1);
    await run.wake();
    expect((await run.document()).tasks[1]?.status).toBe("running");
    vi.setSystemTime(START + LEASE_MS);
    await run.wake();
    expect((await run.document()).tasks[1]?.status).toBe("retrying");
    await alarmsUntilNot(run, 1, "retrying");
    await finish(run, "done");
    expect(callsWaiting(run.id)).toBe(0);
  });

  it("a driver that dies while the task hangs: another attempt finishes the run, and the late result changes nothing", async () => {
    const { run, answer } = await HandDrivenRun.accept(acceptance(CHAIN, "first"));
    const grant = await run.call(async (object) =>
      readGrant(await object.settle({ settlements: [succeeded(only(answer.grant), "of first")], claim: null })),
    );
    expect(grant.leases).toEqual([]);
    const hanging = await nextCall(run.id, "second");
    expect(hanging.task.attempt).toBe(1);
    await leaseRunsOut(run);
    await finish(run, "of the second attempt");
    const document = await run.document();
    const rows = (await run.journal()).length;
    hanging.succeed("late");
    // The late attempt stores its output, then settles in vain.
    await vi.waitFor(async () => expect((await objectsOf(run)).toSorted()).toEqual(["1/1-2", "1/2-3"]), 10_000);
    expect(await run.document()).toEqual(document);
    expect((await run.journal()).length).toBe(rows);
    expect(await textPassed(run, "second")).toBe("of the second attempt");
  });

  it("a driver that dies after the task and before its settle: the result is made once more", async () => {
    const { run, second } = await upToSecond();
    const late = succeeded(second, "never arrives in time");
    await leaseRunsOut(run);
    await finish(run, "made again");
    const document = await run.document();
    expect(await run.settle(late)).toEqual({ leases: [] });
    expect(await run.document()).toEqual(document);
    expect(await textPassed(run, "second")).toBe("made again");
  });

  it("a driver that dies between the payload and its settle: the object in R2 is not visible, and goes with the run", async () => {
    const { run, second } = await upToSecond();
    const lease = { ...second, inlineLimitBytes: 0 };
    const executing = executeLease(env, lease, createExecutionContext(), new Deadlines());
    (await nextCall(run.id, "second")).succeed("stored, never settled");
    const unsettled = await executing;
    expect(await objectsOf(run)).toEqual(["1/1-2"]);
    expect(await textPassed(run, "second")).toBeUndefined();
    await leaseRunsOut(run);
    await finish(run, "made again");
    expect((await objectsOf(run)).toSorted()).toEqual(["1/1-2", "1/2-3"]);
    await run.settle(unsettled);
    expect(await textPassed(run, "second")).toBe("made again");
    vi.setSystemTime(Date.now() + CHAIN.retentionMs);
    await run.wake();
    expect(await objectsOf(run)).toEqual([]);
  });

  it("three times more when the task has its worker alone: the run fails with that reason", async () => {
    loseMessages();
    const { run } = await HandDrivenRun.accept(acceptance(CHAIN, "first"));
    await alarmsUntilNot(run, 0, "running");
    for (let attempt = 2; attempt <= 4; attempt += 1) {
      await alarmsUntilNot(run, 0, "retrying");
      // As the object that ran it says when the platform calls its alarm again.
      const lease = await run.call((object) => object.begin(0, `executor of attempt ${attempt}`));
      if (lease === null) throw new Error(`attempt ${attempt} cannot be begun`);
      const error = { name: "WorkerLostError", message: "died", stack: null };
      const died = settlement(lease, { type: "lost", to: "worker", error });
      await run.call((object) => object.settle({ settlements: [died], claim: null }));
    }
    const { status, tasks } = await run.document();
    expect(status).toBe("failed");
    expect(tasks.map(({ reason }) => reason)).toEqual(["worker_lost", "upstream_failed"]);
    expect(tasks[0]?.attempts.map((each) => each.status)).toEqual(Array.from({ length: 4 }, () => "lost"));
  });
});

describe("surroundings that fail an attempt", () => {
  it("surroundings that fail an attempt never fail the task, however often", async () => {
    loseMessages();
    const { run, answer } = await HandDrivenRun.accept(acceptance(CHAIN, "first"));
    const error = { name: "PayloadStoreError", message: "R2 is down", stack: null };
    let lease = only(answer.grant);
    for (let loss = 1; loss <= 15; loss += 1) {
      const lost = settlement(lease, { type: "lost", to: "surroundings", error });
      await run.call((object) => object.settle({ settlements: [lost], claim: null }));
      lease = await claimFirst(run);
    }
    expect(lease.attempt).toBe(16);
    const { leases } = await run.settle(succeeded(lease));
    await run.settle(...leases.map((each) => succeeded(each)));
    expect((await run.document()).status).toBe("succeeded");
  });
});
