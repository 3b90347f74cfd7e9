import { describe, expect, it, vi } from "vitest";
import { local } from "../../src/http/local/present.ts";
import { edge } from "../support/edge.ts";
import { endpointPlan, planOf, taskPlan } from "../support/plan.ts";

const PLAN = planOf([taskPlan("echo")], {
  version: "v7",
  endpoints: [endpointPlan("audio", { url: "/hooks/audio", methods: ["POST"] }), endpointPlan("root", { url: "/" })],
});
const registry = { endpoints: { audio: () => null, root: () => "root" } };
const RUN = `run_${"0".repeat(26)}`;

describe("every answer", () => {
  it("every answer has a request id of its own, whatever the sender calls its request", async () => {
    const send = edge(PLAN, { registry });
    const ids = new Set<string | null>();
    for (const theirs of ["abc-1", "abc-1", "two words", "<script>", "x".repeat(129)]) {
      const answer = await send("/", { headers: { "X-Request-Id": theirs } });
      expect(answer.headers.get("X-Request-Id")).toMatch(/^[0-9a-f-]{36}$/);
      ids.add(answer.headers.get("X-Request-Id"));
    }
    expect(ids.size).toBe(5);
  });

  it("every answer of a problem repeats the request id in its document", async () => {
    const response = await edge(PLAN, { registry })("/api/v1/nothing");
    expect(response.headers.get("Content-Type")).toBe("application/problem+json");
    expect(await response.json()).toEqual({
      type: "urn:peach:problem:not_found",
      title: "Not found",
      status: 404,
      code: "not_found",
      detail: "There is nothing at /api/v1/nothing.",
      hint: expect.any(String),
      request_id: response.headers.get("X-Request-Id"),
    });
  });

  it("every answer of the API is not kept, guessed or run by a browser", async () => {
    const send = edge(PLAN, { registry });
    for (const call of [
      send(`/api/v1/runs/${RUN}`),
      send("/api/v1/tasks"),
      send("/api/v1/x", { headers: { Authorization: "no" } }),
    ]) {
      const { headers } = await call;
      expect(headers.get("Cache-Control")).toBe("no-store");
      expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
      expect(headers.get("Content-Security-Policy")).toBe("default-src 'none'; frame-ancestors 'none'; sandbox");
      expect(headers.get("X-Frame-Options")).toBe("DENY");
      expect(headers.get("Referrer-Policy")).toBe("no-referrer");
      expect(headers.get("Cross-Origin-Resource-Policy")).toBe("same-origin");
      expect(headers.get("Strict-Transport-Security")).toBeNull();
    }
  });

  it("every answer of the API, and the session of the dashboard, tell the time of the server", async () => {
    const send = edge(PLAN, { registry });
    for (const path of [`/api/v1/runs/${RUN}`, "/api/v1/tasks", "/api/v1/nothing", "/dashboard/session"]) {
      const asked = Date.now();
      const told = Date.parse((await send(path)).headers.get("Date") ?? "");
      expect(told).toBeGreaterThan(asked - 1_000);
      expect(told).toBeLessThanOrEqual(Date.now());
    }
  });

  it("every answer of the API asks for https for good, where it came by https", async () => {
    const { headers } = await edge(PLAN, { registry })("https://edge.example/api/v1/tasks");
    expect(headers.get("Strict-Transport-Security")).toBe("max-age=31536000");
  });
});

describe("GET /healthz", () => {
  it("GET /healthz is open and names the deployed configuration", async () => {
    const response = await edge(PLAN, { registry })("/healthz", { headers: { Authorization: "none" } });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: "ok", conf_version: "v7" });
  });
});

describe("a path where nothing is", () => {
  it.each([
    ["/hooks/audi", "Did you mean POST /hooks/audio?"],
    ["/hook/audio/", "Did you mean POST /hooks/audio?"],
    ["/healtz", "Did you mean GET /healthz?"],
    ["/api/v1/task/echo/trigger", "Did you mean POST /api/v1/tasks/{task}/trigger?"],
    [`/api/v1/run/${RUN}`, "Did you mean GET /api/v1/runs/{id}?"],
    ["/something/else/entirely", "Endpoints are at the urls that peach.conf gives them"],
  ])("%s: 404, %s", async (path, hint) => {
    const response = await edge(PLAN, { registry })(path);
    expect(response.status).toBe(404);
    const problem = await response.json<{ hint: string }>();
    expect(problem.hint).toContain(hint);
  });

  it.each([
    ["without a token", {}],
    ["with a wrong one", { Authorization: "Bearer wrong" }],
  ])(
    "a path where nothing is names no endpoint to a stranger, %s; on the local runtime it does",
    async (_, headers) => {
      const stranger = { registry, withoutToken: true };
      const hints = await Promise.all(
        [edge(PLAN, stranger), edge(PLAN, { ...stranger, dependencies: { local } })].map(async (send) => {
          const { hint } = await (await send("/hooks/audi", { headers })).json<{ hint: string }>();
          return hint;
        }),
      );
      expect(hints).toEqual([
        "Endpoints are at the urls that peach.conf gives them, the API is under /api/v1.",
        "Did you mean POST /hooks/audio?",
      ]);
    },
  );

  it.each([
    ["GET", "/api/v1/tasks/echo/trigger", "POST"],
    ["DELETE", "/api/v1/runs", "GET, HEAD"],
    ["GET", "/hooks/audio", "POST"],
    ["POST", "/healthz", "GET, HEAD"],
  ])("a path where nothing is by this method, %s %s: 405 and the allowed ones", async (method, path, allow) => {
    const response = await edge(PLAN, { registry })(path, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get("Allow")).toBe(allow);
    expect(await response.json()).toMatchObject({ code: "method_not_allowed" });
  });

  it("a path where nothing is with a slash too many is 404, and names the path without it", async () => {
    const response = await edge(PLAN, { registry })("/api/v1/runs/");
    expect([response.status, await response.json()]).toMatchObject([
      404,
      { code: "not_found", hint: "Did you mean GET /api/v1/runs?" },
    ]);
  });
});

describe("what nobody expected", () => {
  it("what nobody expected is logged under the request id, with what the sender calls it; the answer has neither its message nor its stack", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const send = edge(PLAN, {
      dependencies: {
        callRun: async () => {
          throw new TypeError("the secret is 1234");
        },
      },
    });
    const response = await send(`/api/v1/runs/${RUN}`, { headers: { "X-Request-Id": "abc-1" } });
    const text = await response.text();
    expect(response.status).toBe(500);
    const id = response.headers.get("X-Request-Id");
    expect(JSON.parse(text)).toMatchObject({ code: "internal_error", request_id: id });
    expect(text).not.toMatch(/1234|TypeError|\.ts/);
    expect(logged.mock.calls.flat().join()).toMatch(new RegExp(`${id}.*abc-1.*the secret is 1234`));
    logged.mockRestore();
  });

  it("what nobody expected is 503 with Retry-After if a run object cannot be reached", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const callRun = () => Promise.reject(Object.assign(new Error("reset"), { durableObjectReset: true }));
    const response = await edge(PLAN, { dependencies: { callRun } })(`/api/v1/runs/${RUN}`);
    logged.mockRestore();
    expect(response.status).toBe(503);
    expect(response.headers.get("Retry-After")).toMatch(/^\d+$/);
    expect(await response.json()).toMatchObject({ code: "unavailable" });
  });
});
