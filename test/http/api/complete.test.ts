import { env } from "../../support/env.ts";
import { objectIds } from "../../support/object-ids.ts";
import { afterEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import type { RunId } from "../../../src/domain/ids.ts";
import { callRun } from "../../../src/objects/run/run-client.ts";
import type { RunDocument } from "../../../src/objects/run/run-documents-rpc.ts";
import { RetryAfterError, task } from "../../../src/task-helpers.ts";
import { edge, type EdgeOptions } from "../../support/edge.ts";
import { HandDrivenRun } from "../../support/hand-driven.ts";
import { settlement } from "../../support/settlements.ts";
import { planOf, taskPlan } from "../../support/plan.ts";
import { nextCall, type Call } from "../../support/pool/pipelines/scripted.ts";

const DAY = 86_400_000;
// approve ─▶ after; the method of both is the pool's "scripted".
const PLAN = planOf([
  taskPlan("approve", { method: "scripted", downstream: ["after"], external: true, timeoutMs: DAY }),
  taskPlan("after", { method: "scripted", upstream: ["approve"] }),
  taskPlan("crop", {
    method: "scripted",
    retries: { limit: 1, delayMs: 1_000, backoff: "linear", maxDelayMs: 300_000, jitter: false },
    each: { onError: "continue", maxParallel: 10 },
  }),
]);
const ORIGIN = "https://peach.example";

afterEach(() => {
  vi.useRealTimers();
});

function sender(options: EdgeOptions = {}, plan = PLAN) {
  // As on the local runtime, which believes where it is reached.
  const send = edge(plan, { ...options, env: { PEACH_LOCAL: "1", ...options.env } });
  return (path: string, init: RequestInit = {}) => send(new URL(path, ORIGIN).href, init);
}

/** Starts a run; the call of its external task, and where that is to be completed. */
async function started(send = sender()): Promise<{ runId: RunId; call: Call; url: string }> {
  const response = await send("/api/v1/tasks/approve/trigger", { method: "POST" });
  const { run_id: runId } = await response.json<{ run_id: RunId }>();
  const call = await nextCall(runId, "approve");
  return { runId, call, url: call.task.completionUrl };
}

async function documentOf(runId: RunId): Promise<RunDocument> {
  const document = await callRun(env, runId, (run) => run.describe());
  if (document === null) throw new Error("no run");
  return document;
}

async function waiting(runId: RunId): Promise<void> {
  await vi.waitFor(async () => expect((await documentOf(runId)).tasks[0]?.status).toBe("waiting"), 10_000);
}

function report(body: unknown): RequestInit {
  return { method: "POST", body: JSON.stringify(body), headers: { Authorization: "" } };
}

const DONE = report({ status: "succeeded", payload: { approved: true } });

async function finish(runId: RunId): Promise<unknown> {
  const after = await nextCall(runId, "after");
  after.succeed();
  await callRun(env, runId, (run) => run.untilFinal(10_000));
  return after.payload;
}

/** Once the lists have the run among those in which something waits, or not any more: its alarm, which may be near, tells. */
async function listedAsWaiting(runId: RunId, waiting: unknown, root = "approve"): Promise<void> {
  await vi.waitFor(async () => {
    await new HandDrivenRun(runId).wake();
    const response = await sender()(`/api/v1/runs?task=${root}&status=waiting&limit=200`);
    const { runs } = await response.json<{ runs: { run_id: RunId; waiting: unknown }[] }>();
    expect(runs.find(({ run_id }) => run_id === runId)?.waiting).toEqual(waiting);
  }, 10_000);
}

describe("a task with `each`", () => {
  it("a task with `each` has its run listed as waiting while items wait, once for each kind of waits", async () => {
    const headers = { "Content-Type": "application/json" };
    const init = { method: "POST", body: "[1, 2, 3]", headers };
    const response = await sender()("/api/v1/tasks/crop/trigger", init);
    const { run_id: runId } = await response.json<{ run_id: RunId }>();
    const calls = [];
    for (let nth = 0; nth < 3; nth += 1) calls.push(await nextCall(runId, "crop"));
    await listedAsWaiting(runId, undefined, "crop");
    for (const call of calls.slice(0, 2)) call.fail(new RetryAfterError("5m", "the service rests"));
    await listedAsWaiting(runId, [{ task: "crop", for: "time", until: expect.any(String) }], "crop");
    calls[2]?.succeed();
    await callRun(env, runId, (run) => run.cancel());
    await listedAsWaiting(runId, undefined, "crop");
  });
});

describe("the completion URL of an external task", () => {
  it("the completion URL of an external task has its run listed as waiting until it is completed", async () => {
    const { runId, call, url } = await started();
    await listedAsWaiting(runId, undefined);
    call.succeed();
    await waiting(runId);
    await listedAsWaiting(runId, [{ task: "approve", for: "completion", until: expect.any(String) }]);
    await sender()(url, DONE);
    await listedAsWaiting(runId, undefined);
    await finish(runId);
  });

  it("the completion URL of an external task completes it once, without a token of the API: what comes with it is what the task passes", async () => {
    const send = sender();
    const { runId, call, url } = await started(send);
    expect(url).toMatch(new RegExp(`^${ORIGIN}/complete/${runId}\\.0\\.1\\.1\\.\\d+\\.[\\w-]{43}\\.[\\w-]{22}$`));
    call.succeed("what the method returns is for nobody");
    await waiting(runId);
    const response = await send(url, DONE);
    expect([response.status, await response.json()]).toEqual([
      200,
      { run_id: runId, task: "approve", status: "succeeded" },
    ]);
    expect(await finish(runId)).toEqual({ approved: true });
    const again = await send(url, DONE);
    expect([again.status, await again.json()]).toMatchObject([409, { code: "already_completed" }]);
    const audited = async (): Promise<unknown> => (await send("/api/v1/audit?what=completeByUrl&limit=2")).json();
    const entry = { who: "completion URL", what: "completeByUrl" };
    await vi.waitFor(
      async () =>
        expect(await audited()).toMatchObject({
          entries: expect.arrayContaining([
            expect.objectContaining({ ...entry, on: runId, status: 409 }),
            expect.objectContaining({ ...entry, on: `${runId}/approve`, status: 200 }),
          ]),
        }),
      10_000,
    );
    expect(await documentOf(runId)).toMatchObject({
      status: "succeeded",
      tasks: [{ status: "succeeded", attempts: [{ status: "succeeded" }] }, {}],
    });
  });

  it("the completion URL of an external task counts the first of two that come at once", async () => {
    const send = sender();
    const { runId, call, url } = await started(send);
    call.succeed();
    await waiting(runId);
    const answers = await Promise.all([send(url, DONE), send(url, report({ status: "failed" }))]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409]);
    if (answers[0]?.status === 200) await finish(runId);
  });

  it("the completion URL of an external task may be used before the method has returned", async () => {
    const send = sender();
    const { runId, call, url } = await started(send);
    expect((await send(url, report({ status: "succeeded", payload: "fast" }))).status).toBe(200);
    expect(await finish(runId)).toBe("fast");
    call.fail(new Error("too late to matter"));
  });

  it("the completion URL of an external task completes the task that a later attempt waits for, if the worker died that had told somebody", async () => {
    const send = sender();
    const { runId, call, url } = await started(send);
    // The worker is not heard of any more: its lease runs out.
    const run = new HandDrivenRun(runId);
    for (const milliseconds of [36_000, 2_000]) {
      vi.setSystemTime(Date.now() + milliseconds);
      await run.wake();
    }
    const second = await run.call((object) => object.begin(0, "test"));
    if (second === null) throw new Error("nothing to begin");
    await run.settle(settlement(second, { type: "waiting" }));
    call.succeed();
    // The time of the first attempt would be over, that of the second is not.
    const [first] = (await documentOf(runId)).tasks[0]?.attempts ?? [];
    vi.setSystemTime(Date.parse(first?.started_at ?? "") + DAY + 1_000);
    expect((await send(url, DONE)).status).toBe(200);
    expect((await send(url, DONE)).status).toBe(409);
    expect(await finish(runId)).toEqual({ approved: true });
    expect((await documentOf(runId)).tasks[0]?.attempts.map(({ status }) => status)).toEqual(["lost", "succeeded"]);
  });

  it("the completion URL of an external task carries a large payload through R2, and none as null", async () => {
    const send = sender();
    const large = await started(send);
    const text = "x".repeat(50_000);
    await send(large.url, report({ status: "succeeded", payload: text }));
    expect(await finish(large.runId)).toBe(text);
    large.call.succeed();
    const empty = await started(send);
    await send(empty.url, report({ status: "succeeded" }));
    expect(await finish(empty.runId)).toBeNull();
    empty.call.succeed();
  });

  it("the completion URL of an external task reports a failure, with its reason", async () => {
    const send = sender();
    const { runId, call, url } = await started(send);
    call.succeed();
    await waiting(runId);
    const response = await send(url, report({ status: "failed", error: { message: "not approved" } }));
    expect(await response.json()).toMatchObject({ status: "failed" });
    expect(await documentOf(runId)).toMatchObject({
      status: "failed",
      tasks: [
        { status: "failed", reason: "error", attempts: [{ error: { name: "Error", message: "not approved" } }] },
        { status: "skipped" },
      ],
    });
  });

  it("the completion URL of an external task keeps the beginning of a reason that is a book", async () => {
    const send = sender();
    const { runId, call, url } = await started(send);
    call.succeed();
    await waiting(runId);
    const error = { name: "N".repeat(5_000), message: "m".repeat(100_000) };
    expect((await send(url, report({ status: "failed", error }))).status).toBe(200);
    expect((await documentOf(runId)).tasks[0]?.attempts[0]?.error).toMatchObject({
      name: "N".repeat(4_096),
      message: "m".repeat(4_096),
    });
  });

  it("the completion URL of an external task takes a report of 10 MiB, and refuses a longer one with 413, which changes nothing", async () => {
    const send = sender();
    const { runId, call, url } = await started(send);
    call.succeed();
    await waiting(runId);
    const bytesOf = (size: number): RequestInit => {
      const [before, after] = ['{"status":"succeeded","payload":"', '"}'];
      return { ...DONE, body: `${before}${"a".repeat(size - before.length - after.length)}${after}` };
    };
    const refused = await send(url, bytesOf(10 * 1024 * 1024 + 1));
    expect([refused.status, await refused.json()]).toMatchObject([413, { code: "payload_too_large" }]);
    expect((await documentOf(runId)).tasks[0]?.status).toBe("waiting");
    expect((await send(url, bytesOf(10 * 1024 * 1024))).status).toBe(200);
    expect((await documentOf(runId)).tasks[0]?.status).toBe("succeeded");
    await finish(runId);
  });

  it("the completion URL of an external task is worth nothing changed, for another run, or made up", async () => {
    const send = sender();
    const { runId, call, url } = await started(send);
    call.succeed();
    await waiting(runId);
    const other = await started(send);
    for (const wrong of [
      url.replace(/\.0\.1\.1\./, ".0.1.2."),
      url.replace(/\.0\.1\.1\.(\d+)/, ".0.1.1.9$1"),
      url.replace(runId, other.runId),
      url.replace(runId, `run_${"0".repeat(26)}`),
      `${url.slice(0, -2)}${url.at(-2) === "A" ? "B" : "A"}${url.at(-1)}`,
      // Its last letter has two bits that base64 leaves over: A and E differ in what counts.
      url.replace(/[\w-](?=.[\w-]{22}$)/, (letter) => (letter === "A" ? "E" : "A")),
    ]) {
      const response = await send(wrong, DONE);
      expect([response.status, await response.json()]).toMatchObject([401, { code: "signature_mismatch" }]);
    }
    // The bits that base64 leaves over are part of it, too.
    const last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".indexOf(url.at(-1) ?? "");
    const leftOver = `${url.slice(0, -1)}${"BCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last]}`;
    for (const none of [`${ORIGIN}/complete/x`, `${url}x`, `${ORIGIN}/complete/`, leftOver])
      expect((await send(none, DONE)).status).toBe(404);
    expect((await documentOf(runId)).tasks[0]?.status).toBe("waiting");
    for (const { call: open, runId: id, url: right } of [other, { runId, call, url }]) {
      await send(right, DONE);
      await finish(id);
      open.succeed();
    }
  });

  it("the completion URL of an external task that somebody has made up reaches no run: no object is made for it, however many come", async () => {
    const send = sender();
    const { runId, call, url } = await started(send);
    const objects = async (): Promise<number> => (await objectIds("RunObject", env.RUNS)).length;
    const before = await objects();
    const madeUp = ["01", "02", "03"].map((end) => url.replace(runId, `${runId.slice(0, -2)}${end}`));
    for (const wrong of madeUp) expect((await send(wrong, DONE)).status).toBe(401);
    expect(await objects()).toBe(before);
    // Who goes on is told to come later, without another look.
    vi.spyOn(env.AUTH_FAILURES, "limit").mockResolvedValueOnce({ success: false });
    const from = { ...DONE, headers: { "CF-Connecting-IP": "192.0.2.77" } };
    expect((await send(madeUp[0] ?? "", from)).status).toBe(429);
    expect((await send(url, DONE)).status).toBe(200);
    await finish(runId);
    call.succeed();
  });

  it("the completion URL of an external task is over with the task's timeout: 410, and so it is when the attempt has timed out", async () => {
    vi.setSystemTime(Date.UTC(2027, 0, 1));
    const send = sender();
    const { runId, call, url } = await started(send);
    call.succeed();
    await waiting(runId);
    vi.setSystemTime(Date.UTC(2027, 0, 2));
    for (const wake of [false, true]) {
      if (wake) await new HandDrivenRun(runId).wake();
      const response = await send(url, DONE);
      expect([response.status, await response.json()]).toMatchObject([410, { code: "completion_expired" }]);
    }
    expect((await documentOf(runId)).tasks[0]).toMatchObject({
      status: "failed",
      attempts: [{ status: "timed_out", error: { name: "TimeoutError" } }],
    });
  });

  it("the completion URL of an external task of a cancelled run is 409", async () => {
    const send = sender();
    const { runId, call, url } = await started(send);
    call.succeed();
    await waiting(runId);
    await callRun(env, runId, (run) => run.cancel());
    const response = await send(url, DONE);
    expect([response.status, await response.json()]).toMatchObject([409, { code: "not_waiting" }]);
  });

  it.each([
    ["{", "invalid_json"],
    ["[]", "invalid_payload"],
    ['{"status":"done"}', "invalid_payload"],
    ['{"status":"succeeded","paylod":1}', "invalid_payload"],
    ['{"status":"failed","error":{"message":7}}', "invalid_payload"],
    ['{"status":"succeeded","error":{"message":"x"}}', "invalid_payload"],
    ['{"status":"failed","payload":1}', "invalid_payload"],
    ["", "invalid_json"],
  ])("the completion URL of an external task refuses the body %j and goes on waiting", async (body, code) => {
    const send = sender();
    const { runId, call, url } = await started(send);
    call.succeed();
    await waiting(runId);
    const response = await send(url, { method: "POST", body, headers: { Authorization: "" } });
    expect([response.status, await response.json()]).toMatchObject([400, { code }]);
    await send(url, DONE);
    await finish(runId);
  });

  it("the completion URL of an external task does not begin where a request says that it has come: whoever sends it chooses that", async () => {
    const send = edge(PLAN);
    const path = "https://evil.example/api/v1/tasks/approve/trigger";
    const { run_id: runId } = await (await send(path, { method: "POST" })).json<{ run_id: RunId }>();
    const call = await nextCall(runId, "approve");
    expect(() => call.task.completionUrl).toThrow("set the variable PEACH_URL");
    call.succeed();
    await waiting(runId);
    const { headers: _, ...body } = DONE;
    expect((await send(`/api/v1/runs/${runId}/tasks/approve/complete`, body)).status).toBe(200);
    await finish(runId);
  });

  it("the completion URL of an external task begins with PEACH_URL if that is set", async () => {
    const response = await sender()("/api/v1/tasks/approve/trigger", { method: "POST" });
    const { run_id: runId } = await response.json<{ run_id: RunId }>();
    const call = await nextCall(runId, "approve");
    call.succeed();
    await waiting(runId);
    const send = sender({ env: { PEACH_URL: "https://behind.example/" } });
    const document = await (await send(`/api/v1/runs/${runId}`)).json<RunDocument>();
    expect(document.tasks[0]?.completion_url).toMatch(/^https:\/\/behind\.example\/complete\/run_/);
    await send(call.task.completionUrl, DONE);
    await finish(runId);
  });
});

describe("the output of a typed external task", () => {
  const registry = {
    tasks: { scripted: task({ output: z.object({ approved: z.boolean() }), run: async () => ({ approved: false }) }) },
  };

  it("the output of a typed external task is checked when it is completed: 400 with the places that are wrong, and it goes on waiting", async () => {
    const send = sender({ registry });
    const { runId, call, url } = await started(send);
    call.succeed();
    await waiting(runId);
    const wrong = await send(url, report({ status: "succeeded", payload: { approved: "yes" } }));
    expect([wrong.status, await wrong.json()]).toMatchObject([
      400,
      { code: "invalid_payload", errors: [{ path: "$.approved" }] },
    ]);
    expect((await send(url, DONE)).status).toBe(200);
    expect(await finish(runId)).toEqual({ approved: true });
  });

  it("the output of a typed external task is checked by the file that the method was named in, where several export its name by now", async () => {
    const modules = { one: async () => ({ scripted: () => null }), two: async () => registry.tasks };
    const plan = planOf([
      taskPlan("approve", { method: "scripted", module: "two", downstream: ["after"], external: true, timeoutMs: DAY }),
      taskPlan("after", { method: "scripted", upstream: ["approve"] }),
    ]);
    const send = sender({ registry: { tasks: {}, others: { modules, moduleOf: {} } } }, plan);
    const { runId, call, url } = await started(send);
    call.succeed();
    await waiting(runId);
    expect((await send(url, report({ status: "succeeded", payload: { approved: "yes" } }))).status).toBe(400);
    expect((await send(url, DONE)).status).toBe(200);
    await finish(runId);
  });
});

describe("POST /runs/{id}/tasks/{task}/complete", () => {
  it("POST /runs/{id}/tasks/{task}/complete completes whichever attempt waits, for admins; others do not even see where", async () => {
    const send = sender();
    const { runId, call } = await started(send);
    call.succeed();
    await waiting(runId);
    const document = await (await send(`/api/v1/runs/${runId}`)).json<RunDocument>();
    expect(document.tasks[0]).toMatchObject({
      status: "waiting",
      waiting_for: { for: "completion", until: expect.any(String) },
      completion_url: call.task.completionUrl,
    });
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode("reader"));
    const entryOf = (scope: string): string => `${scope}:${scope}:${new Uint8Array(digest).toHex()}`;
    const reader = sender({ env: { PEACH_API_TOKENS: entryOf("read") } });
    const headers = { Authorization: "Bearer reader" };
    const seen = await (await reader(`/api/v1/runs/${runId}`, { headers })).json<RunDocument>();
    expect(seen.tasks[0]).not.toHaveProperty("completion_url");
    const operator = sender({ env: { PEACH_API_TOKENS: entryOf("operate") } });
    const operated = await (await operator(`/api/v1/runs/${runId}`, { headers })).json<RunDocument>();
    expect(operated.tasks[0]).toMatchObject({ status: "waiting" });
    expect(operated.tasks[0]).not.toHaveProperty("completion_url");
    const path = `/api/v1/runs/${runId}/tasks/approve/complete`;
    expect((await reader(path, { ...DONE, headers })).status).toBe(403);

    const { headers: _, ...body } = DONE;
    const response = await send(path, body);
    expect([response.status, await response.json()]).toMatchObject([200, { task: "approve", status: "succeeded" }]);
    expect((await send(path, body)).status).toBe(409);
    expect(await finish(runId)).toEqual({ approved: true });
  });

  it("POST /runs/{id}/tasks/{task}/complete is refused for what is not there, or not external", async () => {
    const send = sender();
    const { runId, call, url } = await started(send);
    const { headers: _, ...body } = DONE;
    for (const [path, status, code] of [
      [`run_${"0".repeat(26)}/tasks/approve`, 404, "unknown_run"],
      [`${runId}/tasks/aprove`, 404, "unknown_task"],
      [`${runId}/tasks/after`, 409, "not_waiting"],
    ] as const) {
      const response = await send(`/api/v1/runs/${path}/complete`, body);
      expect([response.status, await response.json()]).toMatchObject([status, { code }]);
    }
    await send(url, DONE);
    await finish(runId);
    call.succeed();
  });
});

describe("a task", () => {
  it("a task that is not external has no completion URL; one that is says by itself what it does not pass", async () => {
    const send = sender();
    const { runId, call, url } = await started(send);
    expect(() => call.task.passToChildTask(1)).toThrow("no effect in an external task");
    expect(() => call.task.runOnlyChildTasks("after")).toThrow("no effect in an external task");
    call.succeed();
    await send(url, DONE);
    const after = await nextCall(runId, "after");
    expect(() => after.task.completionUrl).toThrow("only a task with `external: true`");
    after.succeed();
    await callRun(env, runId, (run) => run.untilFinal(10_000));
  });
});
