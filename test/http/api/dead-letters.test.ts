import { createExecutionContext, createMessageBatch } from "cloudflare:test";
import { env } from "../../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import type { TypedTask } from "../../../src/execution/author/method.ts";
import { consumeDeadLetters } from "../../../src/triggers/dead-letter.ts";
import { consumeR2Events } from "../../../src/triggers/r2-events.ts";
import { consumeRunMessages } from "../../../src/triggers/run-consumer.ts";
import { clearDeadLetters } from "../../support/dead-letters.ts";
import { acceptorOf, edge } from "../../support/edge.ts";
import { newRunId } from "../../support/hand-driven.ts";
import { planOf, r2Rule, taskPlan } from "../../support/plan.ts";

const PLAN = planOf([taskPlan("transcribe", { method: "echo", on: { r2: [r2Rule()] } })]);
const STRICT: TypedTask = { kind: "peach.task", input: z.object({ user: z.string() }), output: null, run: () => null };
const strict = { tasks: { echo: STRICT }, endpoints: {} };
const send = edge(PLAN);

interface Listed {
  dead_letters: {
    id: string;
    queue: string;
    reason: string;
    detail: string;
    body: unknown;
    attempts: number;
    expires_at: string;
  }[];
  next_cursor: string | null;
}

beforeEach(async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  await clearDeadLetters();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

function notification(key = `audio/${crypto.randomUUID()}.mp3`): object {
  return {
    account: "a",
    action: "PutObject",
    bucket: "uploads",
    object: { key, size: 3, eTag: "e" },
    eventTime: "2026-05-24T19:36:44.379Z",
  };
}

function batchOf(queue: string, body: unknown): MessageBatch {
  return createMessageBatch(queue, [{ id: crypto.randomUUID(), timestamp: new Date(), attempts: 1, body }]);
}

const POISON = {
  "peach-runs": (body: unknown) => consumeRunMessages(PLAN, async () => undefined, batchOf("peach-runs", body), env),
  "peach-r2-events": (body: unknown, registry?: typeof strict) =>
    consumeR2Events(
      { plan: PLAN, acceptTrigger: acceptorOf(PLAN, registry) },
      batchOf("peach-r2-events", body),
      env,
      createExecutionContext(),
    ),
  "peach-dead-letters": (body: unknown) => consumeDeadLetters(PLAN, batchOf("peach-dead-letters", body), env),
} as const;

async function list(query = ""): Promise<Listed> {
  return (await send(`/api/v1/dead-letters${query}`)).json();
}

function redrive(id: string, sender = send): Promise<Response> {
  return sender(`/api/v1/dead-letters/${id}/redrive`, { method: "POST" });
}

describe("a poison message", () => {
  it.each([
    ["peach-runs", { run_id: 7 }, "peach-runs", "not_understood"],
    ["peach-r2-events", { hello: "world" }, "peach-r2-events", "not_understood"],
    ["peach-dead-letters", "garbage", "an unknown queue", "given_up"],
    ["peach-dead-letters", { run_id: newRunId() }, "peach-runs", "given_up"],
    ["peach-dead-letters", notification("k"), "peach-r2-events", "given_up"],
  ] as const)("a poison message of %s, %j, is listed with its reason and body", async (queue, body, origin, reason) => {
    await POISON[queue](body);
    const { dead_letters: letters, next_cursor } = await list();
    expect(letters).toMatchObject([{ queue: origin, reason, body, detail: expect.stringMatching(/./) }]);
    expect(next_cursor).toBeNull();
  });

  it("a poison message that nobody understands stays one when it is redriven, with one attempt more", async () => {
    await POISON["peach-runs"]({ run_id: 7 });
    const [letter] = (await list()).dead_letters;
    const response = await redrive(letter?.id ?? "");
    expect(response.status).toBe(409);
    expect(await response.json()).toMatchObject({ code: "redrive_failed", detail: expect.stringContaining("run_id") });
    expect((await list()).dead_letters).toMatchObject([{ id: letter?.id, attempts: 2 }]);
  });
});

describe("a poison message that a queue delivers", () => {
  it.each(["RUN_QUEUE", "R2_EVENT_QUEUE", "DEAD_LETTER_QUEUE"] as const)(
    "a poison message that a queue delivers by %s is listed",
    async (queue) => {
      const poison = crypto.randomUUID();
      await env[queue].send({ poison }, { contentType: "json" });
      await vi.waitFor(
        async () => expect((await list("?limit=200")).dead_letters.map(({ body }) => body)).toContainEqual({ poison }),
        { timeout: 20_000 },
      );
    },
  );
});

describe("the list", () => {
  it("the list goes on page by page, newest first", async () => {
    for (let index = 0; index < 5; index += 1) await POISON["peach-runs"]({ index });
    const seen: unknown[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const page: Listed = await list(`?limit=2${cursor === "" ? "" : `&cursor=${cursor}`}`);
      seen.push(...page.dead_letters.map(({ body }) => body));
      cursor = page.next_cursor;
    }
    expect(seen).toEqual([4, 3, 2, 1, 0].map((index) => ({ index })));
  });
});

describe("a redrive", () => {
  it("a redrive of a notification triggers its tasks, tells their runs, and removes the letter", async () => {
    await POISON["peach-dead-letters"](notification());
    const [letter] = (await list()).dead_letters;
    const response = await redrive(letter?.id ?? "");
    expect(response.status).toBe(202);
    const { runs } = await response.json<{ runs: { run_id: string; task: string }[] }>();
    expect(runs).toEqual([{ run_id: expect.stringMatching(/^run_/), task: "transcribe" }]);
    expect((await send(`/api/v1/runs/${runs[0]?.run_id ?? ""}`)).status).toBe(200);
    expect((await list()).dead_letters).toEqual([]);
    expect((await redrive(letter?.id ?? "")).status).toBe(404);
  });

  it("a redrive of what a task refuses fails again, and succeeds when the task takes it", async () => {
    await POISON["peach-r2-events"](notification(), strict);
    const [letter] = (await list()).dead_letters;
    expect(letter).toMatchObject({ reason: "refused", detail: expect.stringContaining("$.user") });
    const again = await redrive(letter?.id ?? "", edge(PLAN, { registry: strict }));
    expect(again.status).toBe(409);
    expect((await list()).dead_letters).toMatchObject([{ id: letter?.id, reason: "refused", attempts: 2 }]);
    expect((await redrive(letter?.id ?? "")).status).toBe(202);
    expect((await list()).dead_letters).toEqual([]);
  });

  it("a redrive that fails again is kept for as long as one that is new", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    await POISON["peach-runs"]({ run_id: 7 });
    const expiry = async (): Promise<number> => Date.parse((await list()).dead_letters[0]?.expires_at ?? "");
    const before = await expiry();
    vi.setSystemTime(Date.now() + 60_000);
    const [letter] = (await list()).dead_letters;
    expect((await redrive(letter?.id ?? "")).status).toBe(409);
    expect(await expiry()).toBe(before + 60_000);
  });

  it("a redrive of a run message has the run looked at, and of a run that is gone fails", async () => {
    const trigger = await send("/api/v1/tasks/transcribe/trigger", { method: "POST" });
    const { run_id } = await trigger.json<{ run_id: string }>();
    await POISON["peach-dead-letters"]({ run_id });
    const sent = vi.spyOn(env.RUN_QUEUE, "send");
    const [letter] = (await list()).dead_letters;
    const response = await redrive(letter?.id ?? "");
    expect(await response.json()).toEqual({
      id: letter?.id,
      redriven: true,
      runs: [{ run_id, task: "transcribe" }],
    });
    expect(sent).toHaveBeenCalledExactlyOnceWith({ run_id }, { contentType: "json" });

    await POISON["peach-dead-letters"]({ run_id: newRunId() });
    const [other] = (await list()).dead_letters;
    expect((await redrive(other?.id ?? "")).status).toBe(409);
  });

  it("a redrive that the surroundings keep from its end leaves the letter", async () => {
    await POISON["peach-dead-letters"](notification());
    const [letter] = (await list()).dead_letters;
    const overloaded = edge(PLAN, {
      dependencies: {
        acceptTrigger: async () => ({ ok: false, problem: { code: "overloaded", detail: "", hint: "" } }),
      },
    });
    expect((await redrive(letter?.id ?? "", overloaded)).status).toBe(429);
    expect((await list()).dead_letters).toMatchObject([{ id: letter?.id, attempts: 1 }]);
  });
});

describe("DELETE /dead-letters/{id}", () => {
  it("DELETE /dead-letters/{id} deletes it, once", async () => {
    await POISON["peach-runs"]("x");
    const [letter] = (await list()).dead_letters;
    const remove = () => send(`/api/v1/dead-letters/${letter?.id ?? ""}`, { method: "DELETE" });
    expect((await remove()).status).toBe(204);
    expect((await list()).dead_letters).toEqual([]);
    expect((await remove()).status).toBe(404);
    expect((await send("/api/v1/dead-letters/x", { method: "DELETE" })).status).toBe(404);
  });
});
