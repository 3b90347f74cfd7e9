import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RunId } from "../../../src/domain/ids.ts";
import { acceptance, HandDrivenRun, only } from "../../support/hand-driven.ts";
import { succeeded, threw } from "../../support/settlements.ts";
import { edge } from "../../support/edge.ts";
import { planOf, taskPlan } from "../../support/plan.ts";

const API = "/api/v1";
const DAY_MS = 86_400_000;

interface Listed {
  readonly run_id: RunId;
  readonly task: string;
  readonly status: string;
  readonly source: string;
  readonly failed_tasks: string[];
}

/** Each test has a task of its own, and with it a catalog of its own. */
let task = "";
let tests = 0;
const plan = () => planOf([taskPlan(task, { method: "scripted" })]);
const send = (path: string, init?: RequestInit) => edge(plan())(`${API}${path}`, init);

async function page(query: string): Promise<{ runs: Listed[]; next_cursor: string | null }> {
  const response = await send(`/runs?${query}`);
  expect(response.status).toBe(200);
  return response.json();
}

async function started(): Promise<{ run: HandDrivenRun; lease: ReturnType<typeof only> }> {
  const { run, answer } = await HandDrivenRun.accept(acceptance(plan(), task));
  return { run, lease: only(answer.grant) };
}

/** Once the list has the runs in these states. */
async function listed(states: Readonly<Record<string, string>>): Promise<void> {
  await vi.waitFor(async () => {
    const { runs } = await page(`task=${task}&limit=200`);
    expect(Object.fromEntries(runs.map(({ run_id, status }) => [run_id, status]))).toEqual(states);
  }, 10_000);
}

beforeEach(() => {
  tests += 1;
  task = `listed_${tests}`;
});
afterEach(() => {
  vi.useRealTimers();
});

describe("GET /runs", () => {
  it("GET /runs shows a run as it stands: queued, running, and how it has ended", async () => {
    const queued = await HandDrivenRun.accept({
      ...acceptance(plan(), task, { claim: null }),
      delayMs: 60_000,
    });
    const { run: running } = await started();
    const { run: good, lease } = await started();
    await good.settle(succeeded(lease));
    const { run: bad, lease: lost } = await started();
    await bad.settle(threw(lost));
    const { run: gone } = await started();
    await gone.call((object) => object.cancel());
    const states = { [running.id]: "running", [good.id]: "succeeded", [bad.id]: "failed", [gone.id]: "cancelled" };
    await vi.waitFor(async () => {
      const { runs } = await page(`task=${task}`);
      const others = runs.filter(({ run_id }) => run_id !== queued.run.id);
      expect(Object.fromEntries(others.map(({ run_id, status }) => [run_id, status]))).toEqual(states);
    }, 10_000);
    const { runs } = await page(`task=${task}&status=failed,cancelled`);
    expect(new Set(runs.map(({ run_id }) => run_id))).toEqual(new Set([bad.id, gone.id]));
    const error = { task, name: "Error", message: "thrown by the test" };
    expect(runs.find(({ run_id }) => run_id === bad.id)).toMatchObject({ failed_tasks: [task], source: "api", error });
    expect((await page(`task=${task}&error=BY%20the`)).runs.map(({ run_id }) => run_id)).toEqual([bad.id]);
    expect(await (await send(`/failures?task=${task}`)).json()).toMatchObject({
      groups: [{ task, name: "Error", count: 1, example: bad.id, pipelines: [{ task, count: 1 }] }],
    });
    expect(await (await send(`/runs/statistics?task=${task}`)).json()).toMatchObject({
      interval_ms: 900_000,
      tasks: [{ task, intervals: [{ counts: { failed: 1, succeeded: 1, cancelled: 1 } }], waiting: { completion: 0 } }],
    });
    expect((await page(`task=${task}&status=running`)).runs.map(({ run_id }) => run_id)).toEqual([running.id]);
    const counts = await (await send(`/runs/count?task=${task}&status=succeeded,failed,running`)).json();
    expect(counts).toEqual({ counts: { queued: 0, running: 1, succeeded: 1, failed: 1, cancelled: 0 }, total: 3 });
    await running.call((object) => object.cancel());
  });

  it.each([
    ["a day, where none is asked for", null, 900_000],
    ["two hours", 7_200_000, 60_000],
    ["a little more than two hours", 7_260_000, 300_000],
    ["thirty days", 30 * DAY_MS, 43_200_000],
    ["more days than it has intervals", 400 * DAY_MS, DAY_MS],
    ["the future", -DAY_MS, 60_000],
  ])("GET /runs/statistics has intervals as short as fit into %s", async (_, spanMs, intervalMs) => {
    const now = Date.UTC(2027, 5, 1, 12);
    vi.setSystemTime(now);
    const since = spanMs === null ? "" : `&since=${new Date(now - spanMs).toISOString()}`;
    const answer = await (await send(`/runs/statistics?task=${task}${since}`)).json();
    const begin = Math.floor(Math.min(now, now - (spanMs ?? DAY_MS)) / intervalMs) * intervalMs;
    expect(answer).toMatchObject({
      since: new Date(begin).toISOString(),
      until: new Date(now).toISOString(),
      interval_ms: intervalMs,
    });
  });

  it("GET /failures has the failed runs of the last day, or since a time", async () => {
    const kept = planOf([taskPlan(task, { method: "scripted" })], { retentionMs: 7 * DAY_MS });
    const { run, answer: accepted } = await HandDrivenRun.accept(acceptance(kept, task));
    await run.settle(threw(only(accepted.grant)));
    await listed({ [run.id]: "failed" });
    const since = new Date(Date.now() - 60_000).toISOString();
    const examples = async (query: string): Promise<unknown[]> => {
      const answer = await (await send(`/failures?task=${task}${query}`)).json<{ groups: { example: string }[] }>();
      return answer.groups.map(({ example }) => example);
    };
    expect(await examples("")).toEqual([run.id]);
    vi.setSystemTime(Date.now() + DAY_MS + 60_000);
    expect(await examples("")).toEqual([]);
    expect(await examples(`&since=${since}`)).toEqual([run.id]);
  });

  it("GET /runs lists the runs of all tasks, those also of tasks that peach.conf has no more", async () => {
    const first = await started();
    await first.run.settle(succeeded(first.lease));
    const before = task;
    task = `${task}_renamed`;
    const second = await started();
    await second.run.settle(succeeded(second.lease));
    await vi.waitFor(async () => {
      const ids = (await page("limit=200")).runs.map(({ run_id }) => run_id);
      expect(ids).toEqual(expect.arrayContaining([first.run.id, second.run.id]));
    }, 10_000);
    expect((await page(`task=${before}`)).runs.map(({ run_id }) => run_id)).toEqual([first.run.id]);
  });

  it("GET /runs finds the run of an idempotency key by asking the run itself", async () => {
    const sent = await edge(plan())(`${API}/tasks/${task}/trigger`, {
      method: "POST",
      body: "{}",
      headers: { "Idempotency-Key": "k 1", "Content-Type": "application/json" },
    });
    const { run_id } = await sent.json<{ run_id: RunId }>();
    expect((await page(`task=${task}&idempotency_key=k%201`)).runs).toMatchObject([{ run_id, status: "queued" }]);
    expect((await page(`task=${task}&idempotency_key=k%201&status=failed`)).runs).toEqual([]);
    expect((await page(`task=${task}&idempotency_key=k%202`)).runs).toEqual([]);
    await new HandDrivenRun(run_id).call((object) => object.cancel());
  });

  it("GET /runs shows a run that is retried as running again, and then how it has ended", async () => {
    const { run, lease } = await started();
    await run.settle(threw(lease));
    await listed({ [run.id]: "failed" });
    await run.call((object) => object.retry());
    await vi.waitFor(async () => expect((await page(`task=${task}`)).runs[0]?.status).not.toBe("failed"), 10_000);
    await run.call((object) => object.cancel());
    await listed({ [run.id]: "cancelled" });
  });

  it.each([
    ["status=done", "query.status"],
    ["status=failed,", "query.status"],
    ["source=web", "query.source"],
    ["created_after=yesterday", "query.created_after"],
    ["limit=201", "query.limit"],
    ["cursor=17", "query.cursor"],
    ["cursor=17.run_x", "query.cursor"],
    ["idempotency_key=k", "query.idempotency_key"],
    ["colour=red", "query.colour"],
  ])("GET /runs refuses %s", async (query, path) => {
    const response = await send(`/runs?${query}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "invalid_request", errors: [{ path }] });
  });

  it("GET /runs refuses a task that nobody knows", async () => {
    for (const call of ["/runs", "/runs/count", "/runs/feed"]) {
      const response = await send(`${call}?task=${task}x`);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ code: "unknown_task", hint: `Did you mean "${task}"?` });
    }
  });
});

describe("GET /runs/feed", () => {
  /** Reads events until there is one that fits. */
  async function until(
    reader: ReadableStreamDefaultReader<Uint8Array>,
    text: { all: string },
    wanted: string,
  ): Promise<void> {
    while (!text.all.includes(wanted)) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`the feed ended with ${text.all}`);
      text.all += new TextDecoder().decode(value);
    }
  }

  function readerOf(response: Response): ReadableStreamDefaultReader<Uint8Array> {
    if (response.body === null) throw new Error("the feed has no body");
    return response.body.getReader();
  }

  it("GET /runs/feed tells each change, and goes on where a client was that connects again", async () => {
    const response = await send(`/runs/feed?task=${task}`);
    expect(response.headers.get("Content-Type")).toBe("text/event-stream");
    const reader = readerOf(response);
    const text = { all: "" };
    await until(reader, text, "id: ");
    const { run, lease } = await started();
    await until(reader, text, run.id);
    await reader.cancel();
    const [lastId = ""] = /(?<=id: )\d+(?!.*id: \d)/s.exec(text.all) ?? [];
    await run.settle(succeeded(lease));
    await listed({ [run.id]: "succeeded" });
    const again = readerOf(await send(`/runs/feed?task=${task}`, { headers: { "Last-Event-ID": lastId } }));
    const rest = { all: "" };
    await until(again, rest, "succeeded");
    await again.cancel();
    expect(rest.all).toContain(`"run_id":"${run.id}"`);
  });

  it.each([
    ["1970", () => 17, "event: reset"],
    ["more than an hour ago", () => Date.now() - 3_660_000, "event: reset"],
    ["less than an hour ago", () => Date.now() - 3_540_000, "retry: 1000"],
  ])(
    "GET /runs/feed tells a client whose last event was %s to begin anew after an hour, and goes on before",
    async (_, lastId, first) => {
      const reader = readerOf(await send(`/runs/feed`, { headers: { "Last-Event-ID": String(lastId()) } }));
      const text = { all: "" };
      await until(reader, text, "\n\n");
      await reader.cancel();
      expect(text.all.startsWith(first)).toBe(true);
    },
  );
});
