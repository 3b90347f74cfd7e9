import { expect, it, vi } from "vitest";
import type { RunId } from "../../src/domain/ids.ts";
import { edge } from "../support/edge.ts";
import { planOf, taskPlan } from "../support/plan.ts";
import { nextCall } from "../support/pool/pipelines/scripted.ts";

const send = edge(
  planOf([
    taskPlan("approve", { method: "scripted", external: true, timeoutMs: 86_400_000, on: { r2: [], events: ["e"] } }),
  ]),
  { env: { PEACH_LOCAL: "1" } },
);

function post(path: string, body: string, contentType = "application/json"): Promise<Response> {
  return send(`/api/v1${path}`, { method: "POST", body, headers: { "Content-Type": contentType } });
}

it("a number that would come out as another one is refused wherever JSON comes in, with its path", async () => {
  const accepted = await post("/tasks/approve/trigger", "9007199254740991");
  const { run_id: runId } = await accepted.json<{ run_id: RunId }>();
  const call = await nextCall(runId, "approve");
  expect(call.payload).toBe(9_007_199_254_740_991);
  call.succeed();
  const event = '{"specversion": "1.0", "id": "1", "source": "s", "type": "t", "data": [9007199254740992]}';
  const answers = await Promise.all([
    post("/tasks/approve/trigger", '{"id": 9007199254740993}'),
    post("/events/e", "[1e400]"),
    post("/events/e", event, "application/cloudevents+json"),
    post(`/runs/${runId}/replay`, "-9007199254740993"),
    post(`/runs/${runId}/tasks/approve/complete`, '{"status": "succeeded", "payload": {"n": 12345678901234567890}}'),
    send(new URL(call.task.completionUrl).pathname, {
      method: "POST",
      body: '{"status": "succeeded", "payload": 9007199254740993}',
    }),
  ]);
  const told = await Promise.all(
    answers.map(async (answer) => {
      const { code, errors } = await answer.json<{ code: string; errors: readonly { path: string }[] }>();
      return [answer.status, code, ...errors.map(({ path }) => path)];
    }),
  );
  expect(told).toEqual(
    ["$.id", "$[0]", "$.data[0]", "$", "$.payload.n", "$.payload"].map((path) => [400, "invalid_payload", path]),
  );
  await vi.waitFor(async () => {
    const run = await (await send(`/api/v1/runs/${runId}`)).json<{ tasks: { status: string }[] }>();
    expect(run.tasks[0]?.status).toBe("waiting");
  }, 10_000);
});
