import { env } from "../../support/env.ts";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { RunId } from "../../../src/domain/ids.ts";
import { openPayload } from "../../../src/payloads/payload-store.ts";
import { callRun } from "../../../src/objects/run/run-client.ts";
import { edge } from "../../support/edge.ts";
import { planOf, taskPlan } from "../../support/plan.ts";

const on = { events: ["audio.published", "other"] };
const PLAN = planOf([
  taskPlan("echo", { on }),
  taskPlan("idle"),
  taskPlan("index", { method: "echo", on: { events: ["audio.published"] } }),
]);
const send = edge(PLAN);
const CLOUD_EVENT = { specversion: "1.0", type: "org.example.published", source: "/desk/1", id: "a-1" };

interface Run {
  readonly run_id: RunId;
  readonly task: string;
}

function emit(event: string, init: RequestInit = {}, through = send): Promise<Response> {
  return through(`/api/v1/events/${event}`, { method: "POST", ...init });
}

async function runsOf(answer: Promise<Response>): Promise<Run[]> {
  const response = await answer;
  expect(response.status).toBe(202);
  return (await response.json<{ runs: Run[] }>()).runs;
}

function emitStructured(event: object, name = "other"): Promise<Response> {
  const headers = { "Content-Type": "application/cloudevents+json; charset=utf-8" };
  return emit(name, { headers, body: JSON.stringify(event) });
}

/** What the first run was triggered with. */
async function payloadOf(runs: readonly Run[]): Promise<unknown> {
  const [first] = runs;
  const stored = first === undefined ? undefined : await callRun(env, first.run_id, (run) => run.payload(null));
  if (!stored) throw new Error("there is no payload");
  return openPayload(env.PAYLOADS, stored, () => Promise.reject(new Error("not held")));
}

async function problemOf(answer: Promise<Response>) {
  const response = await answer;
  return response.json<{ status: number; code: string; errors: { path: string; message: string }[] }>();
}

describe("POST /events/{name}", () => {
  it("POST /events/{name} starts a run of each task that listens, in the order of peach.conf, with the body as its payload", async () => {
    const headers = { "Content-Type": "application/json" };
    const runs = await runsOf(emit("audio.published", { headers, body: '{"a": [1]}' }));
    expect(runs.map(({ task }) => task)).toEqual(["echo", "index"]);
    for (const run of runs) {
      expect(await payloadOf([run])).toEqual({ a: [1] });
      expect(await callRun(env, run.run_id, (object) => object.describe())).toMatchObject({
        task: run.task,
        trigger: { source: "event", by: "audio.published", parent: null },
      });
    }
  });

  it("POST /events/{name} answers 202 with no runs where nobody listens", async () => {
    expect(await runsOf(emit("nobody.listens", { body: "x".repeat(300_000) }))).toEqual([]);
  });

  it("POST /events/{name} gives every listener the whole of a body that is streamed", async () => {
    const bytes = new Uint8Array(700_000).map((_, index) => index % 251);
    const body = new Blob([bytes]).stream();
    const headers = { "Content-Type": "application/octet-stream" };
    const runs = await runsOf(emit("audio.published", { headers, body }));
    expect(runs).toHaveLength(2);
    for (const run of runs) expect(await payloadOf([run])).toEqual(bytes);
  });

  it("POST /events/{name} finds the same runs by the same key, for the same event", async () => {
    const headers = { "Idempotency-Key": crypto.randomUUID() };
    const first = await runsOf(emit("audio.published", { headers }));
    expect(await runsOf(emit("audio.published", { headers }))).toEqual(first);
    const [other] = await runsOf(emit("other", { headers }));
    expect(other?.run_id).not.toBe(first[0]?.run_id);
    const [fresh] = await runsOf(emit("other"));
    expect(fresh?.run_id).not.toBe(other?.run_id);
  });

  it("POST /events/{name} starts nothing if one of the listeners must refuse the payload, and says what is wrong", async () => {
    const input = z.object({ user: z.string() });
    const strict = { kind: "peach.task", input, output: null, run: () => null } as const;
    const plan = planOf([taskPlan("echo", { on }), taskPlan("strict", { on })]);
    const picky = edge(plan, { registry: { tasks: { strict } } });
    const headers = { "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() };
    const refused = await problemOf(emit("other", { headers, body: '{"user": 5}' }, picky));
    expect(refused).toMatchObject({ status: 400, code: "invalid_payload", errors: [{ path: "$.user" }] });
    // With the same key, so that a run that was there already would be found.
    const runs = await runsOf(emit("other", { headers, body: '{"user": "u"}' }, picky));
    expect(await payloadOf(runs)).toEqual({ user: "u" });
  });

  it("POST /events/{name} says who has its run where another task has one of another payload by the same key", async () => {
    const headers = { "Idempotency-Key": crypto.randomUUID() };
    const late = taskPlan("late", { method: "echo", on });
    await runsOf(emit("other", { headers, body: "first" }, edge(planOf([late]))));
    const both = edge(planOf([taskPlan("echo", { on }), late]));
    expect(await problemOf(emit("other", { headers, body: "second" }, both))).toMatchObject({
      code: "idempotency_mismatch",
      detail: expect.stringMatching(/ The event "other" has its run of echo \(run_\w+\) all the same\.$/),
    });
  });

  it.each(["a%20b", "a:b", "a%2Fb", "x".repeat(129), "%C3%BC"])(
    "POST /events/{name} refuses the name %s",
    async (name) => {
      expect(await problemOf(emit(name))).toMatchObject({ status: 400, code: "invalid_request" });
    },
  );

  it("POST /events/{name} refuses a key that is none", async () => {
    const headers = { "Idempotency-Key": "x".repeat(256) };
    expect(await problemOf(emit("other", { headers }))).toMatchObject({ status: 400, code: "invalid_request" });
  });

  it("POST /events/{name} is for tokens that may trigger", async () => {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode("t"))).toHex();
    for (const [scope, status] of [
      ["read", 403],
      ["trigger", 202],
      ["admin", 202],
    ]) {
      const through = edge(PLAN, { env: { PEACH_API_TOKENS: `desk:${scope}:${digest}` } });
      expect((await emit("other", { headers: { Authorization: "Bearer t" } }, through)).status).toBe(status);
    }
  });
});

describe("a CloudEvent in structured form", () => {
  it.each<[string, object, unknown]>([
    ["JSON", { data: { a: 1 } }, { a: 1 }],
    ["null", { data: null }, null],
    ["nothing", {}, null],
    ["a text", { data: "grüß", datacontenttype: "text/plain" }, "grüß"],
    ["bytes", { data_base64: "AQL/", datacontenttype: "audio/mpeg" }, Uint8Array.of(1, 2, 255)],
    ["bytes without a type that are JSON", { data_base64: btoa('{"b":2}') }, { b: 2 }],
  ])("a CloudEvent in structured form has as payload its data: %s", async (_, data, payload) => {
    const event = { ...CLOUD_EVENT, id: crypto.randomUUID(), ...data };
    expect(await payloadOf(await runsOf(emitStructured(event)))).toEqual(payload);
  });

  it("a CloudEvent in structured form is the same event where source and id are the same, and only there", async () => {
    const id = crypto.randomUUID();
    const [first] = await runsOf(emitStructured({ ...CLOUD_EVENT, id, data: 1 }));
    const [again] = await runsOf(emitStructured({ ...CLOUD_EVENT, id, data: 1, time: "2026-01-01T00:00:00Z" }));
    const [elsewhere] = await runsOf(emitStructured({ ...CLOUD_EVENT, id, source: "/desk/2", data: 1 }));
    expect(again?.run_id).toBe(first?.run_id);
    expect(elsewhere?.run_id).not.toBe(first?.run_id);
  });

  it("a CloudEvent in structured form gives way to an Idempotency-Key, which its sender chose for this request", async () => {
    const event = { ...CLOUD_EVENT, id: crypto.randomUUID() };
    const headers = { "Content-Type": "application/cloudevents+json", "Idempotency-Key": crypto.randomUUID() };
    const [keyed] = await runsOf(emit("other", { headers, body: JSON.stringify(event) }));
    const [plain] = await runsOf(emitStructured(event));
    expect(keyed?.run_id).not.toBe(plain?.run_id);
  });

  it.each<[string, unknown, string[]]>([
    ["no id and an empty source", { specversion: "1.0", type: "t", source: "" }, ["$.id", "$.source"]],
    ["another version", { ...CLOUD_EVENT, specversion: "0.3" }, ["$.specversion"]],
    ["two kinds of data", { ...CLOUD_EVENT, data: 1, data_base64: "AQ==" }, ["$.data_base64"]],
    ["data that are no base64", { ...CLOUD_EVENT, data_base64: "%" }, ["$.data_base64"]],
    ["a list", [CLOUD_EVENT], ["$"]],
  ])("a CloudEvent in structured form is refused with %s, naming the path", async (_, event, paths) => {
    const headers = { "Content-Type": "application/cloudevents+json" };
    const problem = await problemOf(emit("other", { headers, body: JSON.stringify(event) }));
    expect(problem).toMatchObject({ status: 400, code: "invalid_payload" });
    expect(problem.errors.map(({ path }) => path)).toEqual(paths);
  });

  it.each([
    ["application/cloudevents+json", "{", "invalid_json"],
    ["application/cloudevents-batch+avro", "x", "invalid_request"],
    ["application/cloudevents+avro", "x", "invalid_request"],
  ])("a CloudEvent in structured form is refused as %s with the body %s", async (type, body, code) => {
    expect(await problemOf(emit("other", { headers: { "Content-Type": type }, body }))).toMatchObject({
      status: 400,
      code,
    });
  });
});

describe("a CloudEvent in binary form", () => {
  const binary = { "ce-specversion": "1.0", "ce-type": "t", "ce-source": "/desk/1" };

  it("a CloudEvent in binary form has its body as payload, of the type it comes with", async () => {
    const id = crypto.randomUUID();
    const headers = { ...binary, "ce-id": id, "Content-Type": "application/json" };
    const runs = await runsOf(emit("other", { headers, body: '{"a":1}' }));
    expect(await payloadOf(runs)).toEqual({ a: 1 });
    // It is the event that it is, in either form.
    expect(await runsOf(emitStructured({ ...CLOUD_EVENT, id, data: { a: 1 } }))).toEqual(runs);
  });

  it("a CloudEvent in binary form has attributes that are percent-encoded", async () => {
    const id = `ü ${crypto.randomUUID()}`;
    const runs = await runsOf(emit("other", { headers: { ...binary, "ce-id": encodeURIComponent(id) } }));
    expect(await runsOf(emitStructured({ ...CLOUD_EVENT, id }))).toEqual(runs);
  });

  it("a CloudEvent in binary form is refused where an attribute is missing, naming the header", async () => {
    const problem = await problemOf(emit("other", { headers: { "ce-id": "1", "ce-specversion": "2" } }));
    expect(problem).toMatchObject({ status: 400, code: "invalid_payload" });
    expect(problem.errors.map(({ path }) => path)).toEqual(["ce-specversion", "ce-source", "ce-type"]);
  });
});

describe("what a CloudEvent says of its data", () => {
  it.each(["a/b\r\nX-Evil: 1", "text/plain; charset=ü", "nonsense"])(
    "what a CloudEvent says of its data is refused unless it is a media type: %j",
    async (datacontenttype) => {
      for (const data of [{ data: 1 }, { data_base64: "AQ==" }, {}]) {
        expect(await problemOf(emitStructured({ ...CLOUD_EVENT, datacontenttype, ...data }))).toMatchObject({
          status: 400,
          code: "invalid_payload",
          errors: [{ path: "$.datacontenttype" }],
        });
      }
    },
  );

  it("what a CloudEvent says of its data is the content type of its payload, and is answered as that", async () => {
    const event = { ...CLOUD_EVENT, id: "typed", datacontenttype: "audio/mpeg;codecs=mp3", data_base64: "AQ==" };
    const [run] = await runsOf(emitStructured(event));
    const payload = await send(`/api/v1/runs/${run?.run_id}/payload`);
    expect([payload.status, payload.headers.get("Content-Type")]).toEqual([200, "audio/mpeg;codecs=mp3"]);
  });
});

it("a content type that is none is refused wherever a payload comes in", async () => {
  for (const type of ["nonsense", "a/b, c/d", ";;;"]) {
    const headers = { "Content-Type": type };
    const answer = await send("/api/v1/tasks/idle/trigger", { method: "POST", headers, body: "1" });
    expect([answer.status, (await answer.json<{ code: string }>()).code]).toEqual([400, "invalid_request"]);
  }
});
