import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "../../support/env.ts";
import { afterEach, describe, expect, it, vi } from "vitest";
import { worker } from "../../support/deployed.ts";
import type { RunId } from "../../../src/domain/ids.ts";
import { ok, refuse } from "../../../src/domain/problem.ts";
import { encodePayload } from "../../../src/payloads/codec.ts";
import { callRun } from "../../../src/objects/run/run-client.ts";
import type { TriggeredRun, TriggerOptions } from "../../../src/execution/author/api.ts";
import { acceptTrigger, callHook } from "../../support/deployed.ts";
import type { TaskFunction } from "../../../src/execution/author/method.ts";
import { emitEvent, triggerTaskWithEvent } from "../../../src/task-helpers.ts";
import type { AcceptTrigger, TriggerRequest } from "../../../src/triggers/accept.ts";
import { attempt } from "../../support/attempt.ts";
import { ADMIN_TOKEN } from "../../support/edge.ts";
import { acceptance, HandDrivenRun, newRunId, only } from "../../support/hand-driven.ts";
import { inline } from "../../support/settlements.ts";
import { loseMessages } from "../../support/lost-messages.ts";
import { nextCall } from "../../support/pool/pipelines/scripted.ts";
import { planOf, taskPlan } from "../../support/plan.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** Runs an attempt and gives what it triggered. */
async function triggeredBy(
  method: () => Promise<TriggeredRun[]>,
  lease: Parameters<typeof attempt>[1] = {},
): Promise<TriggeredRun[]> {
  let runs: TriggeredRun[] = [];
  const { settlement } = await attempt(async () => void (runs = await method()), lease);
  if (settlement.outcome.type !== "succeeded") throw new Error(JSON.stringify(settlement.outcome));
  return runs;
}

/** The error text of an attempt that has failed. */
async function failureOf(method: TaskFunction) {
  const { outcome } = (await attempt(method)).settlement;
  if (outcome.type !== "failed") throw new Error(outcome.type);
  return outcome;
}

describe("a task that triggers", () => {
  it("a task that triggers gets a run that can be read at once, and that names it as its parent", async () => {
    const runId = newRunId();
    const [child] = await triggeredBy(async () => [await triggerTaskWithEvent("echo", { a: 1 })], {
      runId,
      task: "parent",
    });
    expect(child).toMatchObject({ deduplicated: false });
    const document = await callRun(env, child?.runId ?? runId, (run) => run.describe());
    expect(document).toMatchObject({
      task: "echo",
      trigger: { source: "task", by: "parent", parent: { run_id: runId, task: "parent" } },
    });
    expect(await callRun(env, child?.runId ?? runId, (run) => run.payload(null))).toEqual(inline({ a: 1 }));
  });

  it("a task that triggers tells the acceptance of each run where this deployment is, as far as it knows", async () => {
    const told: (string | undefined)[] = [];
    const accept: AcceptTrigger = async (_env, _lifetime, { task, origin }) => {
      told.push(origin.url);
      return ok({ runId: newRunId(), task, status: "queued", deduplicated: false });
    };
    const trigger = (): Promise<unknown> => triggerTaskWithEvent("echo");
    await attempt(trigger, {}, { accept, url: "http://localhost:8787" });
    await attempt(trigger, {}, { accept });
    expect(told).toEqual(["http://localhost:8787", undefined]);
  });

  it("a task that triggers finds the same child runs again in a retried attempt: each by its target, its payload and how many like it came before", async () => {
    const runId = newRunId();
    const trigger = () =>
      triggeredBy(
        async () => {
          const runs: TriggeredRun[] = [];
          for (const task of ["echo", "echo", "kilo_join", "echo"]) runs.push(await triggerTaskWithEvent(task));
          return runs;
        },
        { runId },
      );
    const first = await trigger();
    expect(new Set(first.map((run) => run.runId)).size).toBe(4);
    expect(first.map((run) => run.deduplicated)).toEqual([false, false, false, false]);
    const again = await trigger();
    expect(again.map((run) => run.runId)).toEqual(first.map((run) => run.runId));
    expect(again.map((run) => run.deduplicated)).toEqual([true, true, true, true]);
  });

  it("a task that triggers starts other child runs than another task of the run, or another run", async () => {
    const runId = newRunId();
    const trigger = async () => [await triggerTaskWithEvent("echo")];
    const ids = await Promise.all(
      [
        { runId, task: "one" },
        { runId, task: "two" },
        { runId: newRunId(), task: "one" },
      ].map(async (lease) => {
        const [run] = await triggeredBy(trigger, lease);
        return run?.runId;
      }),
    );
    expect(new Set(ids).size).toBe(3);
  });

  it("a task that triggers shares a run with everyone who gives the same key, for the same task", async () => {
    const idempotencyKey = crypto.randomUUID();
    const trigger = (task: string) => async () => [await triggerTaskWithEvent(task, 1, { idempotencyKey })];
    const [one] = await triggeredBy(trigger("echo"));
    const [same] = await triggeredBy(trigger("echo"));
    const [other] = await triggeredBy(trigger("kilo_join"));
    expect(same).toMatchObject({ runId: one?.runId, deduplicated: true });
    expect(other?.runId).not.toBe(one?.runId);
  });

  it.each([[null], [""], [{ id: 1 }], [7], [Symbol("key")]])(
    "a task that triggers is refused for a key that is no text, which unrelated triggers would share: %s",
    async (key) => {
      const options: TriggerOptions = {};
      Reflect.set(options, "idempotencyKey", key);
      const refusal = "An idempotency key is a text of at least one character";
      const refused = { retryable: false, error: { message: expect.stringContaining(refusal) } };
      expect(await failureOf(() => triggerTaskWithEvent("echo", 1, options))).toMatchObject(refused);
      expect(await failureOf(() => emitEvent("heard", 1, options))).toMatchObject(refused);
      await expect(callHook(() => triggerTaskWithEvent("echo", 1, options))).rejects.toThrow(refusal);
      await expect(callHook(() => emitEvent("heard", 1, options))).rejects.toThrow(refusal);
    },
  );

  it.each([["news"], [null], [[1]], [["news", undefined]], [Uint8Array.of(1)]])(
    "a task that triggers is refused for tags that are no list of texts: %s",
    async (tags) => {
      const options: TriggerOptions = {};
      Reflect.set(options, "tags", tags);
      expect(await failureOf(() => triggerTaskWithEvent("echo", 1, options))).toMatchObject({
        error: { message: expect.stringContaining("The tags of a trigger are a list of texts, not") },
      });
    },
  );

  it("a task that triggers has its child runs in its own run's document, once each, however many attempts made them", async () => {
    const retries = { limit: 1, delayMs: 0, backoff: "constant", maxDelayMs: 0, jitter: false } as const;
    const { run, answer } = await HandDrivenRun.accept(acceptance(planOf([taskPlan("only", { retries })]), "only"));
    const method = async () => {
      await triggerTaskWithEvent("echo");
      throw new Error("after the trigger");
    };
    const first = await attempt(method, only(answer.grant));
    const second = only(await run.settle(first.settlement));
    expect(second.attempt).toBe(2);
    await run.settle((await attempt(method, second)).settlement);
    const document = await run.document();
    expect(document.status).toBe("failed");
    expect(document.children).toEqual([{ run_id: first.settlement.children[0]?.runId, task: "echo" }]);
  });

  it("a task that triggers is refused for a task that is not there, with the nearest name; the attempt fails for good", async () => {
    expect(await failureOf(() => triggerTaskWithEvent("ecko"))).toMatchObject({
      retryable: false,
      error: { name: "PeachError", message: 'There is no task "ecko". Did you mean "echo"?' },
    });
    expect(await failureOf(() => triggerTaskWithEvent("constructor"))).toMatchObject({ retryable: false });
  });

  it("a task that triggers is refused for a payload that cannot be stored, with the path", async () => {
    expect(await failureOf(() => triggerTaskWithEvent("echo", { a: { b: () => 1 } }))).toMatchObject({
      retryable: false,
      error: { message: expect.stringContaining("$.a.b") },
    });
  });

  it("a task that triggers is lost to its surroundings if the child run cannot be recorded", async () => {
    const accept: AcceptTrigger = async () => refuse({ code: "overloaded", detail: "d", hint: "h" });
    const { settlement } = await attempt(() => triggerTaskWithEvent("echo"), {}, { accept });
    expect(settlement.outcome).toMatchObject({ type: "lost", to: "surroundings" });
  });

  it("a task that triggers sends null where it gives no payload", async () => {
    const sent: TriggerRequest[] = [];
    const accept: AcceptTrigger = async (_env, _lifetime, trigger) => {
      sent.push(trigger);
      return ok({ runId: newRunId(), task: trigger.task, status: "queued", deduplicated: false });
    };
    await attempt(async () => void (await triggerTaskWithEvent("echo")), {}, { accept });
    expect(sent[0]?.payload).toMatchObject({ kind: "json", size: 4 });
  });
});

describe("result", () => {
  it("result gives the run's document once it is final", async () => {
    const { settlement } = await attempt(async () => {
      const run = await triggerTaskWithEvent("echo", "x");
      const { run_id, status, tasks } = await run.result({ timeout: "10s" });
      return { same: run_id === run.runId, status, tasks: tasks.length };
    });
    expect(settlement.outcome).toMatchObject({ output: inline({ same: true, status: "succeeded", tasks: 1 }) });
  });

  it("result rejects with a ResultTimeoutError if it is not final in time; the run goes on", async () => {
    let child: RunId = newRunId();
    const failure = await failureOf(async () => {
      const run = await triggerTaskWithEvent("scripted");
      child = run.runId;
      await run.result({ timeout: 5 });
    });
    expect(failure.error).toMatchObject({
      name: "ResultTimeoutError",
      message: `the run ${child} was not final within 5 ms; it goes on, read it by its id`,
    });
    (await nextCall(child)).succeed();
    expect((await new HandDrivenRun(child).final()).status).toBe("succeeded");
  });

  it("result refuses a timeout that is none", async () => {
    const failure = await failureOf(async () => (await triggerTaskWithEvent("echo")).result({ timeout: "soon" }));
    expect(failure.error.message).toContain('given "soon"');
  });
});

describe("a task with dispatch: direct runs in the invocation that triggers it, without a message", () => {
  async function endOf(runId: string | undefined): Promise<void> {
    const call = await nextCall(runId ?? "", "at_once");
    call.succeed();
  }

  it("triggered by anyone", async () => {
    const messages = loseMessages();
    const payload = encodePayload(1);
    if (!payload.ok) throw new Error(payload.problem.detail);
    const ctx = createExecutionContext();
    const accepted = await acceptTrigger(env, ctx, {
      task: "at_once",
      payload: payload.value,
      idempotencyKey: null,
      origin: { source: "api", by: "test", parent: null },
    });
    if (!accepted.ok) throw new Error(accepted.problem.detail);
    await endOf(accepted.value.runId);
    await waitOnExecutionContext(ctx);
    expect((await callRun(env, accepted.value.runId, (run) => run.describe()))?.status).toBe("succeeded");
    expect(messages.sent()).toBe(0);
  });

  it("triggered over the API", async () => {
    const messages = loseMessages();
    const ctx = createExecutionContext();
    const request = new Request<unknown, IncomingRequestCfProperties>(
      "https://peach.example/api/v1/tasks/at_once/trigger",
      { method: "POST", headers: { Authorization: `Bearer ${ADMIN_TOKEN}` } },
    );
    const response = await worker.fetch(request, { ...env, PEACH_API_TOKEN: ADMIN_TOKEN }, ctx);
    expect(response.status).toBe(202);
    const { run_id } = await response.json<{ run_id: string }>();
    await endOf(run_id);
    await waitOnExecutionContext(ctx);
    expect(messages.sent()).toBe(0);
  });

  it("triggered by an endpoint", async () => {
    const messages = loseMessages();
    const ctx = createExecutionContext();
    const triggered: string[] = [];
    await callHook(async () => void (await triggerTaskWithEvent("at_once")), {
      triggered: ({ runId }) => void triggered.push(runId),
      lifetime: ctx,
    });
    await endOf(triggered[0]);
    await waitOnExecutionContext(ctx);
    expect(messages.sent()).toBe(0);
  });

  it("triggered by a task", async () => {
    const messages = loseMessages();
    const { settlement, carried } = await attempt(async () => void (await triggerTaskWithEvent("at_once")));
    expect(settlement.outcome.type).toBe("succeeded");
    expect(carried).toHaveLength(1);
    await endOf(settlement.children[0]?.runId);
    await Promise.all(carried);
    expect(messages.sent()).toBe(0);
  });

  it("unless the task that triggers it has too little time left: then the queue is told", async () => {
    const messages = loseMessages();
    const carried: Promise<unknown>[] = [];
    const lifetime = { waitUntil: (promise: Promise<unknown>) => void carried.push(promise), budgetMs: () => 24_999 };
    const { settlement } = await attempt(async () => void (await triggerTaskWithEvent("at_once")), {}, { lifetime });
    expect(settlement.children).toHaveLength(1);
    expect(carried).toEqual([]);
    expect(messages.sent()).toBe(1);
  });
});
