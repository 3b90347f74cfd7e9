import { createHash } from "node:crypto";
import { driven } from "../../support/driven-object.ts";
import { env } from "../../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { SessionId } from "../../../src/domain/ids.ts";
import { forgetKeptTokens } from "../../../src/objects/identity/tokens-client.ts";
import { ADMIN_TOKEN, edge } from "../../support/edge.ts";
import { planOf, taskPlan } from "../../support/plan.ts";

const send = edge(planOf([taskPlan("echo"), taskPlan("other", { method: "echo" })]), {
  env: { PEACH_API_TOKENS: `desk:read:${"0".repeat(64)}` },
});
const MINUTE = 60_000;
const DAY = 86_400_000;

interface Made {
  readonly name: string;
  readonly token: string;
  readonly expires_at: string | null;
}

async function call(method: string, path: string, token = ADMIN_TOKEN, body?: unknown): Promise<Response> {
  const init = body === undefined ? {} : { body: JSON.stringify(body) };
  return send(`/api/v1${path}`, { method, headers: { Authorization: `Bearer ${token}` }, ...init });
}

async function make(scopes: readonly string[], more: object = {}): Promise<Made> {
  const response = await call("POST", "/tokens", ADMIN_TOKEN, { name: crypto.randomUUID(), scopes, ...more });
  expect(response.status).toBe(201);
  return response.json<Made>();
}

async function listed(name: string): Promise<unknown> {
  const { tokens } = await (await call("GET", "/tokens")).json<{ tokens: { name: string }[] }>();
  return tokens.find((token) => token.name === name);
}

beforeEach(() => {
  vi.spyOn(console, "info").mockImplementation(() => undefined);
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("a token that was made", () => {
  it("a token that was made is shown once, listed without what it is, and lets its bearer in", async () => {
    const { name, token, expires_at } = await make(["read", "trigger:echo"]);
    expect(token).toMatch(/^peach_[0-9A-Za-z]{40}$/);
    expect(expires_at).toBeNull();
    expect((await call("GET", "/tasks", token)).status).toBe(200);
    expect((await call("POST", "/tasks/echo/trigger", token, 1)).status).toBe(202);
    expect((await call("POST", "/tasks/other/trigger", token, 1)).status).toBe(403);
    expect(await listed(name)).toMatchObject({
      scopes: ["read", "trigger:echo"],
      configured: false,
      created_by: "api",
    });
    expect(await listed("desk")).toMatchObject({ scopes: ["read"], configured: true, created_at: null });
    expect(await (await call("GET", "/tokens")).text()).not.toContain(token.slice(6));
  });

  it("a token that was made is kept as a digest that is worth nothing", async () => {
    const { name, token } = await make(["admin"]);
    const kept = await driven(env.IDENTITY.getByName("identity")).inside(({ storage }) =>
      storage.sql.exec<{ digest: string }>("SELECT * FROM tokens WHERE name = ?", name).one(),
    );
    expect(JSON.stringify(kept)).not.toContain(token.slice(6, 20));
    const sha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token)));
    expect(kept.digest).not.toBe(sha256.toHex());
    for (const tried of [kept.digest, `peach_${kept.digest.slice(0, 40)}`])
      expect((await call("GET", "/tasks", tried)).status).toBe(401);
  });

  it("a token that was made has a name of its own, which no other token has, a configured one either", async () => {
    const { name } = await make(["read"]);
    for (const taken of [name, "desk", "api"]) {
      const again = await call("POST", "/tokens", ADMIN_TOKEN, { name: taken, scopes: ["admin"] });
      expect([again.status, await again.json()]).toMatchObject([409, { code: "token_exists" }]);
    }
  });

  it("a token that was made is never called as PEACH_API_TOKEN is, which may be set later, and would find its runs", async () => {
    const digest = createHash("sha256").update("of-the-owner").digest("hex");
    const without = edge(planOf([taskPlan("echo")]), {
      env: { PEACH_API_TOKEN: "", PEACH_API_TOKENS: `owner:admin:${digest}` },
    });
    const response = await without("/api/v1/tokens", {
      method: "POST",
      headers: { Authorization: "Bearer of-the-owner" },
      body: JSON.stringify({ name: "api", scopes: ["read"] }),
    });
    expect([response.status, await response.json()]).toMatchObject([409, { code: "token_exists" }]);
  });

  it("a token that was made expires when it was to, and says so to its bearer", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2027, 0, 1) });
    forgetKeptTokens();
    const { token, expires_at } = await make(["read"], { expires_in: "30d" });
    expect(expires_at).toBe("2027-01-31T00:00:00.000Z");
    vi.setSystemTime(Date.UTC(2027, 0, 1) + 30 * DAY - 1);
    expect((await call("GET", "/tasks", token)).status).toBe(200);
    vi.setSystemTime(Date.UTC(2027, 0, 1) + 30 * DAY);
    const late = await call("GET", "/tasks", token);
    expect([late.status, await late.json()]).toMatchObject([401, { detail: expect.stringContaining("has expired") }]);
  });

  it("a token that was made ends at once where it is deleted, and within 5 seconds elsewhere", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2027, 1, 1) });
    forgetKeptTokens();
    const [one, other] = [await make(["read"]), await make(["read"])];
    expect((await call("DELETE", `/tokens/${one.name}`)).status).toBe(204);
    expect((await call("GET", "/tasks", one.token)).status).toBe(401);
    expect((await call("DELETE", `/tokens/${one.name}`)).status).toBe(404);
    expect((await call("GET", "/tasks", other.token)).status).toBe(200);
    // As if another isolate had served the call.
    await env.IDENTITY.getByName("identity").deleteToken(other.name);
    vi.setSystemTime(Date.UTC(2027, 1, 1) + 5_000);
    expect((await call("GET", "/tasks", other.token)).status).toBe(401);
    expect((await call("DELETE", "/tokens/desk")).status).toBe(404);
  });

  it("a token that was made is deleted once for each call, and so is a session: where the answer is lost, the call that comes again is the same", async () => {
    const identity = env.IDENTITY.getByName("identity");
    const { name, token } = await make(["read"]);
    const own = { "X-Peach-Dashboard": "1", "Sec-Fetch-Site": "same-origin" };
    await send("/dashboard/login", { method: "POST", headers: own, body: JSON.stringify({ token }) });
    const { sessions } = await (
      await call("GET", "/sessions")
    ).json<{ sessions: { id: SessionId; token: string }[] }>();
    const session = sessions.find((one) => one.token === name);
    const losing = <Given extends unknown[]>(ends: (...given: Given) => Promise<boolean>) =>
      vi.fn(ends).mockImplementationOnce(async (...given: Given) => {
        await ends(...given);
        throw new Error("Network connection lost.");
      });
    const endSession = losing((id: SessionId, by: string) => identity.endSession(id, by));
    const deleteToken = losing((of: string, by: string) => identity.deleteToken(of, by));
    const lossy = edge(planOf([taskPlan("echo")]), {
      env: Object.fromEntries([["IDENTITY", { getByName: () => ({ endSession, deleteToken }) }]]),
    });
    for (const [path, done] of [
      [`/sessions/${session?.id}`, endSession],
      [`/tokens/${name}`, deleteToken],
    ] as const) {
      expect((await lossy(`/api/v1${path}`, { method: "DELETE" })).status).toBe(204);
      expect(done).toHaveBeenCalledTimes(2);
      expect((await call("DELETE", path)).status).toBe(404);
    }
  });

  it("a token that was made says when it was used last, with one write a minute at most", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2027, 2, 1) });
    forgetKeptTokens();
    const { name, token } = await make(["read"]);
    expect(await listed(name)).toMatchObject({ last_used_at: null });
    const used = async (at: number, shown: string): Promise<void> => {
      vi.setSystemTime(Date.UTC(2027, 2, 1) + at);
      await call("GET", "/tasks", token);
      await vi.waitFor(async () => expect(await listed(name)).toMatchObject({ last_used_at: shown }), 10_000);
    };
    await used(0, "2027-03-01T00:00:00.000Z");
    await used(MINUTE - 1, "2027-03-01T00:00:00.000Z");
    await used(MINUTE, "2027-03-01T00:01:00.000Z");
  });

  it.each(["/runs/feed", "/runs/{id}/events"])(
    "a token that was made hears nothing more of %s once it has ended",
    async (path) => {
      vi.useFakeTimers({ toFake: ["Date"] });
      const [{ name, token }, { token: other }] = [await make(["read"]), await make(["read"])];
      const triggered = await call("POST", "/tasks/echo/trigger?delay=1d", ADMIN_TOKEN, 1);
      const { run_id: runId } = await triggered.json<{ run_id: string }>();
      const listen = async (bearer: string) => {
        const response = await call("GET", path.replace("{id}", runId), bearer);
        const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
        if (reader === undefined) throw new Error("there is no stream");
        await reader.read();
        return reader;
      };
      const [ended, goesOn] = [await listen(token), await listen(other)];
      await call("DELETE", `/tokens/${name}`);
      vi.setSystemTime(Date.now() + 5_000);
      await call("POST", `/runs/${runId}/cancel`);
      expect(await ended.read()).toEqual({ done: true, value: undefined });
      expect(await goesOn.read()).toMatchObject({ done: false });
      await goesOn.cancel();
    },
  );

  it("a token that was made hears nothing more of the run that it waits for once it has ended; others do", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const [{ name, token }, { token: other }] = [await make(["trigger"]), await make(["trigger"])];
    const trigger = (bearer: string, query: string): Promise<Response> => {
      const headers = { Authorization: `Bearer ${bearer}`, "Idempotency-Key": "awaited" };
      return send(`/api/v1/tasks/echo/trigger?delay=1d${query}`, { method: "POST", headers, body: "1" });
    };
    const [ended, letIn] = await Promise.all(
      [token, other].map(async (bearer) => {
        const { run_id: runId } = await (await trigger(bearer, "")).json<{ run_id: string }>();
        return { runId, waiting: trigger(bearer, "&wait=1m") };
      }),
    );
    await call("DELETE", `/tokens/${name}`);
    vi.setSystemTime(Date.now() + 5_000);
    for (const { runId } of [ended, letIn].filter((one) => one !== undefined))
      expect((await call("POST", `/runs/${runId}/cancel`)).status).toBe(200);
    const answers = await Promise.all([ended?.waiting, letIn?.waiting]);
    const told = await Promise.all(answers.map(async (answer) => [answer?.status, await answer?.json()]));
    expect(told).toMatchObject([
      [202, { run_id: ended?.runId, status: "queued" }],
      [200, { run_id: letIn?.runId, status: "cancelled" }],
    ]);
  });

  it("a token that was made takes its sessions with it when it is deleted", async () => {
    const { name, token } = await make(["read"]);
    const own = { "X-Peach-Dashboard": "1", "Sec-Fetch-Site": "same-origin" };
    await send("/dashboard/login", { method: "POST", headers: own, body: JSON.stringify({ token }) });
    const listedOf = async (): Promise<number> => {
      const { sessions } = await (await call("GET", "/sessions")).json<{ sessions: { token: string }[] }>();
      return sessions.filter((session) => session.token === name).length;
    };
    expect(await listedOf()).toBe(1);
    await call("DELETE", `/tokens/${name}`);
    expect(await listedOf()).toBe(0);
  });

  it("a token that was made is asked about only if its check is right, and refused while nobody can say whether it is there", async () => {
    const { token } = await make(["read"]);
    const tokens = vi.fn(() => Promise.reject(new Error("Network connection lost.")));
    const broken = edge(planOf([taskPlan("echo")]), {
      env: Object.fromEntries([["IDENTITY", { getByName: () => ({ tokens }) }]]),
    });
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    forgetKeptTokens();
    const ask = (bearer: string): Promise<Response> =>
      broken("/api/v1/tasks", { headers: { Authorization: `Bearer ${bearer}` } });
    expect((await ask(`${token.slice(0, -1)}${token.endsWith("0") ? "1" : "0"}`)).status).toBe(401);
    expect(tokens).not.toHaveBeenCalled();
    expect((await ask(token)).status).toBe(503);
    // What is configured needs nobody.
    expect((await ask(ADMIN_TOKEN)).status).toBe(200);
  });

  it.each([
    [{}, ["$.name", "$.scopes"]],
    [{ name: "a b", scopes: ["read"] }, ["$.name"]],
    // No address leads to them, so they could not be deleted.
    [{ name: ".", scopes: ["read"] }, ["$.name"]],
    [{ name: "..", scopes: ["read"] }, ["$.name"]],
    // The audit calls strangers so.
    [{ name: "nobody", scopes: ["read"] }, ["$.name"]],
    [{ name: "a", scopes: [] }, ["$.scopes"]],
    [{ name: "a", scopes: ["owner"] }, ["$.scopes[0]"]],
    [{ name: "a", scopes: ["read"], expires_in: "soon" }, ["$.expires_in"]],
    [{ name: "a", scopes: ["read"], digest: "x" }, ["$"]],
  ])("a token that was made is not made of %j", async (body, paths) => {
    const response = await call("POST", "/tokens", ADMIN_TOKEN, body);
    const { code, errors } = await response.json<{ code: string; errors: { path: string }[] }>();
    expect([response.status, code, errors.map(({ path }) => path)]).toEqual([400, "invalid_payload", paths]);
  });

  it("a token that was made is not made of what is no JSON", async () => {
    const response = await send("/api/v1/tokens", { method: "POST", body: "{" });
    expect([response.status, await response.json()]).toMatchObject([400, { code: "invalid_json" }]);
  });

  it.each(["read", "trigger", "operate"])(
    "a token that was made is not made by a token with the scope %s",
    async (scope) => {
      const { token } = await make([scope]);
      for (const [method, path] of [
        ["POST", "/tokens"],
        ["GET", "/tokens"],
        ["DELETE", "/tokens/x"],
      ] as const)
        expect((await call(method, path, token)).status).toBe(403);
    },
  );
});

describe("PEACH_API_TOKEN", () => {
  it("PEACH_API_TOKEN of fewer than 24 characters lets nobody in, and says why", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const short = "x".repeat(23);
    const weak = edge(planOf([taskPlan("echo")]), { env: { PEACH_API_TOKEN: short }, withoutToken: true });
    for (const headers of [{ Authorization: `Bearer ${short}` }, {}]) {
      const response = await weak("/api/v1/tasks", { headers });
      expect([response.status, await response.json()]).toMatchObject([
        401,
        {
          detail: expect.stringContaining("fewer than 24 characters"),
          hint: expect.stringContaining("PEACH_API_TOKEN"),
        },
      ]);
    }
    // A stranger learns nothing of it by guessing.
    const guessed = await weak("/api/v1/tasks", { headers: { Authorization: `Bearer ${"y".repeat(23)}` } });
    expect(await guessed.text()).not.toContain("fewer than");
    const strong = edge(planOf([taskPlan("echo")]), { env: { PEACH_API_TOKEN: "x".repeat(24) } });
    const good = await strong("/api/v1/tasks", { headers: { Authorization: `Bearer ${"x".repeat(24)}` } });
    expect(good.status).toBe(200);
  });
});
