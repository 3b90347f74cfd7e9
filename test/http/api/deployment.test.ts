import { describe, expect, it, vi } from "vitest";
import { env } from "../../support/env.ts";
import { z } from "zod";
import { renderGraph } from "../../../src/domain/plan/graph-drawing.ts";
import { scheduleLagMs } from "../../../src/http/api/backlog.ts";
import { newScheduleState } from "../../../src/domain/schedules/due-times.ts";
import { edge } from "../../support/edge.ts";
import { endpointPlan, planOf, r2Rule, schedulePlan, taskPlan } from "../../support/plan.ts";

const input = z.object({ audio: z.string(), speed: z.number().min(1) });
const output = z.object({ text: z.string() }).transform(({ text }) => text.length);
const PLAN = planOf(
  [
    taskPlan("transcribe", {
      description: "Speech to text",
      downstream: ["rank"],
      on: { r2: [r2Rule({ prefix: "audio/" })], events: ["audio.published"] },
      schedules: [schedulePlan({ cron: "0 3 * * *", payload: '{"kind":"full"}' })],
      debounce: { delayMs: 10_000, maxWaitMs: 600_000, key: ["item", "id"] },
      external: true,
    }),
    taskPlan("rank", {
      upstream: ["transcribe"],
      each: { maxParallel: 4, onError: "continue" },
      limits: {
        concurrency: { limit: 4, strategy: "skip", key: ["user", "id"] },
        rateLimit: { limit: 100, perMs: 60_000, key: null },
        priority: ["urgency"],
      },
    }),
  ],
  {
    endpoints: [
      endpointPlan("open", { methods: ["GET"], cors: { origins: ["https://example.org"] } }),
      endpointPlan("signed", {
        auth: { type: "signature", scheme: "hmac-sha256", secret: "HOOK_SECRET", header: "x-sign" },
      }),
      endpointPlan("slack", {
        auth: { type: "signature", scheme: "slack", secret: "SLACK_SECRET", toleranceMs: 300_000 },
      }),
    ],
  },
);
const registry = {
  tasks: { transcribe: { kind: "peach.task" as const, input, output, run: () => null }, rank: () => null },
  endpoints: { open: () => null, signed: () => null, slack: () => null },
};
const send = edge(PLAN, { registry });

describe("GET /tasks", () => {
  it("GET /tasks tells each task with its wiring and rules, in file order", async () => {
    const { tasks } = await (await send("/api/v1/tasks")).json<{ tasks: { task: string }[] }>();
    expect(tasks.map(({ task }) => task)).toEqual(["transcribe", "rank"]);
    expect(tasks[0]).toMatchObject({
      method: "transcribe",
      description: "Speech to text",
      downstream: ["rank"],
      on: {
        r2: [{ bucket: "uploads", prefix: "audio/", suffix: "", actions: ["create"] }],
        events: ["audio.published"],
      },
      schedules: [{ cron: "0 3 * * *", timezone: "UTC", payload: { kind: "full" } }],
      timeout_ms: 25_000,
      run_if: "all_success",
      debounce: { delay_ms: 10_000, key: "payload.item.id", max_wait_ms: 600_000 },
      external: true,
      dispatch: "queue",
    });
    expect(tasks[0]).toMatchObject({ each: null, concurrency: null, rate_limit: null, priority: null });
    expect(tasks[1]).toMatchObject({
      upstream: ["transcribe"],
      each: { max_parallel: 4, on_error: "continue" },
      concurrency: { limit: 4, strategy: "skip", key: "payload.user.id" },
      rate_limit: { limit: 100, per_ms: 60_000, key: null },
      priority: "payload.urgency",
      debounce: null,
      external: false,
      input_schema: null,
    });
  });
});

describe("GET /tasks/{task}", () => {
  it("GET /tasks/{task} has the JSON Schemas of a typed task, open where JSON Schema cannot say it", async () => {
    const task = await (await send("/api/v1/tasks/transcribe")).json();
    expect(task).toMatchObject({
      input_schema: {
        type: "object",
        properties: { audio: { type: "string" }, speed: { type: "number", minimum: 1 } },
        required: ["audio", "speed"],
      },
      output_schema: {},
    });
  });

  it("GET /tasks/{task} of an unknown task is 404 with the nearest one", async () => {
    const response = await send("/api/v1/tasks/transcrib");
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: "unknown_task", hint: 'Did you mean "transcribe"?' });
  });
});

describe("GET /graph", () => {
  it.each([
    ["", "json", "application/json"],
    ["?format=json", "json", "application/json"],
    ["?format=mermaid", "mermaid", "text/vnd.mermaid; charset=utf-8"],
    ["?format=dot", "dot", "text/vnd.graphviz; charset=utf-8"],
  ] as const)("%s is what `peach graph` draws", async (query, format, type) => {
    const response = await send(`/api/v1/graph${query}`);
    expect(response.headers.get("Content-Type")).toBe(type);
    expect(await response.text()).toBe(renderGraph(PLAN, format));
  });

  it("GET /graph in a format that it does not know is 400", async () => {
    const response = await send("/api/v1/graph?format=svg");
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ detail: expect.stringContaining("json, mermaid, dot") });
  });
});

describe("GET /endpoints", () => {
  it("GET /endpoints tells each endpoint, and the name of its secret but not the secret", async () => {
    const { endpoints } = await (
      await edge(PLAN, { registry, env: { HOOK_SECRET: "s3cret" } })("/api/v1/endpoints")
    ).json<{ endpoints: object[] }>();
    expect(endpoints).toEqual([
      {
        name: "open",
        method: "open",
        url: "/open",
        methods: ["GET"],
        auth: "none",
        max_body: 1024,
        timeout_ms: 30_000,
        fallback: null,
        cors: { origins: ["https://example.org"] },
        rate_limit: null,
        redact: [],
      },
      expect.objectContaining({
        methods: null,
        auth: { signature: "hmac-sha256", secret: "HOOK_SECRET", header: "x-sign" },
      }),
      expect.objectContaining({ auth: { signature: "slack", secret: "SLACK_SECRET", tolerance_ms: 300_000 } }),
    ]);
  });
});

describe("GET /health", () => {
  const sendTo = (queue: object) => edge(PLAN, { registry, env: { RUN_QUEUE: { ...env.RUN_QUEUE, ...queue } } });
  interface Health {
    status: string;
    queues: { name: string; backlog_count: number | null; oldest_message_at: string | null }[];
  }

  it("GET /health tells what waits in each queue, and how late the schedules are", async () => {
    const health = await (await send("/api/v1/health")).json<Health>();
    expect(health.queues.map(({ name }) => name)).toEqual(["peach-runs", "peach-r2-events", "peach-dead-letters"]);
    expect(health).toMatchObject({ status: "ok", schedules: { lag_ms: 0 } });
  });

  it("GET /health is behind when a message has waited for more than five minutes", async () => {
    const oldestMessageTimestamp = new Date(Date.now() - 301_000);
    const metrics = async () => ({ backlogCount: 7, backlogBytes: 700, oldestMessageTimestamp });
    const health = await (await sendTo({ metrics })("/api/v1/health")).json<Health>();
    expect(health).toMatchObject({
      status: "behind",
      queues: [{ backlog_count: 7, oldest_message_at: oldestMessageTimestamp.toISOString() }, {}, {}],
    });
  });

  it("GET /health answers also when a queue does not", async () => {
    const warned = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const metrics = () => Promise.reject(new Error("no metrics"));
    const health = await (await sendTo({ metrics })("/api/v1/health")).json<Health>();
    expect(health.queues[0]).toMatchObject({ backlog_count: null, oldest_message_at: null });
    expect(warned).toHaveBeenCalledOnce();
    warned.mockRestore();
  });
});

describe("the lag of the schedules", () => {
  const now = Date.UTC(2026, 0, 2, 12, 10);
  const status = (cron: string, dealtUntil: number, paused = false) => ({
    definition: { ...schedulePlan({ cron }), task: "transcribe" },
    state: newScheduleState(dealtUntil),
    paused,
    waitingFor: null,
  });

  it.each([
    ["nothing is due", [status("0 * * * *", now - 60_000)], 0],
    ["one is due and nobody looked", [status("0 * * * *", now), status("0 * * * *", now - 900_000)], 600_000],
    ["only a paused one is due", [status("0 * * * *", now - 900_000, true)], 0],
    ["there are none", [], 0],
  ])("the lag of the schedules is counted when %s", (_when, statuses, lag) => {
    expect(scheduleLagMs(statuses, now)).toBe(lag);
  });
});
