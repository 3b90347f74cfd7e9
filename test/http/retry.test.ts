import { env } from "../support/env.ts";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { RunId } from "../../src/domain/ids.ts";
import { RunObject } from "../../src/objects/run/run-object.ts";
import { callRun } from "../../src/objects/run/run-client.ts";
import { NonRetryableError } from "../../src/task-helpers.ts";
import { edge } from "../support/edge.ts";
import { acceptance, HandDrivenRun, only } from "../support/hand-driven.ts";
import { succeeded, threw } from "../support/settlements.ts";
import { loseMessages } from "../support/lost-messages.ts";
import { planOf, taskPlan } from "../support/plan.ts";
import { callsWaiting, nextCall } from "../support/pool/pipelines/scripted.ts";

// first ─▶ second ─▶ third, all run by the pool's own driver.
const PLAN = planOf([
  taskPlan("first", { method: "scripted", downstream: ["second"] }),
  taskPlan("second", { method: "scripted", upstream: ["first"], downstream: ["third"] }),
  taskPlan("third", { method: "scripted", upstream: ["second"] }),
]);
const send = edge(PLAN);

async function failedAtSecond(): Promise<RunId> {
  const response = await send("/api/v1/tasks/first/trigger", { method: "POST" });
  const { run_id } = await response.json<{ run_id: RunId }>();
  (await nextCall(run_id, "first")).succeed("from first");
  (await nextCall(run_id, "second")).fail(new NonRetryableError("broken"));
  await callRun(env, run_id, (run) => run.untilFinal(10_000));
  return run_id;
}

function retry(runId: string): Promise<Response> {
  return send(`/api/v1/runs/${runId}/retry`, { method: "POST" });
}

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("POST /runs/{id}/retry", () => {
  it("POST /runs/{id}/retry runs what failed and what was skipped for it, with what its upstream task had passed", async () => {
    const runId = await failedAtSecond();
    const response = await retry(runId);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      run_id: runId,
      status: "running",
      finished_at: null,
      tasks: [{ status: "succeeded" }, { status: "queued", retried_after: 1 }, { status: "pending", reason: null }],
    });
    const second = await nextCall(runId, "second");
    expect(second.payload).toBe("from first");
    expect(second.task.attempt).toBe(2);
    second.succeed("from second");
    const third = await nextCall(runId, "third");
    expect(third.payload).toBe("from second");
    third.succeed();
    const final = await callRun(env, runId, (run) => run.untilFinal(10_000));
    expect(final).toMatchObject({
      status: "succeeded",
      tasks: [
        { attempts: [{ status: "succeeded" }] },
        { attempts: [{ status: "failed", error: { message: "broken" } }, { status: "succeeded" }] },
        { attempts: [{ status: "succeeded" }] },
      ],
    });
    expect(callsWaiting(runId)).toBe(0);
  });

  it("POST /runs/{id}/retry is one retry if two come at once: the other is refused", async () => {
    const runId = await failedAtSecond();
    const responses = await Promise.all([retry(runId), retry(runId)]);
    expect(responses.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409]);
    const refused = responses.find(({ status }) => status === 409);
    expect(await refused?.json()).toMatchObject({ code: "run_not_final" });
    (await nextCall(runId, "second")).succeed();
    (await nextCall(runId, "third")).succeed();
    await callRun(env, runId, (run) => run.untilFinal(10_000));
    expect(callsWaiting(runId)).toBe(0);
  });

  it("POST /runs/{id}/retry of a run that has nothing to retry, or of no run, changes nothing", async () => {
    const runId = await failedAtSecond();
    await retry(runId);
    (await nextCall(runId, "second")).succeed();
    (await nextCall(runId, "third")).succeed();
    const final = await callRun(env, runId, (run) => run.untilFinal(10_000));
    const refused = await retry(runId);
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({ code: "nothing_to_retry" });
    expect(await callRun(env, runId, (run) => run.describe())).toEqual(final);
    for (const id of [`run_${"0".repeat(26)}`, "x"]) expect((await retry(id)).status).toBe(404);
  });
});

describe("a call whose answer was lost, and which is made again by itself,", () => {
  /** The next call of this method has its effect; its answer is lost after `meanwhile`. */
  function loseAnswer(method: "cancel" | "retry", meanwhile: (run: RunObject) => unknown = () => undefined): void {
    const answered = RunObject.prototype[method];
    vi.spyOn(RunObject.prototype, method).mockImplementationOnce(async function lost(
      this: RunObject,
      ...given: unknown[]
    ) {
      await Reflect.apply(answered, this, given);
      await meanwhile(this);
      throw new Error("Network connection lost.");
    });
  }

  /** A run that waits for a driver: its messages are lost. */
  async function waiting(): Promise<HandDrivenRun> {
    loseMessages();
    return (await HandDrivenRun.accept(acceptance(PLAN, "first", { claim: null }))).run;
  }

  it("a call whose answer was lost, and which is made again by itself, cancels a run once: one that was retried meanwhile goes on", async () => {
    const { id } = await waiting();
    loseAnswer("cancel", (run) => run.retry());
    const cancelled = await send(`/api/v1/runs/${id}/cancel`, { method: "POST" });
    expect(cancelled.status).toBe(200);
    expect(await callRun(env, id, (run) => run.describe())).toMatchObject({ status: "queued" });
  });

  it("a call whose answer was lost, and which is made again by itself, is answered as it would have been", async () => {
    const { id } = await waiting();
    loseAnswer("cancel");
    const cancelled = await send(`/api/v1/runs/${id}/cancel`, { method: "POST" });
    expect(cancelled.status).toBe(200);
    expect(await cancelled.json()).toMatchObject({ status: "cancelled" });
    loseAnswer("retry");
    const retried = await retry(id);
    expect(retried.status).toBe(200);
    expect(await retried.json()).toMatchObject({ status: "queued" });
  });

  it("a call whose answer was lost, and which is made again by itself, retries a run once: one that was cancelled meanwhile stays so", async () => {
    const run = await waiting();
    await run.call((object) => object.cancel());
    loseAnswer("retry", (object) => object.cancel());
    expect((await retry(run.id)).status).toBe(200);
    expect(await run.document()).toMatchObject({ status: "cancelled" });
  });

  it("a call whose answer was lost, and which is made again by itself, is known to the next life of the object, and to nobody else: another call has its effect", async () => {
    const run = await waiting();
    await run.call((object) => object.cancel({ children: false, call: "one" }));
    await run.call((object) => object.retry());
    await run.evict();
    expect(await run.call((object) => object.cancel({ children: false, call: "one" }))).toMatchObject({
      cancelled: true,
      document: { status: "queued" },
    });
    expect(await run.call((object) => object.cancel({ children: false, call: "other" }))).toMatchObject({
      cancelled: true,
      document: { status: "cancelled" },
    });
  });

  it("a call whose answer was lost, and which is made again by itself, is kept for the last calls of a run only, and for those that changed it", async () => {
    const run = await waiting();
    for (let nth = 0; nth < 20; nth += 1) {
      await run.call((object) => object.cancel({ children: false, call: `cancel ${nth}` }));
      await run.call((object) => object.cancel({ children: false, call: `in vain ${nth}` }));
      await run.call((object) => object.retry(`retry ${nth}`));
    }
    const kept = await run.inside(({ storage }) => storage.kv.get<string[]>("action_calls"));
    expect(kept).toHaveLength(8);
    expect(kept?.slice(-2)).toEqual(["cancel 19", "retry 19"]);
  });
});

describe("a run that is retried", () => {
  it("a run that is retried is kept from its retention in the same commit, and begins it anew when it ends again", async () => {
    loseMessages();
    const start = Date.UTC(2027, 0, 1);
    vi.setSystemTime(start);
    const plan = planOf([taskPlan("only", { method: "scripted" })], { retentionMs: 60_000 });
    const { run, answer } = await HandDrivenRun.accept(acceptance(plan, "only"));
    await run.settle(threw(only(answer.grant)));
    await run.wake();
    expect(await run.alarmAt()).toBe(start + 60_000);
    vi.setSystemTime(start + 30_000);
    await run.call((object) => object.retry());
    expect(await run.alarmAt()).toBe(start + 40_000);
    expect(await run.journal()).toHaveLength(3);
    await run.evict();
    const [lease] = (await run.claim({ holding: 0, budgetMs: 28_000 })).leases;
    if (lease === undefined) throw new Error("nothing was granted");
    await run.settle(succeeded(lease));
    await run.wake();
    expect(await run.alarmAt()).toBe(start + 90_000);
  });

  it("a run that is retried is not retried any more once its retention is over, though nobody has deleted it yet", async () => {
    const start = Date.UTC(2027, 0, 1);
    vi.setSystemTime(start);
    const plan = planOf([taskPlan("only", { method: "scripted" })], { retentionMs: 60_000 });
    const { run, answer } = await HandDrivenRun.accept(acceptance(plan, "only"));
    await run.settle(threw(only(answer.grant)));
    vi.setSystemTime(start + 60_000);
    expect(await run.call((object) => object.retry())).toBeNull();
    await run.wake();
    expect(await run.call((object) => object.describe())).toBeNull();
  });

  it("a run that is retried is not retried while its payloads are being deleted, even if the clock is set back", async () => {
    const start = Date.UTC(2027, 0, 1);
    vi.setSystemTime(start);
    const plan = planOf([taskPlan("only", { method: "scripted" })], { retentionMs: 60_000 });
    const { run, answer } = await HandDrivenRun.accept(acceptance(plan, "only"));
    await run.call((object) => object.expectOutput());
    await run.settle(threw(only(answer.grant)));
    vi.setSystemTime(start + 60_000);
    let retried: unknown = "not asked";
    const list = env.PAYLOADS.list.bind(env.PAYLOADS);
    vi.spyOn(env.PAYLOADS, "list").mockImplementationOnce(async (options) => {
      vi.setSystemTime(start);
      retried = await run.call((object) => object.retry());
      return list(options);
    });
    await run.wake();
    expect(retried).toBeNull();
    expect(await run.call((object) => object.describe())).toBeNull();
  });

  it("a run that is retried finds a method again that was missing when it failed", async () => {
    const absent = planOf([taskPlan("only", { method: "echo" })]);
    const { run, answer } = await HandDrivenRun.accept(acceptance(absent, "only", { payload: "found" }));
    const lease = only(answer.grant);
    const error = { name: "MethodMissingError", message: "not deployed", stack: null };
    const { ordinal, attempt, token } = lease;
    await run.settle({
      ordinal,
      attempt,
      token,
      outcome: { type: "failed", error, retryable: false, retryAfterMs: null, reason: "method_missing" },
      children: [],
      logs: [],
      logsDropped: 0,
    });
    expect((await run.document()).tasks[0]).toMatchObject({ status: "failed", reason: "method_missing" });
    await run.call((object) => object.retry());
    expect(await run.final()).toMatchObject({ status: "succeeded", tasks: [{ status: "succeeded", reason: null }] });
  });
});
