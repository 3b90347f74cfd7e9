import { env } from "../support/env.ts";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import type { RunId } from "../../src/domain/ids.ts";
import { callRun } from "../../src/objects/run/run-client.ts";
import { RunObject } from "../../src/objects/run/run-object.ts";
import { NonRetryableError, task } from "../../src/task-helpers.ts";
import { Limit } from "../support/limited-runs.ts";
import { edge, type Send } from "../support/edge.ts";
import { planOf, taskPlan } from "../support/plan.ts";
import { callsWaiting, nextCall } from "../support/pool/pipelines/scripted.ts";

const SEVEN = ["t1", "t2", "t3", "t4", "t5", "t6", "t7"] as const;
const CHAIN = planOf(
  SEVEN.map((name, index) =>
    taskPlan(name, {
      method: "scripted",
      upstream: SEVEN.slice(Math.max(0, index - 1), index),
      downstream: SEVEN.slice(index + 1, index + 2),
    }),
  ),
);

// a ─▶ left ──▶ join ─▶ end      Replayed from `left`, `join` still reads what `right` passed.
//  └─▶ right ─▶ ┘
const DIAMOND = planOf([
  taskPlan("a", { method: "scripted", downstream: ["left", "right"] }),
  taskPlan("left", { method: "scripted", upstream: ["a"], downstream: ["join"] }),
  taskPlan("right", { method: "scripted", upstream: ["a"], downstream: ["join"] }),
  taskPlan("join", { method: "scripted", upstream: ["left", "right"], downstream: ["end"] }),
  taskPlan("end", { method: "scripted", upstream: ["join"] }),
]);

// a ─▶ item (each) ─▶ join
//  └─▶ right ─────────▶ ┘
const OVER_ITEMS = planOf([
  taskPlan("a", { method: "scripted", downstream: ["item", "right"] }),
  taskPlan("item", {
    method: "scripted",
    upstream: ["a"],
    downstream: ["join"],
    each: { maxParallel: 10, onError: "fail" },
  }),
  taskPlan("right", { method: "scripted", upstream: ["a"], downstream: ["join"] }),
  taskPlan("join", { method: "scripted", upstream: ["item", "right"] }),
]);

async function start(send: Send, task: string, body: BodyInit | null = null): Promise<RunId> {
  const response = await send(`/api/v1/tasks/${task}/trigger`, { method: "POST", body });
  return (await response.json<{ run_id: RunId }>()).run_id;
}

async function replay(send: Send, runId: string, query = "", init: RequestInit = {}): Promise<RunId> {
  const response = await send(`/api/v1/runs/${runId}/replay${query}`, { method: "POST", ...init });
  expect(response.status).toBe(202);
  return (await response.json<{ run_id: RunId }>()).run_id;
}

/** Plays the run: each task passes what is given for it, or fails. What each has read, in order. */
async function play(runId: RunId, passed: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>> {
  const read: Record<string, unknown> = {};
  for (const [task, value] of Object.entries(passed)) {
    const call = await nextCall(runId, task);
    read[task] = call.payload;
    if (value instanceof Error) call.fail(value);
    else call.succeed(value);
  }
  const document = await callRun(env, runId, (run) => run.untilFinal(10_000));
  expect(document?.finished_at).not.toBeNull();
  expect(callsWaiting(runId)).toBe(0);
  return read;
}

describe("a replay whose accept is made again, because its answer was lost", () => {
  it.each([
    ["from a join, with what its parents passed", "join", { left: "l".repeat(100_000), right: "r" }],
    ["from a task that still reads from outside", "left", "of a"],
  ])("%s keeps every copy that its run points at", async (_, from, reads) => {
    const send = edge(DIAMOND);
    const runId = await start(send, "a");
    await play(runId, {
      a: "of a",
      left: "l".repeat(100_000),
      right: "r".repeat(from === "left" ? 100_000 : 1),
      join: 1,
      end: 2,
    });
    const accept: unknown = Reflect.get(RunObject.prototype, "accept");
    const lost = vi.spyOn(RunObject.prototype, "accept").mockImplementationOnce(async function answerLost(
      this: RunObject,
      request,
    ) {
      if (typeof accept === "function") await Reflect.apply(accept, this, [request]);
      throw new Error("Network connection lost.");
    });
    const response = await send(`/api/v1/runs/${runId}/replay?from=${from}`, { method: "POST" });
    const { run_id: replayed, deduplicated } = await response.json<{ run_id: RunId; deduplicated: boolean }>();
    expect(lost).toHaveBeenCalledTimes(2);
    lost.mockRestore();
    expect(deduplicated).toBe(false);
    const read = await play(replayed, from === "left" ? { left: "new", join: 1, end: 2 } : { join: 1, end: 2 });
    expect(read[from]).toEqual(reads);
    if (from === "left") expect(read["join"]).toEqual({ left: "new", right: "r".repeat(100_000) });
    const { objects } = await env.PAYLOADS.list({ prefix: `runs/${replayed}/trigger` });
    expect(objects).toHaveLength(1);
  });
});

describe("POST /runs/{id}/replay?from=task", () => {
  it("POST /runs/{id}/replay?from=task of the third of seven runs 3 to 7, and nothing else, with the recorded input of 3", async () => {
    const send = edge(CHAIN);
    const bytes = crypto.getRandomValues(new Uint8Array(3_000));
    const runId = await start(send, "t1");
    await play(runId, { t1: "one", t2: bytes, t3: 3, t4: 4, t5: new NonRetryableError("broken") });
    const response = await send(`/api/v1/runs/${runId}/replay?from=t3`, { method: "POST" });
    expect(response.status).toBe(202);
    const answer = await response.json<{ run_id: RunId; url: string }>();
    expect(answer).toMatchObject({
      task: "t3",
      deduplicated: false,
      replay_of: { run_id: runId, from: "t3" },
      url: expect.stringContaining(answer.run_id),
    });
    expect(answer.run_id).not.toBe(runId);
    const read = await play(answer.run_id, { t3: 30, t4: 40, t5: 50, t6: 60, t7: 70 });
    expect(read).toEqual({ t3: bytes, t4: 30, t5: 40, t6: 50, t7: 60 });
    const document = await (await send(`/api/v1/runs/${answer.run_id}`)).json();
    expect(document).toMatchObject({
      status: "succeeded",
      task: "t3",
      trigger: { source: "replay", by: "api", parent: null, replay_of: { run_id: runId, from: "t3" } },
      tasks: ["t3", "t4", "t5", "t6", "t7"].map((task) => ({ task })),
    });
    const original = await callRun(env, runId, (run) => run.describe());
    expect(original?.tasks.map(({ attempts }) => attempts.length)).toEqual([1, 1, 1, 1, 1, 0, 0]);
  });

  it.each([
    ["JSON, as it was written", "application/json", '{ "a": [1,   2], "a": "ü" }'],
    ["text", "text/plain; charset=utf-8", "line\r\n\uFEFF"],
    ["bytes of a type of their own", "audio/x-own", "\u0000\u0001raw"],
    ["more than is kept inline", "application/octet-stream", "x".repeat(100_000)],
  ])(
    "POST /runs/{id}/replay?from=task copies %s, byte for byte, so that it outlives the run it comes from",
    async (_, contentType, body) => {
      const send = edge(CHAIN);
      const init = { method: "POST", body, headers: { "Content-Type": contentType } };
      const response = await send("/api/v1/tasks/t7/trigger", init);
      const { run_id: runId } = await response.json<{ run_id: RunId }>();
      await play(runId, { t7: null });
      const replayed = await replay(send, runId);
      await env.PAYLOADS.delete((await env.PAYLOADS.list({ prefix: `runs/${runId}/` })).objects.map(({ key }) => key));
      await play(replayed, { t7: null });
      const payload = await send(`/api/v1/runs/${replayed}/payload`);
      expect(payload.headers.get("Content-Type")).toBe(contentType);
      expect(new Uint8Array(await payload.arrayBuffer())).toEqual(new TextEncoder().encode(body));
    },
  );

  it("POST /runs/{id}/replay?from=task copies what a task has passed through R2, for the task that reads it as it was", async () => {
    const send = edge(CHAIN);
    const large = new Uint16Array(60_000).map((_, index) => index);
    const runId = await start(send, "t6");
    await play(runId, { t6: large, t7: null });
    const replayed = await replay(send, runId, "?from=t7");
    expect(await play(replayed, { t7: null })).toEqual({ t7: large });
    const keys = (await env.PAYLOADS.list({ prefix: `runs/${replayed}/` })).objects;
    expect(keys).toHaveLength(1);
  });

  it("POST /runs/{id}/replay?from=task has a join read what was recorded of a task that does not run again", async () => {
    const send = edge(DIAMOND);
    const runId = await start(send, "a");
    await play(runId, { a: 1, left: "L", right: "R", join: null, end: null });
    const replayed = await replay(send, runId, "?from=left");
    const read = await play(replayed, { left: "new L", join: "J", end: null });
    expect(read).toEqual({ left: 1, join: { left: "new L", right: "R" }, end: "J" });
  });

  it("POST /runs/{id}/replay?from=task gives a task that reads from several the same object again, also in a replay of the replay", async () => {
    const send = edge(DIAMOND);
    const runId = await start(send, "a");
    await play(runId, { a: 1, left: "L", right: "R".repeat(50_000), join: null, end: null });
    const expected = { left: "L", right: "R".repeat(50_000) };
    const once = await replay(send, runId, "?from=join");
    expect(await play(once, { join: "J", end: null })).toEqual({ join: expected, end: "J" });
    const twice = await replay(send, once);
    expect(await play(twice, { join: "J2", end: null })).toEqual({ join: expected, end: "J2" });
    const tail = await replay(send, twice, "?from=end");
    expect(await play(tail, { end: null })).toEqual({ end: "J2" });
  });

  it("POST /runs/{id}/replay?from=task has the task read the body instead, if there is one, like a trigger of it", async () => {
    const send = edge(DIAMOND);
    const runId = await start(send, "a");
    await play(runId, { a: 1, left: "L", right: "R", join: null, end: null });
    const init = { body: '{"left":"edited"}', headers: { "Content-Type": "application/json" } };
    const replayed = await replay(send, runId, "?from=join", init);
    expect(await play(replayed, { join: "J", end: null })).toEqual({ join: { left: "edited" }, end: "J" });
  });

  it("POST /runs/{id}/replay?from=task of a task whose limit has a key counts at the key of what it read", async () => {
    const concurrency = { limit: 1, strategy: "queue", key: ["user"] } as const;
    const limits = { concurrency, rateLimit: null, priority: 0 };
    const send = edge(planOf([taskPlan("limited", { method: "scripted", limits })]));
    const runId = await start(send, "limited", new Blob(['{"user":"ann"}'], { type: "application/json" }));
    await play(runId, { limited: 1 });
    const replayed = await replay(send, runId, "?from=limited");
    await new Limit("limited", { key: '"ann"' }).until({ inUse: 1, waiting: 0 });
    expect(await play(replayed, { limited: 2 })).toEqual({ limited: { user: "ann" } });
  });

  it("POST /runs/{id}/replay?from=task has the body replace only what its first task reads: all others read what was recorded", async () => {
    const send = edge(DIAMOND);
    const runId = await start(send, "a");
    await play(runId, { a: 1, left: "L", right: "R".repeat(50_000), join: null, end: null });
    const edited = await replay(send, runId, "?from=left", { body: "edited" });
    expect(await play(edited, { left: "new L", join: "J", end: null })).toEqual({
      left: "edited",
      join: { left: "new L", right: "R".repeat(50_000) },
      end: "J",
    });
    const again = await replay(send, edited, "", { body: "once more" });
    expect(await play(again, { left: "L3", join: "J3", end: null })).toEqual({
      left: "once more",
      join: { left: "L3", right: "R".repeat(50_000) },
      end: "J3",
    });
  });

  it("POST /runs/{id}/replay?from=task has the body start a task that was never reached, beside what was recorded", async () => {
    const send = edge(DIAMOND);
    const runId = await start(send, "a");
    await play(runId, { a: 1, left: new NonRetryableError("broken"), right: "R" });
    const replayed = await replay(send, runId, "?from=left", { body: "mended" });
    const read = await play(replayed, { left: "L", join: "J", end: null });
    expect(read).toEqual({ left: "mended", join: { left: "L", right: "R" }, end: "J" });
  });

  it("POST /runs/{id}/replay?from=task has the body take the place of the array that a task with `each` reads", async () => {
    const send = edge(OVER_ITEMS);
    const runId = await start(send, "a");
    await play(runId, { a: ["x"], right: "R", item: "X", join: null });
    const init = { body: '["y"]', headers: { "Content-Type": "application/json" } };
    const replayed = await replay(send, runId, "?from=item", init);
    expect(await play(replayed, { item: "Y", join: null })).toEqual({ item: "y", join: { item: ["Y"], right: "R" } });
  });

  it("POST /runs/{id}/replay?from=task with a body waits for no window of `debounce`", async () => {
    const debounce = { delayMs: 3_600_000, maxWaitMs: null, key: null };
    const runId = await start(edge(CHAIN), "t7", "first");
    await play(runId, { t7: null });
    const send = edge(planOf([taskPlan("t7", { method: "scripted", debounce })]));
    const replayed = await replay(send, runId, "", { body: "second" });
    expect(await play(replayed, { t7: null })).toEqual({ t7: "second" });
  });

  it("POST /runs/{id}/replay?from=task takes a body without bytes for none", async () => {
    const send = edge(CHAIN);
    const runId = await start(send, "t7", '"recorded"');
    await play(runId, { t7: null });
    const replayed = await replay(send, runId, "", { body: "", headers: { "Content-Length": "0" } });
    expect(await play(replayed, { t7: null })).toEqual({ t7: '"recorded"' });
  });

  it("POST /runs/{id}/replay?from=task is one run for one key; the key is the replayed run's own", async () => {
    const send = edge(CHAIN);
    const init = { headers: { "Idempotency-Key": "k" } };
    const [one, other] = [await start(send, "t7"), await start(send, "t7")];
    for (const runId of [one, other]) await play(runId, { t7: null });
    const first = await replay(send, one, "", init);
    const again = await send(`/api/v1/runs/${one}/replay`, { method: "POST", ...init });
    expect(await again.json()).toMatchObject({ run_id: first, deduplicated: true });
    const second = await replay(send, other, "", init);
    expect(second).not.toBe(first);
    for (const runId of [first, second]) await play(runId, { t7: null });
  });
});

describe("a replay that cannot be", () => {
  it("a replay of no run is 404", async () => {
    for (const id of [`run_${"0".repeat(26)}`, "x"]) {
      const response = await edge(CHAIN)(`/api/v1/runs/${id}/replay`, { method: "POST" });
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ code: "unknown_run" });
    }
  });

  it("a replay from a task that the run does not have, or that is not deployed any more, says which", async () => {
    const send = edge(CHAIN);
    const runId = await start(send, "t6");
    await play(runId, { t6: 6, t7: 7 });
    const other = await send(`/api/v1/runs/${runId}/replay?from=t1`, { method: "POST" });
    expect([other.status, await other.json()]).toMatchObject([404, { code: "unknown_task" }]);
    const later = edge(planOf([taskPlan("t6", { method: "scripted" })]));
    const gone = await later(`/api/v1/runs/${runId}/replay?from=t7`, { method: "POST" });
    expect([gone.status, await gone.json()]).toMatchObject([
      404,
      { code: "unknown_task", detail: expect.stringContaining("not in peach.conf any more") },
    ]);
  });

  it("a replay from a task that was never reached is 409, unless it is given what to read", async () => {
    const send = edge(CHAIN);
    const runId = await start(send, "t5");
    await play(runId, { t5: new NonRetryableError("broken") });
    const refused = await send(`/api/v1/runs/${runId}/replay?from=t7`, { method: "POST" });
    expect([refused.status, await refused.json()]).toMatchObject([409, { code: "not_replayable" }]);
    const given = await replay(send, runId, "?from=t7", { body: "given" });
    expect(await play(given, { t7: null })).toEqual({ t7: "given" });
  });

  it("a replay that cannot be because a recorded payload is gone says so, and starts nothing", async () => {
    const send = edge(CHAIN);
    const runId = await start(send, "t7", "x".repeat(100_000));
    await play(runId, { t7: null });
    await env.PAYLOADS.delete((await env.PAYLOADS.list({ prefix: `runs/${runId}/` })).objects.map(({ key }) => key));
    const response = await send(`/api/v1/runs/${runId}/replay`, { method: "POST" });
    expect([response.status, await response.json()]).toMatchObject([404, { code: "no_payload" }]);
  });

  it("a replay that cannot be because what a later task read is gone says so, also with a body", async () => {
    const send = edge(DIAMOND);
    const runId = await start(send, "a");
    await play(runId, { a: 1, left: "L", right: "R".repeat(50_000), join: null, end: null });
    await env.PAYLOADS.delete((await env.PAYLOADS.list({ prefix: `runs/${runId}/` })).objects.map(({ key }) => key));
    const response = await send(`/api/v1/runs/${runId}/replay?from=left`, { method: "POST", body: "edited" });
    expect([response.status, await response.json()]).toMatchObject([
      404,
      { code: "no_payload", hint: expect.stringContaining("a task before") },
    ]);
  });

  it("a replay that cannot be because what was recorded does not fit what is deployed now is refused, with its places", async () => {
    const send = edge(DIAMOND);
    const runId = await start(send, "a");
    await play(runId, { a: 1, left: "L", right: 2, join: null, end: null });
    const typed = (input: z.ZodType) => ({
      tasks: { scripted: task({ input, output: z.unknown(), run: () => null }) },
    });
    const under = (input: z.ZodType): Send => edge(DIAMOND, { registry: typed(input) });
    const replayed = async (input: z.ZodType, from: string): Promise<unknown> => {
      const response = await under(input)(`/api/v1/runs/${runId}/replay?from=${from}`, { method: "POST" });
      const { code, errors } = await response.json<{ code?: string; errors?: { path: string }[] }>();
      return [response.status, code, errors?.map(({ path }) => path)];
    };
    const pair = z.object({ left: z.string(), right: z.string() });
    expect(await replayed(pair, "join")).toEqual([400, "invalid_payload", ["$.right"]]);
    expect(await replayed(z.string(), "left")).toEqual([400, "invalid_payload", ["$"]]);
    expect(await replayed(z.object({ left: z.string(), right: z.number() }), "join")).toEqual([
      202,
      undefined,
      undefined,
    ]);
  });

  it("a replay that cannot be because an item of a recorded array does not fit is refused, however large the array", async () => {
    const runId = await start(edge(OVER_ITEMS), "a");
    await play(runId, { a: ["x"], right: "R", item: "X", join: null });
    const text = JSON.stringify([...Array.from({ length: 34 }, () => "x".repeat(1_000_000)), "short"]);
    const large = { at: "r2", key: `runs/${runId}/large`, kind: "json", contentType: "application/json" } as const;
    await env.PAYLOADS.put(large.key, text);
    const withLarge: typeof callRun = (bindings, id, call) =>
      callRun(bindings, id, (run) =>
        call(
          new Proxy(run, {
            get: (target, name) =>
              name === "replayInputs"
                ? async (...given: Parameters<RunObject["replayInputs"]>) => {
                    const recorded = await target.replayInputs(...given);
                    const own = recorded?.own ?? null;
                    const inputs = own?.inputs.map((input) => ({ ...input, payload: { ...large, size: text.length } }));
                    return { ...recorded, own: { ...own, inputs } };
                  }
                : Reflect.get(target, name),
          }),
        ),
      );
    const typed = { tasks: { scripted: task({ input: z.string().min(6), output: z.unknown(), run: () => null }) } };
    const send = edge(OVER_ITEMS, { registry: typed, dependencies: { callRun: withLarge } });
    const response = await send(`/api/v1/runs/${runId}/replay?from=item`, { method: "POST" });
    expect(await response.json()).toMatchObject({ code: "invalid_payload", errors: [{ path: "$[34]" }] });
  });

  it("a replay that cannot be because of its body is refused like a trigger", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const send = edge(CHAIN);
    const runId = await start(send, "t7");
    await play(runId, { t7: null });
    const init = { method: "POST", body: "{", headers: { "Content-Type": "application/json" } };
    const response = await send(`/api/v1/runs/${runId}/replay`, init);
    expect([response.status, await response.json()]).toMatchObject([400, { code: "invalid_json" }]);
  });
});
