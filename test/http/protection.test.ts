import { afterEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { ADMIN_TOKEN, edge, edgeApp, type EdgeOptions } from "../support/edge.ts";
import { planOf, taskPlan } from "../support/plan.ts";

const PLAN = planOf([taskPlan("echo")]);
const RUN = `run_${"0".repeat(26)}`;
const ORIGIN = "https://desk.example.org";

afterEach(() => {
  vi.restoreAllMocks();
});

const line = z.looseObject({ message: z.string() });

/** The audit lines that a call has logged. */
async function auditOf(call: (send: ReturnType<typeof edge>) => Promise<Response>, options: EdgeOptions = {}) {
  const logged = vi
    .spyOn(console, "log")
    .mockImplementation(() => undefined)
    .mockClear();
  await call(edge(PLAN, options));
  const lines = logged.mock.calls.flat().map((text) => line.parse(JSON.parse(String(text))));
  return lines.filter(({ message }) => message === "audit");
}

describe("a change by the API", () => {
  it("has a line in the log: who, what, from where, with which result", async () => {
    const headers = { "CF-Connecting-IP": "192.0.2.7", "X-Request-Id": "req-1" };
    const lines = await auditOf((send) => send(`/api/v1/runs/${RUN}/cancel`, { method: "POST", headers }));
    expect(lines).toEqual([
      {
        message: "audit",
        at: expect.stringMatching(/^\d{4}-.*Z$/),
        who: "api",
        scope: "admin",
        what: "cancelRun",
        path: `/api/v1/runs/${RUN}/cancel`,
        query: {},
        from: "192.0.2.7",
        request_id: "req-1",
        status: 404,
        result: "refused",
      },
    ]);
  });

  it("has one when it is not allowed, and when it breaks", async () => {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode("t"))).toHex();
    const reader: EdgeOptions = { env: { PEACH_API_TOKENS: `desk:read:${digest}` } };
    const headers = { Authorization: "Bearer t" };
    const forbidden = await auditOf((send) => send(`/api/v1/runs/${RUN}/cancel`, { method: "POST", headers }), reader);
    expect(forbidden).toMatchObject([{ who: "desk", scope: "read", status: 403, result: "refused" }]);

    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const dependencies = { callRun: () => Promise.reject(new TypeError("a bug")) };
    const broken = await auditOf((send) => send(`/api/v1/runs/${RUN}/cancel`, { method: "POST" }), { dependencies });
    expect(broken).toMatchObject([{ what: "cancelRun", status: 500, result: "failed" }]);
  });

  it("is the only thing that has one", async () => {
    expect(await auditOf((send) => send("/api/v1/tasks"))).toEqual([]);
    expect(await auditOf((send) => send("/api/v1/tasks/nothing/trigger", { method: "POST" }))).toEqual([]);
  });
});

describe("an address that fails to say who it is, again and again", () => {
  const from = (address: string, token: string): RequestInit => ({
    headers: { "CF-Connecting-IP": address, Authorization: `Bearer ${token}` },
  });

  it("is told to come later, without another look at the limit; a valid token comes in all the same", async () => {
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

  it("is refused as ever if the limit cannot be asked", async () => {
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
      ["1", true],
      ["", false],
    ] as const) {
      const { app, bindings } = edgeApp(PLAN, { env: { PEACH_LOCAL: local } });
      const request = new Request("http://peach/api/v1/tasks/echo/trigger", {
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

  it("cannot call the API unless PEACH_CORS_ORIGINS names them", async () => {
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
  ])("can with %s, by their token and never by a cookie", async (origins, allowed) => {
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
});
