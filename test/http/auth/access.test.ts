import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from "jose";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { accessAuthenticator } from "../../../src/http/auth/cloudflare-access.ts";
import { ADMIN_TOKEN, edge, type Send } from "../../support/edge.ts";
import { acceptance, HandDrivenRun } from "../../support/hand-driven.ts";
import { planOf, taskPlan } from "../../support/plan.ts";

const AUDIENCE = "audience-of-the-application";
const SCOPES = "boss@example.org:admin, build.access:trigger, *@example.org:read, broken, x@y.z:owner";

/** A domain of its own for each test: the keys of a team are kept. */
let domain = "";
let key: CryptoKey;
let other: CryptoKey;
let jwks: { readonly keys: readonly object[] };
let fetched: string[] = [];

beforeAll(async () => {
  const pair = await generateKeyPair("RS256", { extractable: true });
  key = pair.privateKey;
  jwks = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: "one", alg: "RS256", use: "sig" }] };
  other = (await generateKeyPair("RS256")).privateKey;
});

beforeEach(() => {
  domain = `${crypto.randomUUID()}.cloudflareaccess.com`;
  fetched = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    fetched.push(input instanceof Request ? input.url : String(input));
    return Response.json(jwks);
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function app(vars: Partial<Env> = {}): Send {
  return edge(planOf([taskPlan("echo")]), {
    env: {
      PEACH_API_TOKEN: "",
      PEACH_ACCESS_TEAM_DOMAIN: domain,
      PEACH_ACCESS_AUD: AUDIENCE,
      PEACH_ACCESS_SCOPES: SCOPES,
      ...vars,
    },
  });
}

interface Claims {
  readonly email?: string;
  readonly common_name?: string;
  readonly aud?: string;
  readonly iss?: string;
  /** Seconds from now; null: without. */
  readonly exp?: number | null;
  readonly kid?: string;
}

function sign({ aud = AUDIENCE, iss = `https://${domain}`, exp = 60, kid = "one", ...who }: Claims, by = key) {
  const jwt = new SignJWT({ ...who }).setProtectedHeader({ alg: "RS256", kid }).setIssuer(iss).setAudience(aud);
  const now = Math.floor(Date.now() / 1_000);
  return (exp === null ? jwt : jwt.setExpirationTime(now + exp)).setIssuedAt(now - 3_600).sign(by);
}

async function call(token: string, send = app(), path = "/api/v1/tasks", method = "GET"): Promise<Response> {
  // A header that is no bearer token, in place of the admin's that the sender would add.
  return send(path, { method, headers: { "Cf-Access-Jwt-Assertion": token, Authorization: "none" } });
}

describe("a JWT of Cloudflare Access", () => {
  it("a JWT of Cloudflare Access lets its identity in with the scope that PEACH_ACCESS_SCOPES gives it, the first entry first", async () => {
    const boss = await sign({ email: "Boss@example.org" });
    const reader = await sign({ email: "ada@example.org" });
    const service = await sign({ common_name: "build.access" });
    const send = app();
    expect((await call(boss, send, "/api/v1/schedules/echo/pause", "POST")).status).toBe(404);
    expect((await call(reader, send)).status).toBe(200);
    expect((await call(reader, send, "/api/v1/schedules/echo/pause", "POST")).status).toBe(403);
    expect((await call(service, send)).status).toBe(403);
    expect((await call(service, send, "/api/v1/tasks/nothing/trigger", "POST")).status).toBe(404);
    expect(fetched).toEqual([`https://${domain}/cdn-cgi/access/certs`]);
  });

  it("a JWT of Cloudflare Access of somebody who has no scope is 403 and says where to give one", async () => {
    for (const email of ["eve@example.com", "x@y.z", "eve@badexample.org"]) {
      const response = await call(await sign({ email }));
      expect(response.status).toBe(403);
      expect(await response.json()).toMatchObject({
        code: "forbidden",
        hint: expect.stringContaining("PEACH_ACCESS_SCOPES"),
      });
    }
  });

  it.each<[string, Claims]>([
    ["has expired", { email: "boss@example.org", exp: -60 }],
    ["never expires", { email: "boss@example.org", exp: null }],
    ["is for another application", { email: "boss@example.org", aud: "another" }],
    ["is of another team", { email: "boss@example.org", iss: "https://other.cloudflareaccess.com" }],
    ["names nobody", {}],
    ["names a key that the team has not", { email: "boss@example.org", kid: "two" }],
  ])("a JWT of Cloudflare Access that %s is 401", async (_what, claims) => {
    const response = await call(await sign(claims));
    expect(response.status).toBe(401);
    expect(response.headers.get("WWW-Authenticate")).toContain("invalid_token");
  });

  it("a JWT of Cloudflare Access that was signed by somebody else, or not at all, is 401", async () => {
    const forged = await sign({ email: "boss@example.org" }, other);
    const [, payload = ""] = forged.split(".");
    const unsigned = `${btoa('{"alg":"none"}').replaceAll("=", "")}.${payload}.`;
    const secret = new TextEncoder().encode("the public key is no secret, says alg confusion");
    const confused = await new SignJWT({ email: "boss@example.org" })
      .setProtectedHeader({ alg: "HS256", kid: "one" })
      .setIssuer(`https://${domain}`)
      .setAudience(AUDIENCE)
      .setExpirationTime("1m")
      .sign(secret);
    for (const token of [forged, unsigned, confused, "garbage", "a.b.c"]) {
      expect((await call(token)).status).toBe(401);
    }
  });

  it("a JWT of Cloudflare Access that the key of the team has signed by another algorithm than RS256 is 401", async () => {
    const pair = await generateKeyPair("PS256", { extractable: true });
    const { alg: _, ...anyRsa } = { alg: "", ...(await exportJWK(pair.publicKey)) };
    jwks = { keys: [...jwks.keys, { ...anyRsa, kid: "two", use: "sig" }] };
    const signed = new SignJWT({ email: "boss@example.org" }).setProtectedHeader({ alg: "PS256", kid: "two" });
    signed.setIssuer(`https://${domain}`).setAudience(AUDIENCE).setExpirationTime("1m");
    expect((await call(await signed.sign(pair.privateKey))).status).toBe(401);
  });

  it("a JWT of Cloudflare Access means nothing where Access is not set up, and is not looked at beside a token", async () => {
    const boss = await sign({ email: "boss@example.org" });
    expect((await call(boss, app({ PEACH_ACCESS_AUD: "" }))).status).toBe(401);
    expect((await call(boss, app({ PEACH_ACCESS_TEAM_DOMAIN: "" }))).status).toBe(401);
    const isSetUp = (vars: object): boolean =>
      accessAuthenticator.isConfigured(Object.assign(Object.create(null), vars));
    expect(isSetUp({ PEACH_ACCESS_TEAM_DOMAIN: domain, PEACH_ACCESS_AUD: AUDIENCE })).toBe(true);
    expect(isSetUp({ PEACH_ACCESS_TEAM_DOMAIN: domain })).toBe(false);
    expect(isSetUp({ PEACH_ACCESS_AUD: AUDIENCE })).toBe(false);
    expect(fetched).toEqual([]);
    const send = app({ PEACH_API_TOKEN: ADMIN_TOKEN });
    const both = (token: string) =>
      send("/api/v1/tasks", { headers: { "Cf-Access-Jwt-Assertion": boss, Authorization: `Bearer ${token}` } });
    expect((await both(ADMIN_TOKEN)).status).toBe(200);
    expect((await both("wrong")).status).toBe(401);
    expect(fetched).toEqual([]);
  });

  it("a JWT of Cloudflare Access is 503, not 401, while the keys of the team cannot be read", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    vi.spyOn(globalThis, "fetch").mockImplementation(async () => new Response("down", { status: 502 }));
    const boss = await sign({ email: "boss@example.org" });
    expect((await call(boss)).status).toBe(503);
    vi.spyOn(globalThis, "fetch").mockRejectedValue(new TypeError("no network"));
    expect((await call(boss)).status).toBe(503);
    vi.spyOn(globalThis, "fetch").mockImplementation(async () => Response.json(jwks));
    expect((await call(boss)).status).toBe(200);
  });
});

describe("a browser that is signed in by Cloudflare Access", () => {
  const PAUSE = "/api/v1/tasks/nothing/pause";
  const COOKIE = { Cookie: "a=b; CF_Authorization=jwt" };

  /** The status of the answer; 404 is what somebody with the right to it gets. */
  async function answered(headers: Record<string, string>, claims: Claims = {}, method = "POST", path = PAUSE) {
    const token = await sign({ ...(claims.common_name === undefined && { email: "boss@example.org" }), ...claims });
    const send = app({ PEACH_ACCESS_SCOPES: "boss@example.org:admin, robot.access:admin" });
    const response = await send(`https://peach.example${path}`, {
      method,
      headers: { "Cf-Access-Jwt-Assertion": token, Authorization: "none", ...headers },
    });
    const { code }: { code?: string } = await response.json();
    return [response.status, code];
  }

  it.each<[string, Record<string, string>]>([
    ["a page of another site", { "Sec-Fetch-Site": "cross-site", Origin: "https://evil.example", ...COOKIE }],
    ["a page of another host of the site", { "Sec-Fetch-Site": "same-site" }],
    ["an older browser on another site", { Origin: "https://evil.example", ...COOKIE }],
    ["a page without an origin", { Origin: "null" }],
    ["a browser that says nothing", COOKIE],
    ["an address that was typed in", { "Sec-Fetch-Site": "none", ...COOKIE }],
  ])("a browser that is signed in by Cloudflare Access changes nothing for %s", async (_what, headers) => {
    expect(await answered(headers)).toEqual([403, "forbidden"]);
    expect(await answered({ ...headers, "Content-Type": "text/plain" }, {}, "DELETE")).toEqual([403, "forbidden"]);
  });

  it.each<[string, Record<string, string>]>([
    [
      "the dashboard",
      { "Sec-Fetch-Site": "same-origin", Origin: "https://peach.example", "X-Peach-Dashboard": "1", ...COOKIE },
    ],
    ["a page of this origin", { "Sec-Fetch-Site": "same-origin", ...COOKIE }],
    ["an older browser on a page of this origin", { Origin: "https://peach.example", ...COOKIE }],
    ["a program that sends the JWT itself", {}],
    ["a program that sends the cookie, and says so", { "X-Peach-Dashboard": "1", ...COOKIE }],
  ])("a browser that is signed in by Cloudflare Access changes things for %s", async (_what, headers) => {
    expect(await answered(headers)).toEqual([404, "unknown_task"]);
  });

  it("a browser that is signed in by Cloudflare Access reads wherever it comes from, but opens no WebSocket for others", async () => {
    const elsewhere = { "Sec-Fetch-Site": "cross-site", Origin: "https://evil.example", ...COOKIE };
    const events = `/api/v1/runs/run_${"0".repeat(26)}/events`;
    expect(await answered(elsewhere, {}, "GET", events)).toEqual([404, "unknown_run"]);
    expect(await answered({ ...elsewhere, Upgrade: "websocket" }, {}, "GET", events)).toEqual([403, "forbidden"]);
    const own = { Origin: "https://peach.example", Upgrade: "websocket", ...COOKIE };
    expect(await answered(own, {}, "GET", events)).toEqual([404, "unknown_run"]);
  });

  it("a browser that is signed in by Cloudflare Access ends the WebSockets that it has opened when it expires", async () => {
    const { run } = await HandDrivenRun.accept(acceptance(planOf([taskPlan("echo")]), "echo"));
    const headers = { "Cf-Access-Jwt-Assertion": await sign({ common_name: "build.access" }), Authorization: "none" };
    const events = `/api/v1/runs/${run.id}/events`;
    const { webSocket } = await app({ PEACH_ACCESS_SCOPES: "*:read" })(events, {
      headers: { ...headers, Upgrade: "websocket" },
    });
    if (webSocket === null) throw new Error("there is no WebSocket");
    const said: unknown[] = [];
    webSocket.addEventListener("message", ({ data }) => void said.push(data));
    webSocket.addEventListener("close", ({ code }) => void said.push(code));
    webSocket.accept();
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 55_000);
    webSocket.send("ping");
    await vi.waitFor(() => expect(said.slice(1)).toEqual(["pong"]), { timeout: 10_000 });
    // The clocks of others may be ten seconds apart, as for requests.
    vi.setSystemTime(Date.now() + 16_000);
    webSocket.send("ping");
    await vi.waitFor(() => expect(said.slice(1)).toEqual(["pong", 3_000]), { timeout: 10_000 });
    webSocket.close();
  });

  it("a browser that is signed in by Cloudflare Access is no service token, whatever headers that comes with", async () => {
    const headers = { "Sec-Fetch-Site": "cross-site", Origin: "https://app.example" };
    expect(await answered(headers, { common_name: "robot.access" })).toEqual([404, "unknown_task"]);
    expect(await answered(headers, { common_name: "robot.access", email: "boss@example.org" })).toEqual([
      403,
      "forbidden",
    ]);
  });
});
