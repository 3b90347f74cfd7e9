import { env } from "../../support/env.ts";
import { describe, expect, it, vi } from "vitest";
import type { RunId } from "../../../src/domain/ids.ts";
import type { TaskLimits } from "../../../src/domain/limits/limit.ts";
import type { TaskPlan } from "../../../src/domain/plan/plan.ts";
import { callRun } from "../../../src/objects/run/run-client.ts";
import type { RunDocument } from "../../../src/objects/run/run-documents-rpc.ts";
import { edge, type Send } from "../../support/edge.ts";
import { Limit } from "../../support/limited-runs.ts";
import { planOf, taskPlan } from "../../support/plan.ts";
import { nextCall, type Call } from "../../support/pool/pipelines/scripted.ts";

const ORIGIN = "https://peach.example";

function keyedBy(key: readonly string[], strategy: "queue" | "cancel_running" = "queue"): TaskLimits {
  return { concurrency: { limit: 1, strategy, key }, rateLimit: null, priority: 0 };
}

/** first ─▶ publish, which is limited. */
function chain(publish: Partial<TaskPlan>, first: Partial<TaskPlan> = {}): Send {
  const send = edge(
    planOf([
      taskPlan("first", { method: "scripted", downstream: ["publish"], ...first }),
      taskPlan("publish", { method: "scripted", upstream: ["first"], ...publish }),
    ]),
    { env: { PEACH_LOCAL: "1" } },
  );
  return (path, init) => send(new URL(path, ORIGIN).href, init);
}

async function trigger(send: Send, payload: unknown = null, task = "first"): Promise<RunId> {
  const init = { method: "POST", body: JSON.stringify(payload), headers: { "Content-Type": "application/json" } };
  return (await (await send(`/api/v1/tasks/${task}/trigger`, init)).json<{ run_id: RunId }>()).run_id;
}

async function documentOf(runId: RunId): Promise<RunDocument> {
  const document = await callRun(env, runId, (run) => run.describe());
  if (document === null) throw new Error("no run");
  return document;
}

/** The keys under which the runs have slots of `publish`, or wait for one. */
async function slotsOf(...keys: readonly (string | null)[]): Promise<number[]> {
  const uses = await Promise.all(keys.map((key) => new Limit("publish", { key }).use()));
  return uses.map(({ inUse, waiting }) => inUse + waiting);
}

async function finish(...calls: readonly Call[]): Promise<void> {
  for (const call of calls) {
    call.succeed();
    await callRun(env, call.task.runId, (run) => run.untilFinal(10_000));
  }
}

describe("the limit key behind an external task", () => {
  const APPROVAL = { external: true, timeoutMs: 86_400_000 };

  async function approved(send: Send, body: unknown, byApi = false): Promise<{ runId: RunId; call: Call }> {
    const runId = await trigger(send);
    const approval = await nextCall(runId, "first");
    approval.succeed();
    await vi.waitFor(async () => expect((await documentOf(runId)).tasks[0]?.status).toBe("waiting"), 10_000);
    const report = JSON.stringify({ status: "succeeded", payload: body });
    const url = byApi ? `/api/v1/runs/${runId}/tasks/first/complete` : approval.task.completionUrl;
    const headers = byApi ? {} : { Authorization: "" };
    expect((await send(url, { method: "POST", body: report, headers })).status).toBe(200);
    return { runId, call: await nextCall(runId, "publish") };
  }

  it.each([
    ["the completion URL", false],
    ["the API", true],
  ])("the limit key behind an external task is that of what completes it, by %s", async (_, byApi) => {
    const send = chain({ limits: keyedBy(["user_id"]) }, APPROVAL);
    const { call } = await approved(send, { user_id: `anna-${byApi}` }, byApi);
    expect(await slotsOf(`"anna-${byApi}"`, null)).toEqual([1, 0]);
    await finish(call);
  });

  it("the limit key behind an external task lets `cancel_running` displace the run of the same user, and of nobody else", async () => {
    const send = chain({ limits: keyedBy(["user_id"], "cancel_running") }, APPROVAL);
    const anna = await approved(send, { user_id: "anna" });
    const bob = await approved(send, { user_id: "bob" });
    expect((await documentOf(anna.runId)).tasks[1]?.status).toBe("running");
    const again = approved(send, { user_id: "anna" });
    await vi.waitFor(async () => expect((await documentOf(anna.runId)).tasks[1]?.status).toBe("cancelled"), 10_000);
    anna.call.succeed();
    expect((await documentOf(bob.runId)).tasks[1]?.status).toBe("running");
    await finish(bob.call, (await again).call);
  });
});

describe("the limit key of a replay", () => {
  it("the limit key of a replay is that of what was recorded, under the limits of the plan of now", async () => {
    const before = chain({});
    const runId = await trigger(before);
    const first = await nextCall(runId, "first");
    first.succeed({ user_id: "carla" });
    await finish(await nextCall(runId, "publish"));
    const now = chain({ limits: keyedBy(["user_id"]) });
    const answer = await now(`/api/v1/runs/${runId}/replay?from=publish`, { method: "POST" });
    const { run_id: replayed } = await answer.json<{ run_id: RunId }>();
    const call = await nextCall(replayed, "publish");
    expect(await slotsOf('"carla"', null)).toEqual([1, 0]);
    await finish(call);
  });

  it("the limit key of a replay of items that follow on items is each one's own", async () => {
    const each = { maxParallel: 10, onError: "fail" } as const;
    const send = chain({ each, limits: keyedBy(["user"]) }, { each });
    const runId = await trigger(send, [1, 2]);
    const items = [await nextCall(runId, "first"), await nextCall(runId, "first")];
    for (const item of items) item.succeed({ user: `item ${item.task.item?.index}` });
    for (const item of [await nextCall(runId, "publish"), await nextCall(runId, "publish")]) item.succeed();
    await callRun(env, runId, (run) => run.untilFinal(10_000));
    const answer = await send(`/api/v1/runs/${runId}/replay?from=publish`, { method: "POST" });
    const { run_id: replayed } = await answer.json<{ run_id: RunId }>();
    const calls = [await nextCall(replayed, "publish"), await nextCall(replayed, "publish")];
    expect(await slotsOf('"item 0"', '"item 1"', null)).toEqual([1, 1, 0]);
    for (const call of calls) call.succeed();
    await callRun(env, replayed, (run) => run.untilFinal(10_000));
  });
});

describe("the limit key of a task that reads what items passed", () => {
  it("the limit key of a task that reads what items passed is found in the array that was put together", async () => {
    const each = { maxParallel: 10, onError: "fail" } as const;
    const send = chain({ limits: keyedBy(["1", "user"]) }, { each });
    const runId = await trigger(send, ["dora", "emil"]);
    for (const item of [await nextCall(runId, "first"), await nextCall(runId, "first")])
      item.succeed({ user: item.payload });
    const call = await nextCall(runId, "publish");
    expect(await slotsOf('"emil"', null)).toEqual([1, 0]);
    await finish(call);
  });
});

describe("the limit key of an item", () => {
  it("the limit key of an item is the same whether the array comes by a trigger or from a task", async () => {
    const long = "x".repeat(100);
    const each = { maxParallel: 10, onError: "fail" } as const;
    const limits = keyedBy(["user"]);
    const send = chain({ each, limits });
    const runId = await trigger(send);
    (await nextCall(runId, "first")).succeed([{ user: long }]);
    const call = await nextCall(runId, "publish");
    const direct = await trigger(send, [{ user: long }], "publish");
    await vi.waitFor(async () => expect(await slotsOf(JSON.stringify(long))).toEqual([2]), 10_000);
    await finish(call);
    await finish(await nextCall(direct, "publish"));
  });
});
