import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { RunId } from "../../src/core/ids.ts";
import { callRun } from "../../src/run/run-client.ts";
import { edge } from "../support/edge.ts";
import { planOf, taskPlan } from "../support/plan.ts";
import { nextCall } from "../support/pool/pipelines/scripted.ts";

// first ─▶ second, both run by the pool's own driver.
const PLAN = planOf([
  taskPlan("first", { method: "scripted", downstream: ["second"] }),
  taskPlan("second", { method: "scripted", upstream: ["first"] }),
]);
const send = edge(PLAN);
const NO_RUN = `run_${"0".repeat(26)}`;

async function start(body?: string): Promise<RunId> {
  const response = await send("/api/v1/tasks/first/trigger", { method: "POST", body: body ?? null });
  return (await response.json<{ run_id: RunId }>()).run_id;
}

async function finish(runId: RunId, passed: unknown): Promise<void> {
  (await nextCall(runId, "first")).succeed(passed);
  (await nextCall(runId, "second")).succeed();
  await callRun(env, runId, (run) => run.untilFinal(10_000));
}

async function bytesOf(path: string): Promise<{ contentType: string | null; text: string }> {
  const response = await send(path);
  expect(response.status).toBe(200);
  const text = new TextDecoder().decode(await response.arrayBuffer());
  return { contentType: response.headers.get("Content-Type"), text };
}

describe("what a task passed", () => {
  it.each([
    ["JSON", { a: [1, "ü"] }, "application/json", '{"a":[1,"ü"]}'],
    ["a string", "plain", "text/plain; charset=utf-8", "plain"],
    ["bytes", new TextEncoder().encode("raw"), "application/octet-stream", "raw"],
    ["a large string, from R2", "x".repeat(50_000), "text/plain; charset=utf-8", "x".repeat(50_000)],
  ])("comes with its content type: %s", async (_, passed, contentType, text) => {
    const runId = await start();
    await finish(runId, passed);
    expect(await bytesOf(`/api/v1/runs/${runId}/tasks/first/payload`)).toEqual({ contentType, text });
  });

  it("is not there before the task has succeeded", async () => {
    const runId = await start();
    const response = await send(`/api/v1/runs/${runId}/tasks/first/payload`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: "no_payload" });
    await finish(runId, null);
  });
});

describe("the log of a task", () => {
  it("has the lines of its attempts", async () => {
    const runId = await start();
    const call = await nextCall(runId, "first");
    call.task.log.info("half way", { seconds: 3 });
    call.succeed();
    (await nextCall(runId, "second")).succeed();
    await callRun(env, runId, (run) => run.untilFinal(10_000));
    const response = await send(`/api/v1/runs/${runId}/tasks/first/logs`);
    expect(await response.json()).toMatchObject({
      logs: [{ attempt: 1, level: "info", message: "half way", fields: { seconds: 3 } }],
      dropped: 0,
    });
  });
});

describe("POST /runs/{id}/cancel", () => {
  it("answers with the cancelled run; once it is final, 409", async () => {
    const runId = await start();
    const cancelled = await send(`/api/v1/runs/${runId}/cancel`, { method: "POST" });
    expect(cancelled.status).toBe(200);
    expect(await cancelled.json()).toMatchObject({ run_id: runId, status: "cancelled" });
    const again = await send(`/api/v1/runs/${runId}/cancel`, { method: "POST" });
    expect(again.status).toBe(409);
    expect(await again.json()).toMatchObject({ code: "run_final", detail: expect.stringContaining("cancelled") });
  });
});

describe("what is not there", () => {
  it.each([
    ["GET", ""],
    ["GET", "/payload"],
    ["GET", "/tasks/first/payload"],
    ["GET", "/tasks/first/logs"],
    ["POST", "/cancel"],
  ])("%s /runs/{id}%s of no run: 404 unknown_run", async (method, path) => {
    for (const id of [NO_RUN, "run_1", "x"]) {
      const response = await send(`/api/v1/runs/${id}${path}`, { method });
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ code: "unknown_run", detail: expect.stringContaining(id) });
    }
  });

  it.each(["payload", "logs"])(
    "the %s of a task that the run does not have: 404, and the nearest one",
    async (what) => {
      const runId = await start();
      const response = await send(`/api/v1/runs/${runId}/tasks/secnd/${what}`);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ code: "unknown_task", hint: 'Did you mean "second"?' });
      await finish(runId, null);
    },
  );
});
