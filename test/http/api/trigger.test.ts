import { env } from "../../support/env.ts";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import type { RunId } from "../../../src/domain/ids.ts";
import { callRun } from "../../../src/objects/run/run-client.ts";
import type { RunDocument } from "../../../src/objects/run/run-documents-rpc.ts";
import { task } from "../../../src/task-helpers.ts";
import { createAcceptTrigger } from "../../../src/triggers/trigger-acceptor.ts";
import { edge } from "../../support/edge.ts";
import { planOf, taskPlan } from "../../support/plan.ts";
import { nextCall } from "../../support/pool/pipelines/scripted.ts";
import { OPEN_GATE } from "../../support/open-gate.ts";

// Both methods are in the pool's registry: the pool's own consumer and driver run them.
const PLAN = planOf([taskPlan("echo"), taskPlan("scripted")]);
const send = edge(PLAN);

interface Accepted {
  readonly run_id: RunId;
  readonly task: string;
  readonly status: string;
  readonly deduplicated: boolean;
  readonly url: string;
}

async function trigger(task: string, init: RequestInit = {}, query = ""): Promise<Accepted> {
  const response = await send(`/api/v1/tasks/${task}/trigger${query}`, { method: "POST", ...init });
  expect(response.status).toBe(202);
  return response.json();
}

async function problemOf(path: string, init: RequestInit): Promise<{ status: number; code: string; hint: string }> {
  const response = await send(path, { method: "POST", ...init });
  return response.json();
}

describe("POST /tasks/{task}/trigger", () => {
  it("POST /tasks/{task}/trigger answers 202 with a run that can be read at once, at its url", async () => {
    const accepted = await trigger("scripted", { body: "{}", headers: { "Content-Type": "application/json" } });
    expect(accepted).toEqual({
      run_id: expect.stringMatching(/^run_[0-9a-z]{26}$/),
      task: "scripted",
      status: "queued",
      deduplicated: false,
      url: `http://localhost/api/v1/runs/${accepted.run_id}`,
    });
    const run = await (await send(accepted.url)).json();
    expect(run).toMatchObject({
      run_id: accepted.run_id,
      task: "scripted",
      trigger: { source: "api", by: "api", parent: null },
    });
    (await nextCall(accepted.run_id)).succeed();
  });

  it.each([
    ["application/json", '{"a": [1, null]}', { a: [1, null] }],
    ["text/plain; charset=utf-8", "grüß", "grüß"],
    ["application/octet-stream", "\u0001\u0002", Uint8Array.of(1, 2)],
    ["audio/mpeg", "ID3", new TextEncoder().encode("ID3")],
  ])("POST /tasks/{task}/trigger hands a body of %s to the task as what it is", async (type, body, payload) => {
    const { run_id } = await trigger("scripted", { body, headers: { "Content-Type": type } });
    const call = await nextCall(run_id);
    expect(call.payload).toEqual(payload);
    call.succeed();
    const back = await send(`/api/v1/runs/${run_id}/payload`);
    expect(back.headers.get("Content-Type")).toBe(type);
    expect(new TextDecoder().decode(await back.arrayBuffer())).toBe(body);
  });

  it("POST /tasks/{task}/trigger takes a task's payload as null where there is no body", async () => {
    const { run_id } = await trigger("scripted");
    const call = await nextCall(run_id);
    expect(call.payload).toBeNull();
    call.succeed();
  });

  it("POST /tasks/{task}/trigger records the lab as the source, and the token's name", async () => {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode("t"));
    const asDesk = edge(PLAN, { env: { PEACH_API_TOKENS: `desk:trigger:${new Uint8Array(digest).toHex()}` } });
    const headers = { Authorization: "Bearer t", "X-Peach-Source": "lab" };
    const accepted = await asDesk("/api/v1/tasks/echo/trigger", { method: "POST", headers });
    const { url } = await accepted.json<Accepted>();
    expect(await (await send(url)).json()).toMatchObject({ trigger: { source: "lab", by: "desk" } });
  });

  it("POST /tasks/{task}/trigger starts one run for the same idempotency key, sent 50 times at once", async () => {
    const headers = { "Idempotency-Key": crypto.randomUUID() };
    const answers = await Promise.all(Array.from({ length: 50 }, () => trigger("scripted", { headers, body: "1" })));
    expect(new Set(answers.map(({ run_id }) => run_id)).size).toBe(1);
    expect(answers.filter(({ deduplicated }) => !deduplicated)).toHaveLength(1);
    const [{ run_id } = { run_id: "" }] = answers;
    (await nextCall(run_id)).succeed();
  });

  it("POST /tasks/{task}/trigger starts another run for another key, and for the same key of another task", async () => {
    const key = crypto.randomUUID();
    const runs = await Promise.all([
      trigger("echo", { headers: { "Idempotency-Key": key } }),
      trigger("echo", { headers: { "Idempotency-Key": `${key}x` } }),
      trigger("echo"),
      trigger("echo"),
    ]);
    expect(new Set(runs.map(({ run_id }) => run_id)).size).toBe(4);
  });

  it("POST /tasks/{task}/trigger leaves only one payload in R2, however often a large one comes with the same key", async () => {
    const headers = { "Idempotency-Key": crypto.randomUUID(), "Content-Type": "application/octet-stream" };
    const body = new Uint8Array(100_000).fill(7);
    const [{ run_id } = { run_id: "" }] = await Promise.all([1, 2, 3].map(() => trigger("echo", { headers, body })));
    await vi.waitFor(async () => {
      const { objects } = await env.PAYLOADS.list({ prefix: `runs/${run_id}/trigger` });
      expect(objects).toHaveLength(1);
    }, 10_000);
    const back = await send(`/api/v1/runs/${run_id}/payload`);
    expect(new Uint8Array(await back.arrayBuffer())).toEqual(body);
  });
});

describe("?wait", () => {
  it("?wait answers 200 and the run once it is final", async () => {
    const response = await send("/api/v1/tasks/echo/trigger?wait=30s", { method: "POST", body: "1" });
    expect(response.status).toBe(200);
    expect(await response.json<RunDocument>()).toMatchObject({ task: "echo", status: "succeeded" });
  });

  it("?wait answers 202 and the status it has by then if the run takes longer", async () => {
    const { run_id, status } = await trigger("scripted", {}, "?wait=250ms");
    expect(["queued", "running"]).toContain(status);
    (await nextCall(run_id)).succeed();
  });

  it("?wait shows nobody the run of another that it has joined: a narrow token gets 202, as without waiting", async () => {
    const entryOf = async (name: string): Promise<string> => {
      const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(name));
      return `${name}:trigger:${new Uint8Array(digest).toHex()}`;
    };
    const debounce = { delayMs: 500, maxWaitMs: null, key: null };
    const shared = edge(planOf([taskPlan("gathered", { method: "echo", debounce })]), {
      env: { PEACH_API_TOKENS: `${await entryOf("first-shop")},${await entryOf("second-shop")}` },
    });
    const waitAs = async (name: string): Promise<[status: number, answer: unknown]> => {
      const headers = { Authorization: `Bearer ${name}` };
      const path = "/api/v1/tasks/gathered/trigger?wait=30s";
      const response = await shared(path, { method: "POST", body: `"of ${name}"`, headers });
      return [response.status, await response.json()];
    };
    const opened = waitAs("first-shop");
    const queued = async (): Promise<number> =>
      (await (await shared("/api/v1/runs?task=gathered")).json<{ runs: unknown[] }>()).runs.length;
    await vi.waitFor(async () => expect(await queued()).toBe(1), 10_000);
    const [status, joined] = await waitAs("second-shop");
    expect([status, joined]).toEqual([202, expect.not.objectContaining({ tasks: expect.anything() })]);
    const [openedStatus, document] = await opened;
    expect([openedStatus, document]).toMatchObject([200, { status: "succeeded", trigger: { by: "first-shop" } }]);
    expect(joined).toMatchObject({ run_id: z.object({ run_id: z.string() }).parse(document).run_id });
  });

  it("?wait answers 202 if the accepted run cannot be reached while waiting", async () => {
    const lost = edge(PLAN, {
      dependencies: { callRun: () => Promise.reject(Object.assign(new Error("gone"), { overloaded: true })) },
    });
    const response = await lost("/api/v1/tasks/echo/trigger?wait=5s", { method: "POST" });
    expect(response.status).toBe(202);
  });

  it.each(["", "5", "6m", "1h", "-1s", "soon"])("?wait refuses %j", async (wait) => {
    const problem = await problemOf(`/api/v1/tasks/echo/trigger?wait=${wait}`, {});
    expect(problem).toMatchObject({ status: 400, code: "invalid_request" });
  });
});

describe("a trigger that is refused", () => {
  it.each([
    ["ech", 'Did you mean "echo"?'],
    ["constructor", "The tasks are those of peach.conf."],
    ["__proto__", "The tasks are those of peach.conf."],
  ])("a trigger that is refused names an unknown task, %s", async (task, hint) => {
    expect(await problemOf(`/api/v1/tasks/${task}/trigger`, {})).toMatchObject({
      status: 404,
      code: "unknown_task",
      hint,
    });
  });

  it("a trigger that is refused says where the JSON is wrong", async () => {
    const headers = { "Content-Type": "application/json" };
    expect(await problemOf("/api/v1/tasks/echo/trigger", { headers, body: '{"a": [1,]}' })).toMatchObject({
      status: 400,
      code: "invalid_json",
      errors: [{ path: "$.a[1]", message: expect.stringContaining("line 1, column 10") }],
    });
  });

  it.each(["", "x".repeat(256), "grün"])("a trigger with the idempotency key %j is refused", async (key) => {
    const problem = await problemOf("/api/v1/tasks/echo/trigger", { headers: { "Idempotency-Key": key } });
    expect(problem).toMatchObject({ status: 400, code: "invalid_request" });
  });

  it("a trigger delays the run, durably accepted, by at most 30 days", async () => {
    const accepted = await trigger("scripted", {}, "?delay=30d");
    expect(await (await send(accepted.url)).json()).toMatchObject({ status: "queued", tasks: [{ attempts: [] }] });
    for (const delay of ["31d", "soon", "-1s", ""]) {
      const problem = await problemOf(`/api/v1/tasks/echo/trigger?delay=${delay}`, {});
      expect(problem).toMatchObject({ status: 400, code: "invalid_request" });
    }
  });

  it("a trigger that is refused names every place that does not fit the task's input, and starts nothing", async () => {
    const input = z.object({ a: z.object({ b: z.number() }), tags: z.array(z.string()), "odd key": z.boolean() });
    const typed = { kind: "peach.task", input, output: null, run: () => null } as const;
    let calls = 0;
    const counting: typeof callRun = (...call) => {
      calls += 1;
      return callRun(...call);
    };
    const registry = { tasks: { echo: typed }, endpoints: {} };
    const acceptTrigger = createAcceptTrigger({
      plan: PLAN,
      registry,
      callRun: counting,
      gate: OPEN_GATE,
      directClaim: { holding: 0, budgetMs: 0 },
      driveGrant: async () => undefined,
    });
    const response = await edge(PLAN, { registry, dependencies: { acceptTrigger } })("/api/v1/tasks/echo/trigger", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ a: { b: "1" }, tags: ["x", 2] }),
    });
    expect(response.status).toBe(400);
    const { code, errors } = await response.json<{ code: string; errors: { path: string; message: string }[] }>();
    expect(code).toBe("invalid_payload");
    expect(errors.map(({ path }) => path)).toEqual(["$.a.b", "$.tags[1]", '$["odd key"]']);
    expect(calls).toBe(0);
  });

  it("a trigger is held against the input of a typed task also above the size up to which a body is held", async () => {
    const input = z.string().regex(/^x*$/);
    const registry = { tasks: { echo: task({ input, output: z.unknown(), run: () => null }) } };
    const send = (text: string): Promise<Response> =>
      edge(PLAN, { registry })("/api/v1/tasks/echo/trigger", { method: "POST", body: text });
    const refused = await send(`${"x".repeat(300_000)}y`);
    expect([refused.status, await refused.json()]).toMatchObject([400, { code: "invalid_payload" }]);
    expect((await send("x".repeat(300_000))).status).toBe(202);
    const large = await send("x".repeat(33_554_433));
    expect([large.status, await large.json()]).toMatchObject([413, { code: "payload_too_large" }]);
  });

  it("a trigger that is refused after an overload is told when to come again: 429 with Retry-After", async () => {
    const acceptTrigger = createAcceptTrigger({
      plan: PLAN,
      registry: { tasks: {} },
      callRun: () => Promise.reject(Object.assign(new Error("Durable Object is overloaded."), { overloaded: true })),
      gate: OPEN_GATE,
      directClaim: { holding: 0, budgetMs: 0 },
      driveGrant: async () => undefined,
    });
    const response = await edge(PLAN, { dependencies: { acceptTrigger } })("/api/v1/tasks/echo/trigger", {
      method: "POST",
    });
    expect(response.status).toBe(429);
    expect(response.headers.get("Retry-After")).toMatch(/^\d+$/);
    expect(await response.json()).toMatchObject({ code: "overloaded" });
  });
});
