import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RetryPolicy } from "../../../src/domain/plan/plan.ts";
import type { Settlement } from "../../../src/objects/run/settlement-rpc.ts";
import { NonRetryableError, RetryAfterError } from "../../../src/task-helpers.ts";
import { acceptance, HandDrivenRun, only } from "../../support/hand-driven.ts";
import { settlement, threw } from "../../support/settlements.ts";
import { loseMessages } from "../../support/lost-messages.ts";
import { nextCall } from "../../support/pool/pipelines/scripted.ts";
import { planOf, taskPlan } from "../../support/plan.ts";

const START = Date.UTC(2027, 0, 1);

function retried(limit: number, policy: Partial<RetryPolicy> = {}) {
  const retries = {
    limit,
    delayMs: 1_000,
    backoff: "exponential",
    maxDelayMs: 300_000,
    jitter: false,
    ...policy,
  } as const;
  return planOf([taskPlan("only", { method: "scripted", retries })]);
}

/** Fails every attempt so; gives the pauses between them, in milliseconds, and the run. */
async function failEach(plan: ReturnType<typeof retried>, fail: (lease: Parameters<typeof threw>[0]) => Settlement) {
  const { run, answer } = await HandDrivenRun.accept(acceptance(plan, "only"));
  const pauses: number[] = [];
  const nextAttempts: number[] = [];
  let { leases } = answer.grant;
  while (leases.length > 0) {
    ({ leases } = await run.settle(fail(only({ leases }))));
    if (leases.length > 0 || (await run.document()).status === "failed") continue;
    const failedAt = Date.now();
    // An alarm of a lease of the past may come first.
    while ((await run.document()).tasks[0]?.status === "retrying") {
      const [retrying] = (await run.document()).tasks;
      nextAttempts.push(Date.parse(retrying?.next_attempt_at ?? ""));
      vi.setSystemTime((await run.alarmAt()) ?? 0);
      await run.wake();
    }
    pauses.push(Date.now() - failedAt);
    // The document has said when.
    expect(nextAttempts.at(-1)).toBe(Date.now());
    ({ leases } = await run.claim());
  }
  return { pauses, run };
}

beforeEach(() => {
  vi.setSystemTime(START);
  loseMessages();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("a task that throws in every attempt", () => {
  it.each([0, 1, 5])(
    "a task that throws in every attempt with retries: %i has one attempt more, with growing pauses, and fails with the last error",
    async (limit) => {
      const { pauses, run } = await failEach(retried(limit), (lease) => threw(lease, { retryable: true }));
      expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000].slice(0, limit));
      const [task] = (await run.document()).tasks;
      expect(task).toMatchObject({ status: "failed", reason: "error" });
      expect(task?.attempts.map(({ attempt, status }) => [attempt, status])).toEqual(
        Array.from({ length: limit + 1 }, (_, index) => [index + 1, "failed"]),
      );
    },
  );

  it("a task that throws in every attempt waits no longer than max_delay", async () => {
    const { pauses } = await failEach(retried(4, { maxDelayMs: 3_000 }), (lease) => threw(lease, { retryable: true }));
    expect(pauses).toEqual([1_000, 2_000, 3_000, 3_000]);
  });

  it("a task that throws in every attempt waits as long as it asks for, as often as its retries allow", async () => {
    const { pauses } = await failEach(retried(2), (lease) => threw(lease, { retryable: true, retryAfterMs: 7_000 }));
    expect(pauses).toEqual([7_000, 7_000]);
  });

  it("a task that throws in every attempt is retried also after a timeout", async () => {
    const error = { name: "TimeoutError", message: "too long", stack: null };
    const { pauses, run } = await failEach(retried(1), (lease) => settlement(lease, { type: "timed_out", error }));
    expect(pauses).toEqual([1_000]);
    expect((await run.document()).tasks[0]?.attempts.map(({ status }) => status)).toEqual(["timed_out", "timed_out"]);
  });

  it("a task that throws in every attempt does not have lost attempts counted", async () => {
    let attempts = 0;
    const error = { name: "RunUnreachableError", message: "not now", stack: null };
    const { run } = await failEach(retried(1), (lease) => {
      attempts += 1;
      return attempts % 2 === 1
        ? settlement(lease, { type: "lost", to: "surroundings", error })
        : threw(lease, { retryable: true, retryAfterMs: 0 });
    });
    const statuses = (await run.document()).tasks[0]?.attempts.map(({ status }) => status);
    expect(statuses).toEqual(["lost", "failed", "lost", "failed"]);
  });
});

describe("a task on the real runtime", () => {
  beforeEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  it("a task on the real runtime is started again by the alarm when it asks for it, and then succeeds", async () => {
    const { run } = await HandDrivenRun.accept(acceptance(retried(3, { delayMs: 3_600_000 }), "only", { claim: null }));
    (await nextCall(run.id)).fail(new RetryAfterError(20));
    const second = await nextCall(run.id);
    expect(second.task.attempt).toBe(2);
    second.succeed("in the end");
    const document = await run.final();
    const [first, last] = document.tasks[0]?.attempts ?? [];
    expect([first?.status, last?.status]).toEqual(["failed", "succeeded"]);
    expect(Date.parse(last?.started_at ?? "") - Date.parse(first?.finished_at ?? "")).toBeGreaterThanOrEqual(20);
  });

  it("a task on the real runtime is not started again when it says that it is no use", async () => {
    const { run } = await HandDrivenRun.accept(acceptance(retried(3), "only", { claim: null }));
    (await nextCall(run.id)).fail(new NonRetryableError("no captions"));
    expect(await run.final()).toMatchObject({
      status: "failed",
      tasks: [
        {
          status: "failed",
          reason: "error",
          attempts: [{ error: { name: "NonRetryableError", message: "no captions" } }],
        },
      ],
    });
  });

  it("a task on the real runtime has nothing visible of an attempt that failed", async () => {
    const { run } = await HandDrivenRun.accept(acceptance(retried(0), "only", { claim: null }));
    const call = await nextCall(run.id);
    call.task.passToChildTask("passed, and then it threw");
    call.fail(new Error("x"));
    await run.final();
    expect(await run.call((object) => object.payload("only"))).toBeUndefined();
  });
});
