import { describe, expect, it } from "vitest";
import type { TaskPlan } from "../../src/domain/plan/plan.ts";
import { ADMIN_TOKEN, edge } from "../support/edge.ts";
import { planOf, taskPlan } from "../support/plan.ts";

/** ask ─▶ publish: who triggers `publish` goes around the approval. */
function planWith(callable: Partial<Pick<TaskPlan, "callable">>) {
  return planOf([
    taskPlan("ask", { method: "echo", downstream: ["publish"], ...callable }),
    taskPlan("publish", { method: "echo", upstream: ["ask"], on: { events: ["approved"] }, ...callable }),
  ]);
}

async function trigger(callable: Partial<Pick<TaskPlan, "callable">>, scope: string, path: string): Promise<Response> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode("shop-token")));
  const send = edge(planWith(callable), { env: { PEACH_API_TOKENS: `shop:${scope}:${digest.toHex()}` } });
  return send(`/api/v1${path}`, { method: "POST", headers: { Authorization: "Bearer shop-token" } });
}

describe("a task with upstream tasks", () => {
  it.each(["trigger", "trigger:publish"])(
    "a task with upstream tasks is not triggered by %s: an approval before it cannot be left out",
    async (scope) => {
      const response = await trigger({}, scope, "/tasks/publish/trigger");
      expect([response.status, await response.json()]).toMatchObject([
        403,
        {
          code: "not_callable",
          detail: expect.stringContaining("it follows ask"),
          hint: expect.stringContaining("`callable: true` at tasks.publish"),
        },
      ]);
    },
  );

  it("a task with upstream tasks is triggered by a token if peach.conf says `callable: true`, and by an admin in any case", async () => {
    expect((await trigger({ callable: true }, "trigger", "/tasks/publish/trigger")).status).toBe(202);
    const asAdmin = edge(planWith({}));
    const headers = { Authorization: `Bearer ${ADMIN_TOKEN}` };
    expect((await asAdmin("/api/v1/tasks/publish/trigger", { method: "POST", headers })).status).toBe(202);
  });

  it("a task with upstream tasks is started by an event that peach.conf says it listens to", async () => {
    expect((await trigger({}, "trigger", "/events/approved")).status).toBe(202);
  });
});

describe("a task without upstream tasks", () => {
  it("a task without upstream tasks is triggered by a token, unless peach.conf says `callable: false`", async () => {
    expect((await trigger({}, "trigger", "/tasks/ask/trigger")).status).toBe(202);
    const response = await trigger({ callable: false }, "trigger", "/tasks/ask/trigger");
    expect([response.status, await response.json()]).toMatchObject([
      403,
      { code: "not_callable", detail: expect.stringContaining("`callable: false` in peach.conf") },
    ]);
  });
});

it("GET /tasks says which tasks are callable", async () => {
  const tasks = async (callable: Partial<Pick<TaskPlan, "callable">>): Promise<unknown> =>
    (await edge(planWith(callable))("/api/v1/tasks")).json();
  expect(await tasks({})).toMatchObject({ tasks: [{ callable: true }, { callable: false }] });
  expect(await tasks({ callable: false })).toMatchObject({ tasks: [{ callable: false }, { callable: false }] });
});
