import { expect, it, vi } from "vitest";
import type { RunId } from "../../src/domain/ids.ts";
import { edge } from "../support/edge.ts";
import { endpointPlan, planOf, taskPlan } from "../support/plan.ts";
import { nextCall } from "../support/pool/pipelines/scripted.ts";

const send = edge(
  planOf(
    [taskPlan("approve", { method: "scripted", external: true, timeoutMs: 86_400_000, on: { r2: [], events: ["e"] } })],
    { endpoints: [endpointPlan("hook"), endpointPlan("lenient")] },
  ),
  {
    env: { PEACH_LOCAL: "1" },
    registry: {
      endpoints: {
        hook: (request) => request.json(),
        lenient: (request) => request.json().catch(() => "its own answer"),
      },
    },
  },
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

it("a number that would come out as another one is refused by json() of an endpoint's request, unless the endpoint catches the error", async () => {
  const hook = (path: string, body: string): Promise<Response> => send(path, { method: "POST", body });
  expect(await (await hook("/hook", '{"id": 9007199254740991, "big": 1e20}')).json()).toEqual({
    id: 2 ** 53 - 1,
    big: 1e20,
  });
  const refused = await hook("/hook", '{"ids": [1, 9007199254740993]}');
  expect([refused.status, await refused.json()]).toMatchObject([
    400,
    { code: "invalid_payload", errors: [{ path: "$.ids[1]" }] },
  ]);
  expect(await (await hook("/lenient", "9007199254740993")).json()).toBe("its own answer");
});
