import { env } from "../support/env.ts";
import { describe, expect, it } from "vitest";
import { local as absent } from "../../src/http/local/absent.ts";
import { local as present } from "../../src/http/local/present.ts";
import { callRun } from "../../src/objects/run/run-client.ts";
import type { RunId } from "../../src/domain/ids.ts";
import { createExecutionContext, createMessageBatch } from "cloudflare:test";
import { consumeR2Events } from "../../src/triggers/r2-events.ts";
import type { R2Notification } from "../../src/triggers/r2-notification.ts";
import { pieces } from "../payloads/streams.ts";
import { acceptorOf, edge } from "../support/edge.ts";
import { planOf, r2Rule, taskPlan } from "../support/plan.ts";

const PLAN = planOf([
  taskPlan("echo", { on: { r2: [r2Rule({ prefix: "audio/" })] } }),
  taskPlan("gone", { method: "echo", on: { r2: [r2Rule({ actions: ["delete"] })] } }),
]);

interface Stored {
  readonly bucket: string;
  readonly key: string;
  readonly size: number;
  readonly etag: string;
  readonly event: R2Notification;
  readonly will_trigger: { readonly run_id: RunId; readonly task: string }[];
}

/** The local edge; what it sends to the queue of R2 events is kept here instead. */
function local(): { send: ReturnType<typeof edge>; sent: unknown[] } {
  const sent: unknown[] = [];
  const queue = new Proxy(env.R2_EVENT_QUEUE, {
    get: (target, name) =>
      name === "send" ? async (body: unknown) => void sent.push(body) : Reflect.get(target, name),
  });
  return { send: edge(PLAN, { dependencies: { local: present }, env: { R2_EVENT_QUEUE: queue } }), sent };
}

async function text(key: string): Promise<string | undefined> {
  return (await env.UPLOADS.get(key))?.text();
}

describe("PUT /dev/r2/{bucket}/{key}", () => {
  it("PUT /dev/r2/{bucket}/{key} takes keys as long as R2 does, and stores nothing under a longer one", async () => {
    const { send, sent } = local();
    const put = (key: string): Promise<Response> => send(`/dev/r2/uploads/${key}`, { method: "PUT", body: "x" });
    const response = await put("%C3%BC".repeat(513));
    expect([response.status, await response.json(), sent]).toMatchObject([400, { code: "invalid_request" }, []]);
    expect((await put("%C3%BC".repeat(512))).status).toBe(201);
  });

  it("PUT /dev/r2/{bucket}/{key} sends the message as often as is asked for, since R2 may deliver it more than once", async () => {
    const { send, sent } = local();
    const put = (query: string): Promise<Response> =>
      send(`/dev/r2/uploads/audio/often.mp3${query}`, { method: "PUT", body: "x" });
    expect((await put("?deliveries=2")).status).toBe(201);
    expect(sent).toHaveLength(2);
    expect(sent[1]).toEqual(sent[0]);
    for (const query of ["?deliveries=0", "?deliveries=11", "?deliveries=1.5", "?deliveries=x"]) {
      const response = await put(query);
      expect([query, response.status, await response.json()]).toMatchObject([query, 400, { code: "invalid_request" }]);
    }
    expect(sent).toHaveLength(2);
  });

  it("PUT /dev/r2/{bucket}/{key} stores the object, sends R2's message, and names the runs that will follow", async () => {
    const { send, sent } = local();
    const headers = { "Content-Length": "3", "Content-Type": "audio/mpeg", Authorization: "none" };
    const response = await send("/dev/r2/uploads/audio/a.mp3", { method: "PUT", body: "abc", headers });
    expect(response.status).toBe(201);
    const answer = await response.json<Stored>();
    const object = await env.UPLOADS.head("audio/a.mp3");
    expect(object).toMatchObject({ size: 3, etag: answer.etag, httpMetadata: { contentType: "audio/mpeg" } });
    expect(answer).toEqual({
      bucket: "uploads",
      key: "audio/a.mp3",
      size: 3,
      etag: "900150983cd24fb0d6963f7d28e17f72",
      event: {
        account: "local",
        action: "PutObject",
        bucket: "uploads",
        object: { key: "audio/a.mp3", size: 3, eTag: "900150983cd24fb0d6963f7d28e17f72" },
        eventTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      },
      will_trigger: [{ run_id: expect.stringMatching(/^run_/), task: "echo" }],
    });
    expect(sent).toEqual([answer.event]);
  });

  it("PUT /dev/r2/{bucket}/{key} names the very runs that the consumer starts from its message", async () => {
    const { send, sent } = local();
    const response = await send("/dev/r2/uploads/audio/b.mp3", { method: "PUT", body: "abc" });
    const { will_trigger } = await response.json<Stored>();
    const messages = [{ id: "0", timestamp: new Date(), attempts: 1, body: sent[0] }];
    const batch = createMessageBatch("peach-r2-events", messages);
    await consumeR2Events({ plan: PLAN, acceptTrigger: acceptorOf(PLAN) }, batch, env, createExecutionContext());
    expect(will_trigger).toHaveLength(1);
    for (const { run_id } of will_trigger) {
      expect(await callRun(env, run_id, (run) => run.describe())).toMatchObject({ task: "echo" });
    }
  });

  it("PUT /dev/r2/{bucket}/{key} makes a new version with each put, of the same bytes at the same time", async () => {
    const { send, sent } = local();
    const puts = Array.from({ length: 10 }, () => send("/dev/r2/uploads/audio/c.mp3", { method: "PUT", body: "x" }));
    const answers = await Promise.all((await Promise.all(puts)).map((response) => response.json<Stored>()));
    expect(new Set(answers.map(({ will_trigger }) => will_trigger[0]?.run_id)).size).toBe(10);
    expect(sent).toHaveLength(10);
  });

  it("PUT /dev/r2/{bucket}/{key} names the version that it has stored, and not one that replaced it meanwhile", async () => {
    const { send, sent } = local();
    const put = (body: string) => send("/dev/r2/uploads/audio/d.mp3", { method: "PUT", body });
    const answers = await Promise.all(["", "a", "bb", "ccc"].map(async (body) => (await put(body)).json<Stored>()));
    expect(answers.map(({ size }) => size)).toEqual([0, 1, 2, 3]);
    expect(new Set(answers.map(({ etag }) => etag)).size).toBe(4);
    expect(answers.map(({ event }) => event.object.size)).toEqual([0, 1, 2, 3]);
    expect(sent).toEqual(expect.arrayContaining(answers.map(({ event }) => event)));
  });

  it.each([
    ["a%20b/%C3%BC%2Fc%3F.mp3", "a b/ü/c?.mp3"],
    ["a/../b", "b"],
    ["a//b", "a//b"],
  ])("PUT /dev/r2/{bucket}/{key} decodes its key: %s", async (path, key) => {
    const { send } = local();
    const response = await send(`/dev/r2/uploads/${path}`, { method: "PUT", body: key });
    expect(await response.json()).toMatchObject({ key });
    expect(await text(key)).toBe(key);
  });

  it("PUT /dev/r2/{bucket}/{key} takes an empty body, and one without a declared length", async () => {
    const { send } = local();
    expect(await (await send("/dev/r2/uploads/empty", { method: "PUT" })).json()).toMatchObject({ size: 0 });
    const body = pieces(Uint8Array.of(97, 98), Uint8Array.of(99)).stream;
    const response = await send("/dev/r2/uploads/chunked", { method: "PUT", body });
    expect(await response.json()).toMatchObject({ size: 3, event: { action: "PutObject" } });
    expect(await text("chunked")).toBe("abc");
    expect((await env.UPLOADS.head("chunked"))?.httpMetadata?.contentType).toBe("application/octet-stream");
  });

  it("PUT /dev/r2/{bucket}/{key} sends a long body without a declared length up in parts, as R2 would say", async () => {
    const { send } = local();
    const piece = new Uint8Array(1024 * 1024).fill(7);
    const body = pieces(...Array.from({ length: 10 }, () => piece.slice())).stream;
    const key = `large-${crypto.randomUUID()}`;
    const headers = { "Content-Type": "audio/mpeg" };
    const response = await send(`/dev/r2/uploads/${key}`, { method: "PUT", body, headers });
    const size = 10 * 1024 * 1024;
    expect(await response.json()).toMatchObject({
      size,
      event: { action: "CompleteMultipartUpload", object: { size } },
    });
    expect(await env.UPLOADS.head(key)).toMatchObject({ size, httpMetadata: { contentType: "audio/mpeg" } });
  });

  it("PUT /dev/r2/{bucket}/{key} names the known buckets where there is none of this name", async () => {
    const { send, sent } = local();
    for (const method of ["PUT", "DELETE"]) {
      const response = await send("/dev/r2/upload/audio/a.mp3", { method });
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({
        code: "unknown_bucket",
        hint: expect.stringMatching(/"uploads".*The bound ones are uploads\.$/),
      });
    }
    expect(sent).toEqual([]);
  });

  it("PUT /dev/r2/{bucket}/{key} never reaches the bucket with payloads", async () => {
    const { send, sent } = local();
    await env.PAYLOADS.put("runs/run_x/0/1-1", "confidential");
    for (const init of [{ method: "PUT", body: "forged" }, { method: "DELETE" }]) {
      const response = await send("/dev/r2/peach-payloads/runs/run_x/0/1-1", init);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({
        code: "unknown_bucket",
        detail: expect.stringContaining("payloads"),
      });
    }
    expect(await (await env.PAYLOADS.get("runs/run_x/0/1-1"))?.text()).toBe("confidential");
    expect(sent).toEqual([]);
  });

  it.each(["", "0", "1"])(
    "PUT /dev/r2/{bucket}/{key} does not exist in a deployed bundle, also where PEACH_LOCAL is %j",
    async (value) => {
      const send = edge(PLAN, { dependencies: { local: absent }, env: { PEACH_LOCAL: value } });
      const response = await send("/dev/r2/uploads/secret", { method: "PUT", body: "x" });
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ code: "not_found" });
      expect(await text("secret")).toBeUndefined();
    },
  );
});

describe("DELETE /dev/r2/{bucket}/{key}", () => {
  it("DELETE /dev/r2/{bucket}/{key} deletes the object and sends R2's message, which has no size and no etag", async () => {
    const { send, sent } = local();
    await env.UPLOADS.put("audio/old.mp3", "x");
    const response = await send("/dev/r2/uploads/audio/old.mp3", { method: "DELETE" });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ key: "audio/old.mp3", will_trigger: [{ task: "gone" }] });
    expect(sent).toEqual([
      {
        account: "local",
        action: "DeleteObject",
        bucket: "uploads",
        object: { key: "audio/old.mp3" },
        eventTime: expect.any(String),
      },
    ]);
    expect(await env.UPLOADS.head("audio/old.mp3")).toBeNull();
  });

  it("DELETE /dev/r2/{bucket}/{key} sends nothing for an object that is not there", async () => {
    const { send, sent } = local();
    expect((await send("/dev/r2/uploads/nothing", { method: "DELETE" })).status).toBe(404);
    expect(sent).toEqual([]);
  });
});
