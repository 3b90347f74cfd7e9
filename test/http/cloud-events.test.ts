import { env } from "../support/env.ts";
import { describe, expect, it } from "vitest";
import type { RunId } from "../../src/domain/ids.ts";
import { currentTask } from "../../src/task-helpers.ts";
import { callRun } from "../../src/objects/run/run-client.ts";
import { attempt } from "../support/attempt.ts";
import { edge } from "../support/edge.ts";
import { planOf, taskPlan } from "../support/plan.ts";
import { nextCall } from "../support/pool/pipelines/scripted.ts";

const PLAN = planOf([
  taskPlan("echo", { on: { events: ["other"] } }),
  taskPlan("told", { method: "scripted", on: { events: ["told"] } }),
]);
const send = edge(PLAN);
const REQUIRED = { specversion: "1.0", type: "org.example.published", source: "/desk/1" };

type Event = Readonly<Record<string, unknown>>;

async function emit(headers: Record<string, string>, body?: string | Uint8Array, name = "other"): Promise<RunId[]> {
  const init = { method: "POST", headers, ...(body !== undefined && { body }) };
  const response = await send(`/api/v1/events/${name}`, init);
  expect([response.status, response.status === 202 ? null : await response.clone().text()]).toEqual([202, null]);
  return (await response.json<{ runs: { run_id: RunId }[] }>()).runs.map(({ run_id }) => run_id);
}

async function refusal(headers: Record<string, string>, body: string): Promise<unknown> {
  const response = await send("/api/v1/events/other", { method: "POST", headers, body });
  const { code, errors } = await response.json<{ code: string; errors?: { path: string }[] }>();
  return [response.status, code, errors?.map(({ path }) => path)];
}

const STRUCTURED = { "Content-Type": "application/cloudevents+json" };
const BATCHED = { "Content-Type": "application/cloudevents-batch+json" };

const structured = (event: Event, name?: string): Promise<RunId[]> => emit(STRUCTURED, JSON.stringify(event), name);
const batched = (events: readonly Event[]): Promise<RunId[]> => emit(BATCHED, JSON.stringify(events));

/** As the specification has it: what a header cannot hold is percent-encoded. */
function binary(event: Event, body: string | undefined, encode = true): Promise<RunId[]> {
  const { datacontenttype, ...attributes } = event;
  const headers = Object.entries(attributes).map(([name, value]): [string, string] => {
    const text = String(value);
    return [`ce-${name}`, encode ? text.replaceAll(/[^\x21\x23\x24\x26-\x7e]/g, encodeURIComponent) : text];
  });
  const type = typeof datacontenttype === "string" ? { "Content-Type": datacontenttype } : {};
  return emit({ ...Object.fromEntries(headers), ...type }, body);
}

describe("one event is one in every mode", () => {
  it.each<[string, string | undefined, unknown, string | undefined]>([
    ["JSON", "application/json", { a: [1, "ü"] }, '{ "a": [1, "\\u00fc"] }'],
    ["a text in JSON", "application/json", "hello", '"hello"'],
    ["JSON of a type of its own", "application/vnd.desk+json", { a: 1 }, '{"a":1}'],
    ["text", "text/plain", "grüß", "grüß"],
    ["XML", "application/xml", "<a/>", "<a/>"],
    ["none", undefined, undefined, undefined],
    ["none, of a type that is JSON", "application/json", undefined, undefined],
  ])("one event is one in every mode whose data are %s", async (_, datacontenttype, data, body) => {
    const event = { ...REQUIRED, id: crypto.randomUUID(), ...(datacontenttype !== undefined && { datacontenttype }) };
    const first = await structured({ ...event, ...(data !== undefined && { data }) });
    expect(first).toHaveLength(1);
    expect(await batched([{ ...event, ...(data !== undefined && { data }) }])).toEqual(first);
    expect(await binary(event, body)).toEqual(first);
  });

  it.each(["/sensors/%C3%A4", "/a%20b", "https://example.org/a?b=c%2Fd", "/desk/100%25"])(
    "one event is one in every mode whose source is %s, encoded for the header or not",
    async (source) => {
      const event = { ...REQUIRED, source, id: crypto.randomUUID() };
      const first = await structured(event);
      expect(await binary(event, undefined)).toEqual(first);
      expect(await binary(event, undefined, false)).toEqual(first);
      const [run] = first;
      if (run === undefined) throw new Error("no run");
      expect(await callRun(env, run, (object) => object.describe())).toMatchObject({ trigger: { event: { source } } });
    },
  );

  it("one event is one in every mode in binary form with a body of several chunks, or of none", async () => {
    const event = { ...REQUIRED, id: crypto.randomUUID() };
    const bodyOf = (...chunks: string[]): ReadableStream =>
      new ReadableStream({
        start(controller) {
          for (const chunk of ["", ...chunks]) controller.enqueue(new TextEncoder().encode(chunk));
          controller.close();
        },
      });
    const headers = {
      "ce-specversion": "1.0",
      "ce-type": "t",
      "ce-source": "/desk/1",
      "Content-Type": "application/json",
    };
    const runsOf = async (id: string, body: ReadableStream): Promise<unknown> => {
      const init = { method: "POST", headers: { ...headers, "ce-id": id }, body };
      return (await (await send("/api/v1/events/other", init)).json<{ runs: { run_id: string }[] }>()).runs[0]?.run_id;
    };
    expect([await runsOf(event.id, bodyOf())]).toEqual(await structured(event));
    const other = { ...REQUIRED, id: crypto.randomUUID(), data: { a: 12 } };
    expect([await runsOf(other.id, bodyOf('{"a":', "12}"))]).toEqual(await structured(other));
  });
});

describe("what a CloudEvent says of itself", () => {
  const SAID = {
    ...REQUIRED,
    subject: "audio/a.mp3",
    time: "2027-01-01T00:00:00.123456Z",
  };

  it("what a CloudEvent says of itself is in the document of its run, and told to its tasks, in replays too", async () => {
    const event = { ...SAID, id: crypto.randomUUID(), data: 1, extension: "x" };
    const [runId] = await structured(event, "told");
    if (runId === undefined) throw new Error("no run");
    const { id, source, type, subject, time } = event;
    const told = { id, source, type, subject, time };
    const document = await (await send(`/api/v1/runs/${runId}`)).json<{ trigger: object }>();
    expect(document.trigger).toMatchObject({ source: "event", by: "told", event: told });
    const call = await nextCall(runId, "told");
    expect(call.task.event).toEqual(told);
    call.succeed(null);
    const replay = await send(`/api/v1/runs/${runId}/replay`, { method: "POST" });
    const { run_id: replayId } = await replay.json<{ run_id: RunId }>();
    const again = await nextCall(replayId, "told");
    expect(again.task.event).toEqual(told);
    again.succeed(null);
  });

  it("what a CloudEvent says of itself is null where it says nothing, and for a run that no CloudEvent has started", async () => {
    const [runId] = await structured({ ...REQUIRED, id: crypto.randomUUID() }, "told");
    if (runId === undefined) throw new Error("no run");
    const call = await nextCall(runId, "told");
    expect(call.task.event).toMatchObject({ subject: null, time: null });
    call.succeed(null);
    const [plain] = await emit({ "Content-Type": "application/json" }, "1", "told");
    if (plain === undefined) throw new Error("no run");
    const other = await nextCall(plain, "told");
    expect(other.task.event).toBeNull();
    other.succeed(null);
    expect(await callRun(env, plain, (object) => object.describe())).not.toHaveProperty("trigger.event");
  });

  it.each([
    ["a source that was not encoded", "source", "/a%20b", "/a%20b"],
    ["a source that was encoded", "source", "/a%2520b", "/a%20b"],
    ["another attribute that was encoded", "subject", "gr%C3%BC%C3%9F%20%22x%22", 'grüß "x"'],
    ["another attribute that was not encoded", "subject", "100%", "100%"],
  ])("what a CloudEvent says of itself in headers is kept decoded: %s", async (_what, attribute, sent, kept) => {
    const attributes = Object.entries({ ...REQUIRED, id: crypto.randomUUID(), [attribute]: sent });
    const [runId] = await emit(Object.fromEntries(attributes.map(([name, value]) => [`ce-${name}`, value])), "x");
    if (runId === undefined) throw new Error("no run");
    const document = await callRun(env, runId, (run) => run.describe());
    expect(document?.trigger.event).toMatchObject({ [attribute]: kept });
  });

  it("what a CloudEvent says of itself is read by the helper, too", async () => {
    const event = { id: "1", source: "/desk/1", type: "t", subject: null, time: null };
    const seen: unknown[] = [];
    await attempt(async () => void seen.push(currentTask().event), { event });
    expect(seen).toEqual([event]);
  });

  it("what a CloudEvent says of itself may be null, which is as if it were not there", async () => {
    const id = crypto.randomUUID();
    const nulls = { datacontenttype: null, data_base64: null, subject: null, time: null, dataschema: null };
    const first = await structured({ ...REQUIRED, id, data: { a: 1 }, ...nulls });
    expect(await structured({ ...REQUIRED, id, data: { a: 1 } })).toEqual(first);
    expect(await refusal(STRUCTURED, JSON.stringify({ ...REQUIRED, id: null }))).toEqual([
      400,
      "invalid_payload",
      ["$.id"],
    ]);
  });

  it("what a CloudEvent says of itself is refused where it is no time, or too long", async () => {
    for (const [wrong, path] of [
      [{ time: "yesterday" }, "$.time"],
      [{ subject: "x".repeat(1_025) }, "$.subject"],
    ] as const)
      expect(await refusal(STRUCTURED, JSON.stringify({ ...REQUIRED, id: "1", ...wrong }))).toEqual([
        400,
        "invalid_payload",
        [path],
      ]);
  });
});

describe("a batch of CloudEvents", () => {
  it("a batch of CloudEvents starts the runs of each, in order; repeated, it finds them", async () => {
    const events = Array.from({ length: 25 }, (_, n) => ({ ...REQUIRED, id: crypto.randomUUID(), data: n }));
    const runs = await batched(events);
    expect(new Set(runs).size).toBe(25);
    const [last] = await structured(events[24] ?? REQUIRED);
    expect(runs[24]).toBe(last);
    expect(await batched(events)).toEqual(runs);
    expect(await batched(events.slice(0, 3))).toEqual(runs.slice(0, 3));
  });

  it("a batch of CloudEvents may be empty", async () => {
    expect(await batched([])).toEqual([]);
  });

  it("a batch of CloudEvents starts nothing if one of them is none: the path says which", async () => {
    const id = crypto.randomUUID();
    const good = { ...REQUIRED, id };
    expect(await refusal(BATCHED, JSON.stringify([good, { ...good, type: "" }]))).toEqual([
      400,
      "invalid_payload",
      ["$[1].type"],
    ]);
    const [run] = await structured(good);
    const document = run === undefined ? null : await callRun(env, run, (object) => object.describe());
    expect(document?.trigger.event?.id).toBe(id);
    expect(await refusal(BATCHED, JSON.stringify(good))).toEqual([400, "invalid_payload", ["$"]]);
    const many = Array.from({ length: 1_001 }, (_, n) => ({ ...good, id: String(n) }));
    expect(await refusal(BATCHED, JSON.stringify(many))).toEqual([400, "invalid_payload", ["$"]]);
  });

  it("a batch of CloudEvents with an Idempotency-Key has a key for each event", async () => {
    const events = [1, 2].map((n) => ({ ...REQUIRED, id: crypto.randomUUID(), data: n }));
    const key = { "Idempotency-Key": crypto.randomUUID() };
    const runs = await emit({ ...BATCHED, ...key }, JSON.stringify(events));
    expect(new Set(runs).size).toBe(2);
    expect(await emit({ ...BATCHED, ...key }, JSON.stringify(events))).toEqual(runs);
  });
});

describe("the handshake of CloudEvents' webhooks", () => {
  const ask = (headers: Record<string, string>): Promise<Response> =>
    edge(PLAN, { withoutToken: true })("/api/v1/events/other", { method: "OPTIONS", headers });

  it("the handshake of CloudEvents' webhooks is answered without a token: the sender may send", async () => {
    const response = await ask({ "WebHook-Request-Origin": "eventgrid.azure.net", "WebHook-Request-Rate": "120" });
    expect([
      response.status,
      response.headers.get("WebHook-Allowed-Origin"),
      response.headers.get("WebHook-Allowed-Rate"),
      response.headers.get("Allow"),
    ]).toEqual([200, "eventgrid.azure.net", "*", "POST"]);
  });

  it("the handshake of CloudEvents' webhooks is none where nobody says who asks, or by another method", async () => {
    expect((await ask({})).headers.has("WebHook-Allowed-Origin")).toBe(false);
    const headers = { "WebHook-Request-Origin": "eventgrid.azure.net" };
    const posted = await edge(PLAN, { withoutToken: true })("/api/v1/events/other", { method: "POST", headers });
    expect(posted.status).toBe(401);
  });
});
