import { createHmac } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { KEPT_BODY_BYTES } from "../../../src/domain/delivery.ts";
import type { callDeliveries } from "../../../src/objects/deliveries/deliveries-client.ts";
import { KEPT_AT_ONCE } from "../../../src/http/endpoints/delivery-log.ts";
import { triggerTaskWithEvent } from "../../../src/task-helpers.ts";
import type { EndpointFunction } from "../../../src/execution/author/method.ts";
import { pieces } from "../../payloads/streams.ts";
import { ADMIN_TOKEN, edge, type Send } from "../../support/edge.ts";
import {
  type Delivered,
  delivered,
  endpointPerTest,
  name,
  onlyOne,
  post,
  serve,
  triggers,
} from "../../support/inspector.ts";
import { endpointPlan, planOf } from "../../support/plan.ts";
import { PROVIDERS } from "../../support/signed.ts";

endpointPerTest();

describe("GET /endpoints/{name}/deliveries", () => {
  it("GET /endpoints/{name}/deliveries shows what came in and what became of it", async () => {
    const send = serve(triggers, { url: `/hooks/:kind/:token` });
    const before = Date.now();
    const response = await send("/hooks/audio/s3cret?kind=a%20b&key=1234", {
      ...post("whole", { "Content-Type": "text/plain", "X-Request-Id": "abc-1" }),
    });
    const { runs } = await response.json<{ runs: { run_id: string }[] }>();
    const one = await onlyOne(send);
    expect(one).toEqual({
      id: expect.stringMatching(/^dlv_[0-9a-z]{26}$/),
      at: expect.stringMatching(/Z$/),
      duration_ms: expect.any(Number),
      request_id: response.headers.get("X-Request-Id"),
      method: "POST",
      url: "http://localhost/hooks/audio/[redacted]?kind=a+b&key=%5Bredacted%5D",
      headers: { authorization: "[redacted]", "content-type": "text/plain", "x-request-id": "abc-1" },
      body: { size: 5, truncated: false, text: "whole" },
      status: 202,
      reason: null,
      sender_id: null,
      runs: [{ run_id: runs[0]?.run_id, task: "echo", deduplicated: false }],
      replay_of: null,
      refused: null,
    });
    expect(Date.parse(one.at)).toBeGreaterThanOrEqual(before);
  });

  it("GET /endpoints/{name}/deliveries has the newest first, page by page", async () => {
    const send = serve((request) => request.text());
    for (const body of ["1", "2", "3", "4", "5"]) await send(`/${name}`, post(body));
    expect((await delivered(send, 5)).map(({ body }) => body.text)).toEqual(["5", "4", "3", "2", "1"]);
    const texts: unknown[] = [];
    let cursor: string | null = "";
    do {
      const query: string = cursor === "" ? "" : `&cursor=${cursor}`;
      const page: { deliveries: Delivered[]; next_cursor: string | null } = await (
        await send(`/api/v1/endpoints/${name}/deliveries?limit=2${query}`)
      ).json();
      texts.push(page.deliveries.map(({ body }) => body.text));
      cursor = page.next_cursor;
    } while (cursor !== null);
    expect(texts).toEqual([["5", "4"], ["3", "2"], ["1"]]);
  });

  it.each(["limit=0", "limit=101", "limit=x", "limit=-1", "cursor=x", "cursor=", "cursor=-1"])(
    "GET /endpoints/{name}/deliveries refuses ?%s",
    async (query) => {
      const response = await serve(triggers)(`/api/v1/endpoints/${name}/deliveries?${query}`);
      expect([response.status, await response.json()]).toEqual([
        400,
        expect.objectContaining({ code: "invalid_request", detail: expect.stringContaining(query.slice(0, 5)) }),
      ]);
    },
  );

  it("GET /endpoints/{name}/deliveries is 404 for an endpoint that is not there, naming the nearest", async () => {
    const response = await serve(triggers)(`/api/v1/endpoints/${name}x/deliveries`);
    expect([response.status, await response.json()]).toEqual([
      404,
      expect.objectContaining({ code: "unknown_endpoint", hint: `Did you mean "${name}"?` }),
    ]);
  });

  it("GET /endpoints/{name}/deliveries is for tokens that may read, sending again for those that may change", async () => {
    const digest = async (text: string): Promise<string> =>
      new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).toHex();
    const scopes = await Promise.all(
      ["read", "trigger", "admin"].map(async (one) => `${one}:${one}:${await digest(one)}`),
    );
    const send = serve(triggers, {}, { env: { PEACH_API_TOKENS: scopes.join() } });
    const statuses = async (method: string, path: string): Promise<number[]> =>
      Promise.all(
        ["read", "trigger", "admin", "none"].map(
          async (token) => (await send(path, { method, headers: { Authorization: `Bearer ${token}` } })).status,
        ),
      );
    expect(await statuses("GET", `/api/v1/endpoints/${name}/deliveries`)).toEqual([200, 403, 200, 401]);
    expect(await statuses("POST", `/api/v1/endpoints/${name}/deliveries/dlv_x/replay`)).toEqual([403, 403, 404, 401]);
  });
});

describe("what is kept of a body", () => {
  const reads: EndpointFunction = async (request) => ({ bytes: (await request.arrayBuffer()).byteLength });
  const large = { maxBodyBytes: 1_000_000 };
  const declared = (size: number): RequestInit => post("x".repeat(size), { "Content-Length": String(size) });

  it("all of 64 KB, declared or not, and the endpoint gets it whole", async () => {
    const send = serve(reads, large);
    const chunk = new Uint8Array(KEPT_BODY_BYTES / 2).fill(120);
    expect(await (await send(`/${name}`, declared(KEPT_BODY_BYTES))).json()).toEqual({ bytes: KEPT_BODY_BYTES });
    expect(await (await send(`/${name}`, post(pieces(chunk, chunk).stream))).json()).toEqual({
      bytes: KEPT_BODY_BYTES,
    });
    for (const { body } of await delivered(send, 2)) {
      expect(body).toEqual({ size: KEPT_BODY_BYTES, truncated: false, text: "x".repeat(KEPT_BODY_BYTES) });
    }
  });

  it("the beginning of a chunked body that is too large is kept, and nothing of a declared one", async () => {
    const send = serve(reads, large);
    const size = KEPT_BODY_BYTES + 1;
    const whole = new Uint8Array(size).fill(120);
    await send(`/${name}`, declared(size));
    expect(await (await send(`/${name}`, post(pieces(whole).stream))).json()).toEqual({ bytes: size });
    const [chunked, long] = await delivered(send, 2);
    expect(long?.body).toEqual({ size, truncated: true, text: "" });
    expect(chunked?.body).toEqual({ size, truncated: true, text: "x".repeat(KEPT_BODY_BYTES) });
  });

  it("the beginning of one that was verified, whatever its size", async () => {
    const { auth, secret, sign } = PROVIDERS["hmac-sha256"];
    const { headers, body } = sign(secret, { text: "y".repeat(KEPT_BODY_BYTES) }, { id: "", at: 0 });
    const send = serve(reads, { auth, ...large }, { env: { HOOK_SECRET: secret } });
    const headersWithLength = { ...headers, "Content-Length": String(body.length) };
    expect((await send(`/${name}`, post(body, headersWithLength))).status).toBe(200);
    expect((await onlyOne(send)).body).toEqual({
      size: body.length,
      truncated: true,
      text: body.slice(0, KEPT_BODY_BYTES),
    });
  });

  it("a chunked body is kept as far as the endpoint has read it", async () => {
    const send = serve(() => "unread", large);
    await send(`/${name}`, post(pieces(new Uint8Array(5), new Uint8Array(5)).stream));
    expect((await onlyOne(send)).body).toMatchObject({ size: null, truncated: true });
  });

  it("a body of text is kept as text, also cut off in the middle of a character, and other bytes in base64", async () => {
    const { auth, secret } = PROVIDERS["hmac-sha256"];
    const send = serve(reads, { auth, ...large }, { env: { HOOK_SECRET: secret } });
    const half = `${"x".repeat(KEPT_BODY_BYTES - 1)}ü`;
    for (const sent of [half, "\uFEFFü", Uint8Array.of(255, 0, 1)]) {
      const signature = createHmac("sha256", secret).update(sent).digest("hex");
      expect((await send(`/${name}`, post(sent, { "x-signature": signature }))).status).toBe(200);
    }
    const [bytes, text, cut] = await delivered(send, 3);
    expect(bytes?.body).toEqual({ size: 3, truncated: false, base64: "/wAB" });
    expect(text?.body).toEqual({ size: 5, truncated: false, text: "\uFEFFü" });
    expect(cut?.body).toEqual({ size: KEPT_BODY_BYTES + 1, truncated: true, text: "x".repeat(KEPT_BODY_BYTES - 1) });
  });
});

describe("what is no delivery", () => {
  it("what is no delivery is a GET that was let in, triggered nothing and did not fail; everything else is one", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const send = serve(async (request) => {
      const { search } = new URL(request.url);
      if (search === "?fail") throw new Error("x");
      if (search === "?trigger") await triggerTaskWithEvent("echo", 1);
      return search === "?missing" ? new Response(null, { status: 404 }) : "served";
    });
    for (const method of ["GET", "HEAD", "OPTIONS"]) await send(`/${name}`, { method });
    await send(`/${name}?missing`);
    await send(`/${name}?fail`);
    await send(`/${name}?trigger`);
    await send(`/${name}?last`, { method: "DELETE" });
    const all = await delivered(send, 3);
    expect(all.map(({ url, status }) => [new URL(url).search, status])).toEqual([
      ["?last", 200],
      ["?trigger", 200],
      ["?fail", 500],
    ]);
    expect(all[2]?.reason).toBe("endpoint_failed");
  });
});

describe("the record", () => {
  it("the record is not on the way of the answer, and fails none", async () => {
    const warned = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const { promise, reject } = Promise.withResolvers<never>();
    const send = serve(() => "answered", {}, { dependencies: { callDeliveries: () => promise } });
    const response = await send(`/${name}`, post("x"));
    expect([response.status, await response.json()]).toEqual([200, "answered"]);
    reject(new Error("the object is not there"));
    await vi.waitFor(
      () =>
        expect(warned.mock.calls.flat().join()).toMatch(
          new RegExp(`delivery not kept.*${response.headers.get("X-Request-Id")}.*not there`),
        ),
      10_000,
    );
  });

  it("the record is a sample of a flood: a hundred, then two a second, each endpoint for itself", async () => {
    const recorded: string[] = [];
    const count: typeof callDeliveries = async (_env, endpoint) => {
      recorded.push(endpoint);
      return Promise.reject(new Error("only counted"));
    };
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const endpoints = ["a", "b"].map((one) => endpointPlan(one, { method: "hook" }));
    const send = edge(planOf([], { endpoints }), {
      registry: { endpoints: { hook: () => 1 } },
      dependencies: { callDeliveries: count },
    });
    vi.setSystemTime(0);
    for (let index = 0; index < KEPT_AT_ONCE + 50; index += 1) await send("/a", post("x"));
    await send("/b", post("x"));
    expect(recorded).toEqual([...Array.from({ length: KEPT_AT_ONCE }, () => "a"), "b"]);
    vi.setSystemTime(1_000);
    for (let index = 0; index < 10; index += 1) await send("/a", post("x"));
    expect(recorded).toHaveLength(KEPT_AT_ONCE + 1 + 2);
  });
});

describe("POST /endpoints/{name}/deliveries/{id}/replay", () => {
  interface Replayed {
    readonly id: string;
    readonly replay_of: string;
    readonly status: number;
    readonly reason: string | null;
    readonly runs: { run_id: string; task: string; deduplicated: boolean }[];
  }

  const replay = async (send: Send, id: string): Promise<{ status: number; answer: Replayed & { code?: string } }> => {
    const response = await send(`/api/v1/endpoints/${name}/deliveries/${id}/replay`, { method: "POST" });
    return { status: response.status, answer: await response.json() };
  };

  it("POST /endpoints/{name}/deliveries/{id}/replay sends the request again as it came, but for its secrets, and is kept as a replay", async () => {
    const seen: unknown[] = [];
    const send = serve(
      async (request, { params }) => {
        const headers = Object.fromEntries(request.headers);
        seen.push({ method: request.method, url: request.url, headers, params, body: await request.text() });
        await triggerTaskWithEvent("echo", 1);
      },
      { url: "/hooks/:kind" },
    );
    await send("/hooks/a%20b?x=1", { ...post("whole", { "Content-Type": "text/plain", "X-Hub": "1" }), method: "PUT" });
    const first = await onlyOne(send);
    const { status, answer } = await replay(send, first.id);
    expect(status).toBe(202);
    expect(seen).toHaveLength(2);
    const sent = { method: "PUT", url: "http://localhost/hooks/a%20b?x=1", params: { kind: "a b" }, body: "whole" };
    expect(seen).toEqual([
      { ...sent, headers: { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "text/plain", "x-hub": "1" } },
      { ...sent, headers: { "content-type": "text/plain", "x-hub": "1" } },
    ]);
    const [second] = await delivered(send, 2);
    expect(second).toMatchObject({
      id: answer.id,
      replay_of: first.id,
      url: first.url,
      method: "PUT",
      body: first.body,
    });
    expect(answer).toEqual({ id: second?.id, replay_of: first.id, status: 202, reason: null, runs: second?.runs });
  });

  it("POST /endpoints/{name}/deliveries/{id}/replay starts new runs, of the source replay, though the delivery has an id", async () => {
    const { auth, secret, sign } = PROVIDERS["standard-webhooks"];
    const send = serve(triggers, { auth }, { env: { HOOK_SECRET: secret } });
    const signed = sign(secret, { a: 1 }, { id: crypto.randomUUID(), at: Date.now() });
    await send(`/${name}`, { method: "POST", headers: signed.headers, body: signed.body });
    const first = await onlyOne(send);
    const { answer } = await replay(send, first.id);
    const [run] = answer.runs;
    expect(run).toMatchObject({ task: "echo", deduplicated: false });
    expect(run?.run_id).not.toBe(first.runs[0]?.run_id);
    const document = await (await send(`/api/v1/runs/${run?.run_id}`)).json();
    expect(document).toMatchObject({ trigger: { source: "replay", by: name } });
    const [second] = await delivered(send, 2);
    expect(second).toMatchObject({ sender_id: first.sender_id, replay_of: first.id });
    const again = await replay(send, first.id);
    expect(again.answer.runs[0]?.run_id).not.toBe(run?.run_id);
  });

  it("POST /endpoints/{name}/deliveries/{id}/replay lets one in that had been refused, as when the secret was missing, and one of a replay", async () => {
    const { auth } = PROVIDERS.slack;
    const send = serve(triggers, { auth });
    await send(`/${name}`, post("{}"));
    const first = await onlyOne(send);
    expect(first).toMatchObject({ status: 401, reason: "signature_not_configured" });
    const { answer } = await replay(send, first.id);
    expect(answer).toMatchObject({ status: 202, runs: [{ task: "echo" }] });
    await delivered(send, 2);
    expect((await replay(send, answer.id)).answer).toMatchObject({ replay_of: answer.id, status: 202 });
  });

  it("POST /endpoints/{name}/deliveries/{id}/replay sends bytes as they were, and no body where there was none", async () => {
    const bodies: (number[] | null)[] = [];
    const send = serve(async (request) => {
      bodies.push(request.body === null ? null : [...new Uint8Array(await request.arrayBuffer())]);
      await triggerTaskWithEvent("echo", 1);
    });
    await send(`/${name}`, post(Uint8Array.of(255, 0, 128)));
    await send(`/${name}`);
    for (const { id } of (await delivered(send, 2)).toReversed()) await replay(send, id);
    expect(bodies).toEqual([[255, 0, 128], null, [255, 0, 128], null]);
  });

  it("POST /endpoints/{name}/deliveries/{id}/replay says that the endpoint failed again", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const send = serve(async (request) => {
      throw new Error(await request.text());
    });
    await send(`/${name}`, post("x"));
    const { status, answer } = await replay(send, (await onlyOne(send)).id);
    expect([status, answer]).toEqual([
      202,
      expect.objectContaining({ status: 500, reason: "endpoint_failed", runs: [] }),
    ]);
  });

  it("POST /endpoints/{name}/deliveries/{id}/replay is refused for a body that was not kept whole: the endpoint is not called", async () => {
    const called = vi.fn<EndpointFunction>(() => "x");
    const send = serve(called, { maxBodyBytes: 1_000_000 });
    const size = KEPT_BODY_BYTES + 1;
    await send(`/${name}`, post("x".repeat(size), { "Content-Length": String(size) }));
    const { status, answer } = await replay(send, (await onlyOne(send)).id);
    expect([status, answer.code]).toEqual([409, "delivery_not_whole"]);
    expect(called).toHaveBeenCalledTimes(1);
  });

  it("POST /endpoints/{name}/deliveries/{id}/replay is 404 for a delivery that is not kept, by any endpoint or by this one", async () => {
    const send = serve(triggers);
    for (const id of ["dlv_", "x", `dlv_${"0".repeat(26)}`]) {
      const { status, answer } = await replay(send, id);
      expect([status, answer.code]).toEqual([404, "unknown_delivery"]);
    }
  });
});
