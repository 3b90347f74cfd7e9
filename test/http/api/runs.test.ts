import { env } from "../../support/env.ts";
import { describe, expect, it } from "vitest";
import type { RunId } from "../../../src/domain/ids.ts";
import { callRun } from "../../../src/objects/run/run-client.ts";
import { NonRetryableError } from "../../../src/task-helpers.ts";
import { edge } from "../../support/edge.ts";
import { acceptance, HandDrivenRun, only } from "../../support/hand-driven.ts";
import { threw } from "../../support/settlements.ts";
import { planOf, taskPlan } from "../../support/plan.ts";
import { nextCall } from "../../support/pool/pipelines/scripted.ts";

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
  ])("what a task passed comes with its content type: %s", async (_, passed, contentType, text) => {
    const runId = await start();
    await finish(runId, passed);
    expect(await bytesOf(`/api/v1/runs/${runId}/tasks/first/payload`)).toEqual({ contentType, text });
  });

  it.each([
    ["", "text/html"],
    ["empty", "text/html"],
    ["image", "text/html"],
    ["document", "text/html"],
    ["iframe", "application/octet-stream"],
    ["script", "application/octet-stream"],
    ["worker", "application/octet-stream"],
    ["serviceworker", "application/octet-stream"],
    ["style", "application/octet-stream"],
  ])(
    "what a task passed is a file to be saved, and no code, whatever it is: for a browser's %j it is %s",
    async (destination, type) => {
      const runId = await start();
      await finish(runId, new Blob(["<script>"], { type: "text/html" }));
      const headers = destination === "" ? {} : { "Sec-Fetch-Dest": destination };
      const answer = await send(`/api/v1/runs/${runId}/tasks/first/payload`, { headers });
      expect(answer.headers.get("Content-Type")).toBe(type);
      expect(answer.headers.get("Content-Disposition")).toBe("attachment");
      expect(await answer.text()).toBe("<script>");
    },
  );

  it.each([
    ["held inline", "0123456789"],
    ["in R2", "0123456789".repeat(5_000)],
  ])(
    "what a task passed is answered in part if a range is asked for, also to go on after a break: %s",
    async (_, passed) => {
      const runId = await start();
      await finish(runId, passed);
      const path = `/api/v1/runs/${runId}/tasks/first/payload`;
      const whole = await send(path);
      expect([whole.status, whole.headers.get("Accept-Ranges")]).toEqual([200, "bytes"]);
      expect(await whole.text()).toBe(passed);
      const etag = whole.headers.get("ETag") ?? "";
      expect(etag).toMatch(/^"[0-9a-f]{32}"$/);
      const size = passed.length;
      for (const [range, from, to] of [
        ["bytes=2-4", 2, 5],
        ["bytes=7-", 7, size],
        ["bytes=-3", size - 3, size],
        [`bytes=${size - 1}-${size + 100}`, size - 1, size],
        [`bytes=-${size + 5}`, 0, size],
      ] as const) {
        const part = await send(path, { headers: { Range: range, "If-Range": etag } });
        expect([part.status, part.headers.get("Content-Range")]).toEqual([206, `bytes ${from}-${to - 1}/${size}`]);
        expect(part.headers.get("ETag")).toBe(etag);
        expect(await part.text()).toBe(passed.slice(from, to));
      }
      for (const headers of [
        { Range: "bytes=0-1", "If-Range": '"another"' },
        { Range: "bytes=0-1,4-5" },
        { Range: "bytes=5-2" },
        { Range: "lines=1-2" },
        { Range: "bytes=-" },
      ]) {
        const ignored = await send(path, { headers });
        expect([ignored.status, await ignored.text()]).toEqual([200, passed]);
      }
      for (const range of [`bytes=${size}-`, "bytes=-0"]) {
        const refused = await send(path, { headers: { Range: range } });
        expect([refused.status, refused.headers.get("Content-Range")]).toEqual([416, `bytes */${size}`]);
        expect(await refused.json()).toMatchObject({ code: "range_not_satisfiable" });
      }
    },
  );

  it("what a task passed is answered in part also as what triggered the run", async () => {
    const runId = await start("what triggered it");
    const part = await send(`/api/v1/runs/${runId}/payload`, { headers: { Range: "bytes=5-13" } });
    expect([part.status, await part.text()]).toEqual([206, "triggered"]);
    await finish(runId, null);
  });

  it("what a task passed is not there before the task has succeeded", async () => {
    const runId = await start();
    const response = await send(`/api/v1/runs/${runId}/tasks/first/payload`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: "no_payload" });
    await finish(runId, null);
  });
});

describe("the log of a task", () => {
  it("the log of a task has the lines of its attempts", async () => {
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

  it("the log of a task says how many lines are missing", async () => {
    const { run, answer } = await HandDrivenRun.accept(acceptance(PLAN, "first"));
    await run.settle({ ...threw(only(answer.grant)), logsDropped: 3 });
    const response = await send(`/api/v1/runs/${run.id}/tasks/first/logs`);
    expect(await response.json()).toMatchObject({ logs: [], dropped: 3 });
  });
});

describe("the log of a task, page by page", () => {
  async function withLogs(): Promise<RunId> {
    const runId = await start();
    const call = await nextCall(runId, "first");
    for (const message of ["a", "b", "c"]) call.task.log.info(message);
    call.fail(new NonRetryableError("broken"));
    await callRun(env, runId, (run) => run.untilFinal(10_000));
    await send(`/api/v1/runs/${runId}/retry`, { method: "POST" });
    const again = await nextCall(runId, "first");
    for (const message of ["d", "e"]) again.task.log.info(message);
    again.succeed();
    (await nextCall(runId, "second")).succeed();
    await callRun(env, runId, (run) => run.untilFinal(10_000));
    return runId;
  }

  async function page(runId: RunId, query: string): Promise<{ messages: string; next_cursor: string | null }> {
    const response = await send(`/api/v1/runs/${runId}/tasks/first/logs?${query}`);
    expect(response.status).toBe(200);
    const { logs, next_cursor } = await response.json<{ logs: { message: string }[]; next_cursor: string | null }>();
    return { messages: logs.map(({ message }) => message).join(""), next_cursor };
  }

  it("the log of a task, page by page, has each line once, whatever the size of the pages", async () => {
    const runId = await withLogs();
    for (const limit of [1, 2, 3, 4, 5, 6]) {
      const pages: string[] = [];
      for (let cursor = ""; ;) {
        const { messages, next_cursor } = await page(runId, `limit=${limit}${cursor}`);
        pages.push(messages);
        if (next_cursor === null) break;
        cursor = `&cursor=${next_cursor}`;
      }
      expect(pages.join("")).toBe("abcde");
      expect(pages).toHaveLength(Math.ceil(5 / limit));
    }
  });

  it("the log of a task, page by page, may be of one attempt alone", async () => {
    const runId = await withLogs();
    expect(await page(runId, "attempt=2")).toEqual({ messages: "de", next_cursor: null });
    expect(await page(runId, "attempt=1&limit=2")).toMatchObject({ messages: "ab" });
    expect(await page(runId, "attempt=7")).toEqual({ messages: "", next_cursor: null });
  });

  it.each(["limit=0", "limit=1001", "cursor=x", "attempt=0", "attempts=1"])(
    "the log of a task, page by page, refuses ?%s",
    async (query) => {
      const response = await send(`/api/v1/runs/${NO_RUN}/tasks/first/logs?${query}`);
      expect([response.status, await response.json()]).toMatchObject([400, { code: "invalid_request" }]);
    },
  );
});

describe("POST /runs/{id}/cancel", () => {
  it("POST /runs/{id}/cancel answers with the cancelled run; once it is final, 409", async () => {
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
