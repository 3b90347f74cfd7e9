import { createHmac } from "node:crypto";
import { deflateSync, gzipSync } from "node:zlib";
import { describe, expect, it, vi } from "vitest";
import type { EndpointAuth } from "../../src/domain/plan/endpoint-auth.ts";
import type { EndpointPlan } from "../../src/domain/plan/plan.ts";
import { z } from "zod";
import type { EndpointFunction, TypedTask } from "../../src/execution/author/method.ts";
import { pieces } from "../payloads/streams.ts";
import { ADMIN_TOKEN, edge } from "../support/edge.ts";
import { endpointPlan, planOf, taskPlan } from "../support/plan.ts";

const MEBIBYTE = 1024 * 1024;
/** 10 KB that come to 10 MB. */
const BOMB = gzipSync(new Uint8Array(10 * MEBIBYTE));
const SECRET = "a secret of the sender";

const read: EndpointFunction = async (request) => ({
  text: await request.text(),
  encoding: request.headers.get("Content-Encoding"),
});

function serve(endpoint: Partial<EndpointPlan> = {}, method = read) {
  const called = vi.fn(method);
  const plan = planOf([taskPlan("echo")], { endpoints: [endpointPlan("hook", endpoint)] });
  const send = edge(plan, { registry: { endpoints: { hook: called } }, env: { HOOK_SECRET: SECRET } });
  return { called, send };
}

async function outcomeOf(response: Response): Promise<string> {
  const { code } = await response.json<{ code?: string }>();
  return `${response.status}${code === undefined ? "" : ` ${code}`}`;
}

function post(body: Uint8Array | string | ReadableStream, headers: Record<string, string> = {}): RequestInit {
  return { method: "POST", body, headers };
}

describe("a body that was compressed on its way", () => {
  const text = "Pfirsich, 桃, 🍑".repeat(10);

  it.each([
    ["gzip", gzipSync(text)],
    ["GZIP", gzipSync(text)],
    ["x-gzip", gzipSync(text)],
    ["deflate", deflateSync(text)],
    ["identity", new TextEncoder().encode(text)],
  ])("a body that was compressed on its way is read as it was before, by an endpoint: %s", async (encoding, body) => {
    for (const sent of [body, pieces(body.subarray(0, 20), body.subarray(20)).stream]) {
      const { send } = serve();
      const answer = await send("/hook", post(sent, { "Content-Encoding": encoding }));
      expect(await answer.json()).toEqual({ text, encoding: null });
    }
  });

  it("a body that was compressed on its way is read by a trigger, an event and a replay", async () => {
    const { send } = serve();
    const headers = { "Content-Type": "application/json", "Content-Encoding": "gzip" };
    const triggered = await send("/api/v1/tasks/echo/trigger", post(gzipSync('{"a":1}'), headers));
    const { run_id } = await triggered.json<{ run_id: string }>();
    expect(await (await send(`/api/v1/runs/${run_id}/payload`)).json()).toEqual({ a: 1 });
    const replayed = await send(`/api/v1/runs/${run_id}/replay`, post(gzipSync('{"a":2}'), headers));
    const replay = await replayed.json<{ run_id: string }>();
    expect(await (await send(`/api/v1/runs/${replay.run_id}/payload`)).json()).toEqual({ a: 2 });
    expect((await send("/api/v1/events/nobody", post(gzipSync("1"), headers))).status).toBe(202);
  });

  it.each(["br", "zstd", "compress", "gzip, gzip", "nonsense"])(
    "a body that was compressed on its way is refused as %s, unread",
    async (encoding) => {
      const { called, send } = serve();
      for (const path of ["/hook", "/api/v1/tasks/echo/trigger", "/api/v1/events/any", "/dashboard/login"]) {
        const body = pieces(Uint8Array.of(1));
        const own = { "Sec-Fetch-Site": "same-origin", "X-Peach-Dashboard": "1" };
        const answer = await send(path, post(body.stream, { ...own, "Content-Encoding": encoding }));
        expect([path, await outcomeOf(answer), body.given()]).toEqual([path, "415 unsupported_encoding", 0]);
      }
      expect(called).not.toHaveBeenCalled();
    },
  );

  it("a body that was compressed on its way is refused where it is not what it says, or has no end", async () => {
    const whole = gzipSync("1");
    for (const body of ["plain", whole.subarray(0, whole.length - 4), deflateSync("1")]) {
      const { send } = serve();
      const headers = { "Content-Type": "application/json", "Content-Encoding": "gzip" };
      expect(await outcomeOf(await send("/hook", post(body, headers)))).toBe("400 invalid_request");
      const triggered = await send("/api/v1/tasks/echo/trigger", post(body, headers));
      expect(await outcomeOf(triggered)).toBe("400 invalid_request");
    }
  });

  it("a body that was compressed on its way counts by what it comes to: of a bomb, no more is decoded than the limit", async () => {
    let seen = 0;
    const { send } = serve({ maxBodyBytes: 100_000 }, async (request) => {
      for await (const chunk of request.body ?? []) seen += chunk.byteLength;
      return "read";
    });
    const answer = await send("/hook", post(BOMB, { "Content-Encoding": "gzip" }));
    expect(await outcomeOf(answer)).toBe("413 payload_too_large");
    expect(seen).toBeLessThanOrEqual(100_000);
  });

  it("a body that was compressed on its way is verified by its signature as it was sent", async () => {
    const auth: EndpointAuth = {
      type: "signature",
      scheme: "hmac-sha256",
      secret: "HOOK_SECRET",
      header: "x-signature",
    };
    const { send } = serve({ auth, maxBodyBytes: 100_000 });
    const signed = (body: Uint8Array): RequestInit =>
      post(body, {
        "Content-Encoding": "gzip",
        "X-Signature": createHmac("sha256", SECRET).update(body).digest("hex"),
      });
    expect(await (await send("/hook", signed(gzipSync(text)))).json()).toEqual({ text, encoding: null });
    expect(await outcomeOf(await send("/hook", signed(BOMB)))).toBe("413 payload_too_large");
  });
});

describe("the json() of a request", () => {
  it.each([
    ["{", "400 invalid_json"],
    ["", "400 invalid_json"],
    ["[".repeat(20_000), "400 invalid_payload"],
    [`[${"0,".repeat(1_000_000)}0]`, "413 payload_too_large"],
  ])(
    "the json() of a request of %.10j is the sender's to correct, unless the endpoint does so itself",
    async (body, outcome) => {
      const large = { maxBodyBytes: 10_000_000 };
      const { send } = serve(large, (request) => request.json());
      expect(await outcomeOf(await send("/hook", post(body)))).toBe(outcome);
      const careful = serve(large, (request) => request.json().catch(() => Response.json({}, { status: 422 })));
      expect(await outcomeOf(await careful.send("/hook", post(body)))).toBe("422");
    },
  );

  it("the json() of a request is what was sent", async () => {
    const { send } = serve({}, async (request) => ({ read: await request.json() }));
    expect(await (await send("/hook", post('{"a":[1]}'))).json()).toEqual({ read: { a: [1] } });
  });
});

describe("a signed endpoint", () => {
  it.each([
    ["no signature", {}, "401 signature_missing"],
    ["a signature that is none", { "X-Signature": "no" }, "401 signature_mismatch"],
    ["an encoding that is not understood", { "Content-Encoding": "br" }, "415 unsupported_encoding"],
    ["a length beyond max_body", { "Content-Length": "11000000" }, "413 payload_too_large"],
  ] as const)("a signed endpoint refuses a delivery with %s before its body is read", async (_, headers, outcome) => {
    const auth: EndpointAuth = {
      type: "signature",
      scheme: "hmac-sha256",
      secret: "HOOK_SECRET",
      header: "x-signature",
    };
    const body = pieces(...Array.from({ length: 300 }, () => new Uint8Array(40_000)));
    expect(await outcomeOf(await serve({ auth }).send("/hook", post(body.stream, headers)))).toBe(outcome);
    // What the inspector keeps of a refused delivery: 64 KB, with the chunk that goes beyond.
    expect(body.given()).toBeLessThanOrEqual(outcome.startsWith("401") ? 2 : 0);
  });

  it("a signed endpoint refuses one that is too old before its body is read", async () => {
    const auth: EndpointAuth = { type: "signature", scheme: "stripe", secret: "HOOK_SECRET", toleranceMs: 300_000 };
    const body = pieces(...Array.from({ length: 300 }, () => new Uint8Array(40_000)));
    const headers = { "Stripe-Signature": `t=1000000000,v1=${"0".repeat(64)}` };
    expect(await outcomeOf(await serve({ auth }).send("/hook", post(body.stream, headers)))).toBe(
      "401 signature_stale",
    );
    expect(body.given()).toBeLessThanOrEqual(2);
  });
});

describe("a log-in", () => {
  const own = { "Sec-Fetch-Site": "same-origin", "X-Peach-Dashboard": "1" };
  const credentials = JSON.stringify({ token: ADMIN_TOKEN });

  it("a log-in is refused unread if it is declared too large, and no further than the limit if it is not", async () => {
    const { send } = serve();
    const declared = pieces(Uint8Array.of(1));
    const answer = await send("/dashboard/login", post(declared.stream, { ...own, "Content-Length": "5000" }));
    expect([await outcomeOf(answer), declared.given()]).toEqual(["413 payload_too_large", 0]);
    const chunked = pieces(...Array.from({ length: 100 }, () => new Uint8Array(1_024)));
    expect(await outcomeOf(await send("/dashboard/login", post(chunked.stream, own)))).toBe("413 payload_too_large");
    expect(chunked.given()).toBeLessThan(7);
    expect((await send("/dashboard/login", post(`${credentials}${" ".repeat(4_000)}`, own))).status).toBe(200);
  });

  it.each([
    ["too large", " ".repeat(5_000)],
    ["no log-in", "{}"],
    ["no JSON", "{"],
    ["of a wrong token", '{"token":"wrong"}'],
  ])("a log-in counts as a failure of its address if its body is %s", async (_, body) => {
    const limit = vi.fn(async () => ({ success: false }));
    const plan = planOf([taskPlan("echo")]);
    const send = edge(plan, { withoutToken: true, env: { AUTH_FAILURES: { limit } } });
    const headers = { ...own, "CF-Connecting-IP": crypto.randomUUID() };
    expect(await outcomeOf(await send("/dashboard/login", post(body, headers)))).toBe("429 rate_limited");
    expect(limit).toHaveBeenCalledOnce();
    expect(await outcomeOf(await send("/dashboard/login", post(body, headers)))).toBe("429 rate_limited");
    expect(limit).toHaveBeenCalledOnce();
  });
});

describe("a refusal", () => {
  const long = "\u0000".repeat(10_000);

  it.each<[string, unknown]>([
    ["names", Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`${at}${long}`, 1]))],
    ["items", Array.from({ length: 1_000_000 }, () => 0)],
    [
      "names that are not known",
      { known: Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`k${at}`, 1])) },
    ],
  ])("a refusal is at most 64 KB long, and names at most 20 places: wrong %s", async (_, payload) => {
    const known = z.union([z.record(z.string(), z.string()), z.strictObject({ known: z.strictObject({}) })]);
    const typed = (input: z.ZodType): TypedTask => ({ kind: "peach.task", input, output: null, run: () => null });
    for (const input of [z.record(z.string(), z.string()), z.array(z.string()), z.strictObject({ known }), known]) {
      const send = edge(planOf([taskPlan("echo")]), { registry: { tasks: { echo: typed(input) } } });
      const body = JSON.stringify(payload);
      const answer = await send("/api/v1/tasks/echo/trigger", post(body, { "Content-Type": "application/json" }));
      const text = await answer.text();
      expect(answer.status).toBe(400);
      expect(new TextEncoder().encode(text).byteLength).toBeLessThan(64_000);
      expect(JSON.parse(text).errors.length).toBeLessThanOrEqual(20);
    }
  });

  it("a refusal of a path as long as the platform takes is as short", async () => {
    const answer = await serve().send(`/${"%00".repeat(20_000)}`);
    expect(answer.status).toBe(404);
    expect((await answer.text()).length).toBeLessThan(64_000);
  });
});
