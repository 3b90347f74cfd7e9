import { env } from "../support/env.ts";
import { describe, expect, it } from "vitest";
import type { RunId } from "../../src/domain/ids.ts";
import { objectVersionKey, scheduledRunKey, type TriggerKey } from "../../src/domain/trigger-key.ts";
import { callRun } from "../../src/objects/run/run-client.ts";
import { triggerTaskWithEvent } from "../../src/task-helpers.ts";
import { runIdFor } from "../../src/triggers/run-id.ts";
import { acceptorOf, edge } from "../support/edge.ts";
import { HandDrivenRun } from "../support/hand-driven.ts";
import { endpointPlan, planOf, taskPlan } from "../support/plan.ts";
import { encodePayload } from "../../src/payloads/codec.ts";
import { createExecutionContext } from "cloudflare:test";

const on = { events: ["published"] };
const PLAN = planOf([taskPlan("echo", { on }), taskPlan("index", { method: "echo", on })], {
  endpoints: [endpointPlan("hook")],
});
const send = edge(PLAN, {
  registry: {
    endpoints: {
      hook: async (request: Request) => {
        const key = request.headers.get("Idempotency-Key") ?? "";
        await triggerTaskWithEvent("echo", await request.json(), { idempotencyKey: key });
      },
    },
  },
});

interface Answer {
  readonly status: number;
  readonly code?: string;
  readonly detail?: string;
  readonly run_id?: RunId;
  readonly deduplicated?: boolean;
}

async function post(path: string, body: BodyInit, key: string, type = "application/json"): Promise<Answer> {
  const headers = { "Content-Type": type, "Idempotency-Key": key };
  const response = await send(path, { method: "POST", body, headers });
  return { ...(await response.json<Answer>()), status: response.status };
}

const trigger = (body: BodyInit, key: string, type?: string): Promise<Answer> =>
  post("/api/v1/tasks/echo/trigger", body, key, type);

describe("an Idempotency-Key", () => {
  it("an Idempotency-Key that comes with another payload is refused with 409, and changes nothing", async () => {
    const key = crypto.randomUUID();
    const first = await trigger('{"n":1}', key);
    const other = await trigger('{"n":2}', key);
    expect(other).toMatchObject({ status: 409, code: "idempotency_mismatch" });
    expect(other.detail).toContain(key);
    if (first.run_id === undefined) throw new Error("nothing was started");
    const journal = await new HandDrivenRun(first.run_id).journal();
    expect(journal.filter(({ kind }) => kind === "genesis")).toHaveLength(1);
    expect(await (await send(`/api/v1/runs/${first.run_id}/payload`)).json()).toEqual({ n: 1 });
    expect(await trigger('{"n":1}', key)).toMatchObject({ status: 202, run_id: first.run_id, deduplicated: true });
  });

  it("an Idempotency-Key finds its run for the same JSON, written in another way", async () => {
    const key = crypto.randomUUID();
    const first = await trigger('{"n":1,"t":"é"}', key);
    const again = await trigger('{ "n": 1.0,\n"t": "\\u00e9" }', key, "application/json; charset=utf-8");
    expect(again).toMatchObject({ status: 202, run_id: first.run_id, deduplicated: true });
  });

  it("an Idempotency-Key tells apart payloads of other kinds that have the same bytes", async () => {
    const key = crypto.randomUUID();
    await trigger("1", key);
    expect(await trigger("1", key, "text/plain")).toMatchObject({ status: 409 });
    expect(await trigger("1", key, "application/octet-stream")).toMatchObject({ status: 409 });
  });

  it("an Idempotency-Key holds for a body that is streamed to R2, and the refused one is not kept", async () => {
    const key = crypto.randomUUID();
    const bytes = new Uint8Array(300_000);
    const first = await trigger(bytes, key, "audio/mpeg");
    expect(await trigger(bytes, key, "audio/mpeg")).toMatchObject({ run_id: first.run_id, deduplicated: true });
    bytes[299_999] = 1;
    expect(await trigger(bytes, key, "audio/mpeg")).toMatchObject({ status: 409, code: "idempotency_mismatch" });
  });

  it("an Idempotency-Key of two payloads at once starts a run for one of them, and refuses the other", async () => {
    const key = crypto.randomUUID();
    const answers = await Promise.all(["1", "2", "1", "2", "1", "2"].map((body) => trigger(body, key)));
    expect(new Set(answers.flatMap(({ run_id }) => run_id ?? [])).size).toBe(1);
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(3);
    expect(answers.filter(({ code }) => code === "idempotency_mismatch")).toHaveLength(3);
  });

  it("an Idempotency-Key of an event that comes with another payload is refused for all its listeners", async () => {
    const key = crypto.randomUUID();
    const first = await post("/api/v1/events/published", "1", key);
    expect(await post("/api/v1/events/published", "2", key)).toMatchObject({ code: "idempotency_mismatch" });
    expect(await post("/api/v1/events/published", "1", key)).toEqual(first);
  });

  it("an Idempotency-Key of a replay that comes with another body, or with none, is refused", async () => {
    const { run_id } = await trigger("1", crypto.randomUUID());
    await callRun(env, run_id ?? (await runIdFor(env, "echo", null)), (run) => run.untilFinal(10_000));
    const replay = (body: BodyInit, key: string): Promise<Answer> => post(`/api/v1/runs/${run_id}/replay`, body, key);
    const [withBody, without] = [crypto.randomUUID(), crypto.randomUUID()];
    expect(await replay("2", withBody)).toMatchObject({ status: 202, deduplicated: false });
    expect(await replay("2", withBody)).toMatchObject({ status: 202, deduplicated: true });
    for (const body of ["3", ""]) expect(await replay(body, withBody)).toMatchObject({ code: "idempotency_mismatch" });
    expect(await replay("", without)).toMatchObject({ status: 202, deduplicated: false });
    expect(await replay("", without)).toMatchObject({ status: 202, deduplicated: true });
    expect(await replay("2", without)).toMatchObject({ code: "idempotency_mismatch" });
  });
});

describe("two callers with the same key", () => {
  const digest = async (token: string): Promise<string> =>
    new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token))).toHex();

  it("two callers with the same key start runs of their own, of tasks, events and replays: nobody finds or takes another's key", async () => {
    const tokens = `shop:admin:${await digest("token-of-the-shop")},eve:admin:${await digest("token-of-eve")}`;
    const asCaller = edge(PLAN, { env: { PEACH_API_TOKENS: tokens } });
    const as = (token: string, path: string, key: string, body = '"confidential"'): Promise<Response> =>
      asCaller(`/api/v1${path}`, {
        method: "POST",
        body,
        headers: { Authorization: `Bearer ${token}`, "Idempotency-Key": key, "Content-Type": "application/json" },
      });
    const key = `order-${crypto.randomUUID()}`;
    const started = await as("token-of-the-shop", "/tasks/echo/trigger", key);
    const { run_id: ofShop } = await started.json<{ run_id: RunId }>();
    // Eve's own payload is no mismatch of a key that she cannot know to be there.
    const taken = await (await as("token-of-eve", "/tasks/echo/trigger", key, "1")).json<Answer>();
    expect(taken.run_id).not.toBe(ofShop);
    expect(taken).toMatchObject({ deduplicated: false });
    const again = await as("token-of-the-shop", "/tasks/echo/trigger", key);
    expect(await again.json()).toMatchObject({ run_id: ofShop, deduplicated: true });

    await callRun(env, ofShop, (run) => run.untilFinal(10_000));
    for (const path of ["/events/published", `/runs/${ofShop}/replay`]) {
      const texts = [];
      for (const token of ["token-of-the-shop", "token-of-eve", "token-of-the-shop"])
        texts.push(JSON.stringify(runsIn(await (await as(token, path, key)).json())));
      expect(texts[1], path).not.toBe(texts[0]);
      expect(texts[2], path).toBe(texts[0]);
    }
    const found = await asCaller(`/api/v1/runs?task=echo&idempotency_key=${key}`, {
      headers: { Authorization: "Bearer token-of-eve" },
    });
    expect(await found.json()).toMatchObject({ runs: [{ run_id: taken.run_id }] });
    const document = await callRun(env, ofShop, (run) => run.describe());
    expect(document?.trigger.actor).toEqual({ kind: "token", name: "shop" });
  });

  function runsIn(answer: unknown): string[] {
    return JSON.stringify(answer).match(/run_[0-9a-z]{26}/g) ?? [];
  }
});

describe("kinds of keys", () => {
  async function accepted(key: TriggerKey): Promise<RunId> {
    const payload = encodePayload("Peach's own");
    if (!payload.ok) throw new Error(payload.problem.detail);
    const origin = { source: "schedule", by: "test", parent: null } as const;
    const trigger = { task: "echo", payload: payload.value, idempotencyKey: key, origin };
    const answer = await acceptorOf(PLAN)(env, createExecutionContext(), trigger);
    if (!answer.ok) throw new Error(answer.problem.detail);
    expect(answer.value.deduplicated).toBe(false);
    return answer.value.runId;
  }

  it("kinds of keys never meet: no caller names the run of a due time or of an object version", async () => {
    const due = new Date(Date.now() + 86_400_000).toISOString();
    const version = objectVersionKey({
      bucket: "b",
      key: crypto.randomUUID(),
      action: "create",
      etag: "e",
      identity: due,
    });
    for (const [key, old] of [
      [scheduledRunKey(due, null), `schedule:${due}`],
      [version, `r2:${version.name}`],
    ] as const) {
      const taken = [];
      for (const sent of [old, key.name, `${key.kind}:${key.name}`, `${key.kind}:4:echo:${key.name}`])
        taken.push((await trigger("1", sent)).run_id, await viaHook(sent));
      expect(taken).not.toContain(await accepted(key));
    }
  });

  it("kinds of keys of the API and of an endpoint's author are apart: each starts its own run", async () => {
    const key = crypto.randomUUID();
    const byApi = await trigger("1", key);
    expect(await viaHook(key)).not.toBe(byApi.run_id);
    const found = await (await send(`/api/v1/runs?task=echo&idempotency_key=${key}`)).json<{ runs: unknown[] }>();
    expect(found.runs).toMatchObject([{ run_id: byApi.run_id }]);
  });

  async function viaHook(key: string): Promise<RunId | undefined> {
    const response = await send("/hook", { method: "POST", body: "1", headers: { "Idempotency-Key": key } });
    return (await response.json<{ runs: { run_id: RunId }[] }>()).runs[0]?.run_id;
  }
});
