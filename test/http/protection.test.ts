import { createHash } from "node:crypto";
import { createExecutionContext } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { local as present } from "../../src/http/local/present.ts";
import { ADMIN_TOKEN, edge, edgeApp, type EdgeOptions } from "../support/edge.ts";
import { planOf, taskPlan } from "../support/plan.ts";

const PLAN = planOf([taskPlan("echo")]);
const RUN = `run_${"0".repeat(26)}`;
const ORIGIN = "https://desk.example.org";

afterEach(() => {
  vi.restoreAllMocks();
});

const READER_DIGEST = createHash("sha256").update("t").digest("hex");
const READER = { env: { PEACH_API_TOKENS: `desk:read:${READER_DIGEST}` } };
const AS_READER = { Authorization: "Bearer t" };
const CANCEL = `/api/v1/runs/${RUN}/cancel`;

const auditPage = z.object({
  entries: z.array(z.looseObject({ who: z.string(), what: z.string(), status: z.int(), count: z.int() })),
  next_cursor: z.string().nullable(),
});

/** The entries since this time that the API lists, newest first. */
async function entriesSince(since: string, query = "", options: EdgeOptions = {}) {
  // Kept after the answer.
  const read = async () =>
    auditPage.parse(await (await edge(PLAN, options)(`/api/v1/audit?since=${since}${query}`)).json());
  return (await read()).entries;
}

describe("the audit", () => {
  let since = "";
  let logged: string[] = [];

  beforeEach(() => {
    logged = [];
    vi.spyOn(console, "info").mockImplementation((text: string) => void logged.push(text));
    vi.setSystemTime(Date.now() + 60_000);
    since = new Date().toISOString();
  });
  afterEach(() => vi.useRealTimers());

  it("the audit has an entry for a change: who, what, about what, from where, with which result; ours is the id, theirs stands beside it", async () => {
    const headers = { "CF-Connecting-IP": "192.0.2.7", "X-Request-Id": "req-1" };
    const answer = await edge(PLAN)(CANCEL, { method: "POST", headers });
    const entry = {
      at: expect.stringMatching(/^\d{4}-.*Z$/),
      last_at: expect.stringMatching(/^\d{4}-.*Z$/),
      who: "api",
      what: "cancelRun",
      on: RUN,
      status: 404,
      from: "192.0.2.7",
      request_id: answer.headers.get("X-Request-Id"),
      client_request_id: "req-1",
      count: 1,
    };
    expect(entry.request_id).toMatch(/^[\w-]{36}$/);
    await vi.waitFor(async () => expect(await entriesSince(since)).toEqual([entry]), 10_000);
    const page = await edge(PLAN)(`/api/v1/audit?since=${since}`);
    expect(await page.json()).toMatchObject({ next_cursor: null });
    expect(logged.map((text) => JSON.parse(text))).toContainEqual({
      message: "audit",
      ...(await entriesSince(since))[0],
    });
  });

  it("the audit has one where it is not allowed, and where it breaks", async () => {
    await edge(PLAN, READER)(CANCEL, { method: "POST", headers: AS_READER });
    await vi.waitFor(
      async () => expect(await entriesSince(since)).toMatchObject([{ who: "desk", what: "cancelRun", status: 403 }]),
      10_000,
    );
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const dependencies = { callRun: () => Promise.reject(new TypeError("a bug")) };
    await edge(PLAN, { dependencies })(CANCEL, { method: "POST" });
    await vi.waitFor(
      async () => expect(await entriesSince(since, "&who=api")).toMatchObject([{ status: 500 }]),
      10_000,
    );
  });

  it("the audit counts like triggers, each with who, and their refusals apart", async () => {
    const send = edge(PLAN, READER);
    for (const body of ["1", "2", "3"]) await send("/api/v1/tasks/echo/trigger", { method: "POST", body });
    await send("/api/v1/tasks/nothing/trigger", { method: "POST" });
    await send("/api/v1/tasks/echo/trigger", { method: "POST", headers: AS_READER });
    const entries = (await entriesSince(since)).map(({ who, what, on, status, count }) => ({
      who,
      what,
      on,
      status,
      count,
    }));
    expect(entries).toEqual(
      expect.arrayContaining([
        { who: "api", what: "triggerTask", on: "echo", status: 202, count: 3 },
        { who: "api", what: "triggerTask", on: "nothing", status: 404, count: 1 },
        { who: "desk", what: "triggerTask", on: "echo", status: 403, count: 1 },
      ]),
    );
    expect(entries).toHaveLength(3);
  });

  it("the audit counts who could not say who they are, by address", async () => {
    const send = edge(PLAN, { withoutToken: true });
    for (const address of ["192.0.2.1", "192.0.2.2", "192.0.2.1"])
      await send("/api/v1/runs", { headers: { "CF-Connecting-IP": address, Authorization: "Bearer guess" } });
    const entries = await entriesSince(since);
    expect(entries.map(({ who, what, status, from, count }) => [who, what, status, from, count])).toEqual([
      ["nobody", "authenticate", 401, "192.0.2.2", 1],
      ["nobody", "authenticate", 401, "192.0.2.1", 2],
    ]);
  });

  it("the audit has no row for each refusal of one caller, and few kinds of them, whatever they name", async () => {
    const send = edge(PLAN, READER);
    for (let time = 0; time < 3; time += 1) await send(CANCEL, { method: "POST", headers: AS_READER });
    for (let time = 0; time < 200; time += 1)
      await send(`/api/v1/runs/made-up-${time}/cancel`, { method: "POST", headers: AS_READER });
    const entries = await entriesSince(since, "&limit=500");
    expect(entries.find(({ on }) => on === RUN)).toMatchObject({ status: 403, count: 3 });
    expect(entries.reduce((sum, { count }) => sum + count, 0)).toBe(203);
    expect(entries.length).toBeLessThanOrEqual(51);
  });

  it("the audit takes a network of IPv6 for one stranger, and leaves the room of others to them", async () => {
    const send = edge(PLAN, { withoutToken: true });
    for (let host = 1; host <= 20; host += 1)
      await send("/api/v1/tasks", { headers: { "CF-Connecting-IP": `2001:db8:1:2::${host.toString(16)}` } });
    for (let network = 1; network <= 1_100; network += 1)
      await send("/api/v1/tasks", { headers: { "CF-Connecting-IP": `2001:db8:2:${network.toString(16)}::1` } });
    await edge(PLAN)("/api/v1/tasks/echo/trigger", { method: "POST", body: "1" });
    const entries = await entriesSince(since, "&limit=500");
    expect(entries.filter(({ who }) => who === "nobody").length).toBeLessThanOrEqual(52);
    expect(entries).toContainEqual(expect.objectContaining({ from: "2001:db8:1:2::/64", count: 20 }));
    expect(entries).toContainEqual(expect.objectContaining({ who: "api", on: "echo" }));
  });

  it("the audit has what was done for somebody who did not wait for the answer", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const waits = Promise.withResolvers<never>();
    const asked = vi.fn(() => waits.promise);
    const { app, bindings } = edgeApp(PLAN, { dependencies: { callRun: asked } });
    const context = createExecutionContext();
    const goesOn = vi.spyOn(context, "waitUntil");
    const headers = { Authorization: `Bearer ${ADMIN_TOKEN}` };
    void app.request(CANCEL, { method: "POST", headers }, bindings, context);
    await vi.waitFor(() => expect(asked).toHaveBeenCalled(), 10_000);
    // Of what is not promised to it by now, the platform keeps nothing running once the client has gone.
    expect(goesOn).toHaveBeenCalled();
    waits.reject(new TypeError("a bug"));
    await Promise.all(goesOn.mock.calls.map(([work]) => work));
    expect(await entriesSince(since)).toMatchObject([{ who: "api", what: "cancelRun", on: RUN, status: 500 }]);
  });

  it("the audit has a trigger as soon as it is accepted, however long its caller wants to wait for the run", async () => {
    // The run is accepted, and never ends.
    const waits = vi.fn(() => new Promise<never>(() => undefined));
    const send = edge(PLAN, { dependencies: { callRun: waits } });
    void send("/api/v1/tasks/echo/trigger?wait=5m", { method: "POST", body: "1" });
    await vi.waitFor(() => expect(waits).toHaveBeenCalled(), 10_000);
    expect(await entriesSince(since)).toMatchObject([{ who: "api", what: "triggerTask", on: "echo", status: 202 }]);
  });

  it("the audit has each value of a parameter that is repeated, and what was said of a token", async () => {
    const send = edge(PLAN);
    await send("/api/v1/runs/cancel?status=queued&status=running&dry_run=true", { method: "POST" });
    const name = crypto.randomUUID();
    await send("/api/v1/tokens", { method: "POST", body: JSON.stringify({ name, scopes: ["read", "trigger:echo"] }) });
    await vi.waitFor(
      async () =>
        expect((await entriesSince(since)).map(({ what, on }) => [what, on])).toEqual(
          expect.arrayContaining([
            ["createToken", `${name}: read, trigger:echo`],
            ["cancelRuns", "status=queued&status=running&dry_run=true"],
          ]),
        ),
      10_000,
    );
  });

  it("the audit has none of what only reads", async () => {
    await edge(PLAN)("/api/v1/tasks");
    await edge(PLAN)("/api/v1/audit");
    expect(await entriesSince(since)).toEqual([]);
  });

  it("the audit does not hold up or fail an answer when it cannot be kept; the log says so", async () => {
    const errors = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const AUDIT = { getByName: () => ({ append: () => Promise.reject(new TypeError("broken")) }) };
    // oxlint-disable-next-line typescript/consistent-type-assertions
    const answer = await edge(PLAN, { env: { AUDIT: AUDIT as unknown as Env["AUDIT"] } })("/api/v1/tasks/echo/resume", {
      method: "POST",
    });
    expect(answer.status).toBe(200);
    await vi.waitFor(() => expect(String(errors.mock.calls)).toContain("audit not kept"), 10_000);
  });
});

describe("an address that fails to say who it is, again and again", () => {
  const from = (address: string, token: string): RequestInit => ({
    headers: { "CF-Connecting-IP": address, Authorization: `Bearer ${token}` },
  });

  it("an address that fails to say who it is, again and again, is told to come later, without another look at the limit; a valid token comes in all the same", async () => {
    const limit = vi.fn(async ({ key }: { key: string }) => ({ success: key !== "192.0.2.66" }));
    const send = edge(PLAN, { env: { AUTH_FAILURES: { limit } } });
    for (let time = 0; time < 3; time += 1) {
      const response = await send("/api/v1/tasks", from("192.0.2.66", "wrong"));
      expect(response.status).toBe(429);
      expect(response.headers.get("Retry-After")).toBe("60");
      expect(await response.json()).toMatchObject({ code: "rate_limited" });
    }
    expect(limit).toHaveBeenCalledOnce();
    expect((await send("/api/v1/tasks", from("192.0.2.66", ADMIN_TOKEN))).status).toBe(200);
    expect((await send("/api/v1/tasks", from("192.0.2.67", "wrong"))).status).toBe(401);
  });

  it("an address that fails to say who it is, again and again, is a whole network where it is one of IPv6, whose owner has any number of addresses", async () => {
    const limit = vi.fn(async () => ({ success: false }));
    const send = edge(PLAN, { env: { AUTH_FAILURES: { limit } } });
    for (const address of ["2001:db8:66:1::1", "2001:db8:66:1:ffff::2"])
      expect((await send("/api/v1/tasks", from(address, "wrong"))).status).toBe(429);
    expect(limit).toHaveBeenCalledExactlyOnceWith({ key: "2001:db8:66:1::/64" });
  });

  it("an address that fails to say who it is, again and again, is refused as ever if the limit cannot be asked", async () => {
    const send = edge(PLAN, { env: { AUTH_FAILURES: { limit: () => Promise.reject(new Error("down")) } } });
    expect((await send("/api/v1/tasks", from("192.0.2.68", "wrong"))).status).toBe(401);
  });
});

describe("a request to the API that is larger than any call needs", () => {
  it.each([
    ["its address", 414, "uri_too_long", `/api/v1/tasks?x=${"x".repeat(9_000)}`, {}],
    ["its headers", 431, "headers_too_large", "/api/v1/tasks", { "X-Much": "x".repeat(70_000) }],
    ["its token", 401, "unauthorized", "/api/v1/tasks", { Authorization: `Bearer ${"x".repeat(5_000)}` }],
  ])("%s: %i", async (_what, status, code, path, headers) => {
    const response = await edge(PLAN)(path, { headers });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code });
  });

  it("a body that nobody has read is read before the answer, on the local runtime only", async () => {
    for (const [local, isRead] of [
      [present, true],
      [null, false],
    ] as const) {
      const { app, bindings } = edgeApp(PLAN, { dependencies: { local } });
      const request = new Request("http://localhost/api/v1/tasks/echo/trigger", {
        method: "POST",
        body: "x".repeat(1_000),
      });
      expect((await app.fetch(request, bindings)).status).toBe(401);
      expect(request.bodyUsed).toBe(isRead);
    }
  });

  it("a body that the call does not take: 413", async () => {
    const headers = { "Content-Length": "70000" };
    const response = await edge(PLAN)(`/api/v1/runs/${RUN}/cancel`, {
      method: "POST",
      headers,
      body: "x".repeat(70_000),
    });
    expect(response.status).toBe(413);
  });
});

describe("pages of other origins", () => {
  const preflight: RequestInit = {
    method: "OPTIONS",
    headers: { Origin: ORIGIN, "Access-Control-Request-Method": "POST", Authorization: "none" },
  };

  it("pages of other origins cannot call the API unless PEACH_CORS_ORIGINS names them", async () => {
    for (const origins of ["", "https://other.example.org"]) {
      const send = edge(PLAN, { env: { PEACH_CORS_ORIGINS: origins } });
      const answer = await send("/api/v1/tasks", { headers: { Origin: ORIGIN } });
      expect(answer.headers.get("Access-Control-Allow-Origin")).toBeNull();
      expect((await send("/api/v1/tasks", preflight)).headers.get("Access-Control-Allow-Origin")).toBeNull();
    }
  });

  it.each([
    [`https://a.example.org, ${ORIGIN}`, ORIGIN],
    ["*", "*"],
  ])("pages of other origins can with %s, by their token and never by a cookie", async (origins, allowed) => {
    const send = edge(PLAN, { env: { PEACH_CORS_ORIGINS: origins } });
    const asked = await send("/api/v1/tasks/echo/trigger", preflight);
    expect(asked.status).toBe(204);
    expect(asked.headers.get("Access-Control-Allow-Origin")).toBe(allowed);
    expect(asked.headers.get("Access-Control-Allow-Headers")).toContain("Authorization");
    expect(asked.headers.get("Access-Control-Allow-Credentials")).toBeNull();
    const answer = await send("/api/v1/tasks", { headers: { Origin: ORIGIN } });
    expect(answer.headers.get("Access-Control-Allow-Origin")).toBe(allowed);
    expect(answer.headers.get("Access-Control-Expose-Headers")).toContain("X-Request-Id");
    const refused = await send("/api/v1/tasks", { headers: { Origin: ORIGIN, Authorization: "none" } });
    expect(refused.headers.get("Access-Control-Allow-Origin")).toBe(allowed);
  });

  it("pages of other origins can do with it what a program can: each call, with a key, from where it stood, in parts, and told when to come back", async () => {
    const send = edge(PLAN, { env: { PEACH_CORS_ORIGINS: ORIGIN } });
    const listed = ({ headers }: Response, name: string): string[] => (headers.get(name) ?? "").split(/, */);
    const asked = await send("/api/v1/tasks/echo/trigger", preflight);
    expect(listed(asked, "Access-Control-Allow-Methods")).toEqual(expect.arrayContaining(["GET", "POST", "DELETE"]));
    expect(listed(asked, "Access-Control-Allow-Headers")).toEqual(
      expect.arrayContaining(["Content-Type", "Idempotency-Key", "Last-Event-ID", "Range", "X-Peach-Source"]),
    );
    const answer = await send("/api/v1/tasks", { headers: { Origin: ORIGIN } });
    expect(listed(answer, "Access-Control-Expose-Headers")).toEqual(
      expect.arrayContaining(["Content-Range", "ETag", "Retry-After", "WWW-Authenticate"]),
    );
  });
});
