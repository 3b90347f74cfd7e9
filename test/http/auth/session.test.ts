import { driven } from "../../support/driven-object.ts";
import { env } from "../../support/env.ts";
import { afterEach, describe, expect, it, vi } from "vitest";
import { parseSessionId } from "../../../src/domain/ids.ts";
import type { IdentityObject } from "../../../src/objects/identity/identity-object.ts";
import { local } from "../../../src/http/local/present.ts";
import { signLoginCode } from "../../../src/http/auth/login-code.ts";
import { ADMIN_TOKEN, edge, type EdgeOptions } from "../../support/edge.ts";
import { planOf, taskPlan } from "../../support/plan.ts";

const PLAN = planOf([taskPlan("echo")]);
const RUN = `/api/v1/runs/run_${"0".repeat(26)}`;
const HOUR = 3_600_000;
const START = Date.UTC(2027, 0, 1);
/** Far in the future. */
const FAR = 99_999_999_999_999;
const OWN = { "X-Peach-Dashboard": "1", "Sec-Fetch-Site": "same-origin" };

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

async function digestOf(token: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token)));
}

/** Requests as a browser makes them: without a token. */
function browser(options: EdgeOptions = {}) {
  const send = edge(PLAN, { ...options, withoutToken: true });
  const logIn = (body: unknown, headers: HeadersInit = OWN, origin = ""): Promise<Response> =>
    send(`${origin}/dashboard/login`, { method: "POST", headers, body: JSON.stringify(body) });
  const cookieOf = (response: Response): string => response.headers.get("Set-Cookie")?.split(";")[0] ?? "";
  return { send, logIn, cookieOf };
}

async function loggedIn(options: EdgeOptions = {}, token = ADMIN_TOKEN) {
  const { send, logIn, cookieOf } = browser(options);
  const cookie = cookieOf(await logIn({ token }));
  const call = (path: string, method = "GET", headers: Record<string, string> = OWN): Promise<Response> =>
    send(path, { method, headers: { Cookie: cookie, ...headers } });
  const [newest] = await env.IDENTITY.getByName("identity").sessions();
  const id = parseSessionId(newest?.id ?? "");
  if (id === null) throw new Error("there is no session");
  return { call, cookie, id };
}

describe("the session of the dashboard", () => {
  it("the session of the dashboard begins with a token, and is a cookie that no script reads and no other site sends", async () => {
    const { logIn } = browser();
    const answer = await logIn({ token: ADMIN_TOKEN });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ name: "api", scopes: ["admin"] });
    const cookie = answer.headers.get("Set-Cookie") ?? "";
    expect(cookie).toMatch(/^peach_session=\S+; Max-Age=604800; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain(ADMIN_TOKEN);
  });

  it("the session of the dashboard is a __Host- cookie with Secure over https", async () => {
    const { logIn } = browser();
    const answer = await logIn({ token: ADMIN_TOKEN }, OWN, "https://peach.example");
    expect(answer.headers.get("Set-Cookie")).toMatch(/^__Host-peach_session=.*Secure/);
  });

  it("the session of the dashboard calls the API, and is known to the dashboard until it logs out", async () => {
    const { call } = await loggedIn();
    expect((await call(RUN)).status).toBe(404);
    expect((await call("/dashboard/session")).status).toBe(200);
    const out = await call("/dashboard/logout", "POST");
    expect(out.headers.get("Set-Cookie")).toContain("Max-Age=0");
    // Whoever has kept the cookie has nothing.
    expect((await call(RUN)).status).toBe(401);
    expect((await call("/dashboard/session")).status).toBe(401);
  });

  it("the session of the dashboard has its log-in and log-out in the audit, and who tried in vain", async () => {
    vi.spyOn(console, "info").mockImplementation(() => undefined);
    const from = { ...OWN, "CF-Connecting-IP": "192.0.2.77" };
    const { logIn } = browser();
    await logIn({ token: "guess" }, from);
    await logIn({ token: "guess again" }, from);
    const { call } = await loggedIn();
    await call("/dashboard/logout", "POST", from);
    const audited = async (what: string): Promise<unknown> => {
      const page = await edge(PLAN)(`/api/v1/audit?what=${what}&limit=2`);
      const { entries } = await page.json<{
        entries: { who: string; on: string; status: number; from: string; count: number }[];
      }>();
      for (const { who, on } of entries) expect(on).toMatch(who === "nobody" ? /^$/ : /^ses_/);
      return entries.map(({ who, status, from: address, count }) => `${who} ${status} ${address} ${count}`);
    };
    await vi.waitFor(async () => {
      expect(await audited("logIn")).toEqual(expect.arrayContaining(["nobody 401 192.0.2.77 2", "api 200 unknown 1"]));
      expect(await audited("logOut")).toContain("api 204 192.0.2.77 1");
    }, 10_000);
  });

  it("the session of the dashboard that has ended in another isolate is over here within 5 seconds", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: START });
    const { call, id } = await loggedIn();
    expect((await call(RUN)).status).toBe(404);
    await env.IDENTITY.getByName("identity").endSession(id);
    vi.setSystemTime(START + 5_000);
    expect((await call(RUN)).status).toBe(401);
  });

  it("the session of the dashboard ends after 12 hours without use, and after 7 days however much it is used", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: START });
    const [used, unused] = [await loggedIn(), await loggedIn()];
    for (let hours = 11; hours < 7 * 24; hours += 11) {
      vi.setSystemTime(START + hours * HOUR);
      expect((await used.call(RUN)).status, `after ${hours} hours`).toBe(404);
      if (hours === 11) continue;
      expect((await unused.call(RUN)).status).toBe(401);
    }
    vi.setSystemTime(START + 7 * 24 * HOUR);
    expect((await used.call(RUN)).status).toBe(401);
  });

  it("the session of the dashboard is deleted with all that is known of it when it is over", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: START });
    const identity = env.IDENTITY.getByName("identity");
    await loggedIn();
    vi.setSystemTime(START + 30 * 24 * HOUR);
    await driven(identity).wake();
    const kept = (storage: DurableObjectStorage): number =>
      storage.sql.exec<{ sessions: number }>("SELECT count(*) AS sessions FROM sessions").one().sessions;
    expect(await driven(identity).inside(({ storage }) => kept(storage))).toBe(0);
  });

  it("the session of the dashboard is ended by no flood of log-ins with another token: each has room for sessions of its own", async () => {
    const { call } = await loggedIn();
    const flood = { token: "narrow", tokenId: "f".repeat(64), address: "192.0.2.66" };
    await driven(env.IDENTITY.getByName("identity")).inside(async (_, object: IdentityObject) => {
      for (let time = 0; time < 1_100; time += 1) {
        const id = parseSessionId(`ses_${String(time).padStart(26, "0")}`);
        if (id !== null) await object.startSession({ ...flood, id });
      }
    });
    vi.setSystemTime(Date.now() + 6_000);
    expect((await call("/dashboard/session")).status).toBe(200);
    const kept = await env.IDENTITY.getByName("identity").sessions();
    expect(kept.filter(({ tokenId }) => tokenId === flood.tokenId)).toHaveLength(100);
  });

  it("the session of the dashboard is listed for an admin, who may end it", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: START });
    const hex = (await digestOf("t")).toHex();
    const options = { env: { PEACH_API_TOKENS: `desk:read:${hex}` } };
    const admin = await loggedIn(options);
    vi.setSystemTime(START + 1_000);
    const desk = await loggedIn(options, "t");
    const { sessions } = await (await admin.call("/api/v1/sessions")).json<{ sessions: { id: string }[] }>();
    expect(sessions.find(({ id }) => id === desk.id)).toEqual({
      id: desk.id,
      token: "desk",
      from: "unknown",
      created_at: "2027-01-01T00:00:01.000Z",
      last_seen_at: "2027-01-01T00:00:01.000Z",
      expires_at: "2027-01-08T00:00:01.000Z",
    });
    expect((await desk.call("/api/v1/schedules")).status).toBe(200);
    expect((await desk.call("/api/v1/sessions")).status).toBe(403);
    expect((await admin.call(`/api/v1/sessions/${desk.id}`, "DELETE")).status).toBe(204);
    expect((await desk.call("/api/v1/schedules")).status).toBe(401);
    expect((await admin.call(`/api/v1/sessions/${desk.id}`, "DELETE")).status).toBe(404);
  });

  it("the session of the dashboard is not that of another token which has taken the name of its own", async () => {
    const options = async (token: string): Promise<EdgeOptions> => ({
      env: { PEACH_API_TOKENS: `desk:admin:${(await digestOf(token)).toHex()}` },
    });
    const { call, cookie } = await loggedIn(await options("before"), "before");
    expect((await call("/api/v1/schedules")).status).toBe(200);
    const { send } = browser(await options("after"));
    expect((await send("/api/v1/schedules", { headers: { ...OWN, Cookie: cookie } })).status).toBe(401);
  });

  it.each([{ token: `${ADMIN_TOKEN}x` }, { token: "" }, { code: "1.2.3" }])(
    "the session of the dashboard is refused for %j",
    async (body) => {
      const { logIn } = browser();
      const answer = await logIn(body);
      expect([answer.status, answer.headers.get("Set-Cookie")]).toEqual([401, null]);
    },
  );

  it.each(["{}", "[]", "null", "{", '{"token": 1}'])(
    "the session of the dashboard is refused for the body %s",
    async (body) => {
      const { send } = browser();
      expect((await send("/dashboard/login", { method: "POST", headers: OWN, body })).status).toBe(400);
    },
  );

  it("the session of the dashboard is not listed as open once its token has expired, or is not configured any more", async () => {
    vi.spyOn(console, "info").mockImplementation(() => undefined);
    const hex = (await digestOf("t")).toHex();
    // Each begins at a time of its own, by which the newest is told.
    const later = (ms: number): unknown => vi.setSystemTime(Date.now() + ms);
    vi.useFakeTimers({ toFake: ["Date"], now: START + 365 * 24 * HOUR });
    const configured = await loggedIn({ env: { PEACH_API_TOKENS: `desk:read:${hex}` } }, "t");
    later(1_000);
    const admin = await loggedIn();
    later(1_000);
    const body = JSON.stringify({ name: crypto.randomUUID(), scopes: ["read"], expires_in: "1m" });
    const headers = { Authorization: `Bearer ${ADMIN_TOKEN}` };
    const made = await browser().send("/api/v1/tokens", { method: "POST", headers, body });
    const expiring = await loggedIn({}, (await made.json<{ token: string }>()).token);
    const listed = async (): Promise<boolean[]> => {
      const { sessions } = await (await admin.call("/api/v1/sessions")).json<{ sessions: { id: string }[] }>();
      return [admin, expiring, configured].map((each) => sessions.some(({ id }) => id === each.id));
    };
    expect(await listed()).toEqual([true, true, false]);
    later(60_000);
    expect(await listed()).toEqual([true, false, false]);
  });

  it("the session of the dashboard is over when its token has expired", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: START + 366 * 24 * HOUR });
    const body = JSON.stringify({ name: crypto.randomUUID(), scopes: ["read"], expires_in: "1m" });
    const headers = { Authorization: `Bearer ${ADMIN_TOKEN}` };
    const made = await browser().send("/api/v1/tokens", { method: "POST", headers, body });
    const { call } = await loggedIn({}, (await made.json<{ token: string }>()).token);
    expect((await call("/api/v1/schedules")).status).toBe(200);
    vi.setSystemTime(Date.now() + 60_000);
    expect((await call("/api/v1/schedules")).status).toBe(401);
  });

  it("the session of the dashboard has the rights of its token, and loses them with the token", async () => {
    const hex = (await digestOf("t")).toHex();
    const { call, cookie } = await loggedIn({ env: { PEACH_API_TOKENS: `desk:read:${hex}` } }, "t");
    expect((await call("/api/v1/schedules")).status).toBe(200);
    expect((await call(`${RUN}/cancel`, "POST")).status).toBe(403);
    const { send } = browser();
    expect((await send("/api/v1/schedules", { headers: { ...OWN, Cookie: cookie } })).status).toBe(401);
  });

  it("the session of the dashboard cannot be made by who knows the digest of a token, which stands in PEACH_API_TOKENS for all to see", async () => {
    const digest = await digestOf("token of ada");
    const { send } = browser({ env: { PEACH_API_TOKENS: `ada:admin:${digest.toHex()}` } });
    // As cookies were made once: EXPIRES.NONCE.HMAC, the key being the digest.
    const nonce = "0".repeat(32);
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const key = await crypto.subtle.importKey("raw", digest, algorithm, false, ["sign"]);
    const mac = async (text: string): Promise<Uint8Array> =>
      new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(text)));
    const before = `peach session v1\n${FAR}\n${nonce}`;
    const random = "A".repeat(22);
    const sealed = (await mac(random)).toBase64({ alphabet: "base64url", omitPadding: true }).slice(0, 22);
    const asked = vi.spyOn(env.IDENTITY, "getByName");
    for (const cookie of [`${FAR}.${nonce}.${(await mac(before)).toHex()}`, `${random}.${sealed}`, digest.toHex()])
      expect((await send("/api/v1/schedules", { headers: { ...OWN, Cookie: `peach_session=${cookie}` } })).status).toBe(
        401,
      );
    for (const presented of [digest.toHex(), digest.toBase64()])
      expect((await send("/api/v1/schedules", { headers: { Authorization: `Bearer ${presented}` } })).status).toBe(401);
    // What is made up asks for nothing.
    expect(asked).not.toHaveBeenCalled();
  });

  it("the session of the dashboard cannot be made of the cookie of another session, a link, or anything else", async () => {
    const { send } = browser();
    const { cookie } = await loggedIn();
    const own = cookie.replace("peach_session=", "");
    const [random = "", seal = ""] = own.split(".");
    const flipped = (text: string): string => `${text.startsWith("A") ? "B" : "A"}${text.slice(1)}`;
    const link = await signLoginCode(ADMIN_TOKEN, Date.now());
    for (const text of [`${flipped(random)}.${seal}`, `${random}.${flipped(seal)}`, random, link, "", "x"]) {
      const answer = await send("/api/v1/schedules", { headers: { ...OWN, Cookie: `peach_session=${text}` } });
      expect(answer.status).toBe(401);
    }
  });

  it("the session of the dashboard takes changes only with the dashboard's header, and nothing from another site", async () => {
    const { call } = await loggedIn();
    const { "X-Peach-Dashboard": _, ...withoutHeader } = OWN;
    const cross = { ...OWN, "Sec-Fetch-Site": "cross-site" };
    const sibling = { ...OWN, "Sec-Fetch-Site": "same-site" };
    const otherOrigin = { "X-Peach-Dashboard": "1", Origin: "https://evil.example" };
    for (const headers of [withoutHeader, cross, sibling, otherOrigin, { "X-Peach-Dashboard": "1" }])
      expect((await call(`${RUN}/cancel`, "POST", headers)).status).toBe(403);
    for (const headers of [cross, sibling, otherOrigin]) expect((await call(RUN, "GET", headers)).status).toBe(403);
    expect((await call(`${RUN}/cancel`, "POST")).status).toBe(404);
    const own = { "X-Peach-Dashboard": "1", Origin: "http://localhost" };
    expect((await call(`${RUN}/cancel`, "POST", own)).status).toBe(404);
    expect((await call(RUN, "GET", { "Sec-Fetch-Site": "none" })).status).toBe(404);
  });

  it("the session of the dashboard is begun by no other site", async () => {
    const { logIn } = browser();
    expect((await logIn({ token: ADMIN_TOKEN }, { "Sec-Fetch-Site": "cross-site" })).status).toBe(403);
    expect((await logIn({ token: ADMIN_TOKEN }, {})).status).toBe(403);
  });

  it("the session of the dashboard counts for nothing beside a token", async () => {
    const { cookie } = await loggedIn();
    const answer = await browser().send(RUN, { headers: { ...OWN, Cookie: cookie, Authorization: "Bearer wrong" } });
    expect(answer.status).toBe(401);
  });
});

describe("the link of npm run dev", () => {
  it("the link of npm run dev logs in once, on the local runtime only", async () => {
    const code = await signLoginCode(ADMIN_TOKEN, Date.now());
    expect((await browser({ env: { PEACH_LOCAL: "1" } }).logIn({ code })).status).toBe(401);
    const { logIn } = browser({ dependencies: { local } });
    const both = await Promise.all([logIn({ code }), logIn({ code })]);
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 401]);
    expect((await logIn({ code })).status).toBe(401);
  });

  it("the link of npm run dev is made with the token itself: who knows its digest, or another token, makes none", async () => {
    const hex = (await digestOf("other")).toHex();
    const { logIn } = browser({ dependencies: { local }, env: { PEACH_API_TOKENS: `other:admin:${hex}` } });
    for (const secret of [(await digestOf(ADMIN_TOKEN)).toHex(), "other", hex])
      expect((await logIn({ code: await signLoginCode(secret, Date.now()) })).status).toBe(401);
    expect((await logIn({ code: await signLoginCode(ADMIN_TOKEN, Date.now() - 12 * HOUR) })).status).toBe(401);
    expect((await logIn({ code: await signLoginCode(ADMIN_TOKEN, Date.now() + 60_000) })).status).toBe(401);
    const code = await signLoginCode(ADMIN_TOKEN, Date.now());
    for (const at of [0, 4, 7, 10, 19]) {
      const other = `${code.slice(0, at)}${code[at] === "A" ? "Q" : "A"}${code.slice(at + 1)}`;
      expect((await logIn({ code: other })).status).toBe(401);
    }
    expect((await logIn({ code })).status).toBe(200);
  });

  it("the link of npm run dev leaves its mark until it has expired: the next log-in deletes an older one, also one that says no time", async () => {
    const mark = (key: string, customMetadata: Record<string, string>) =>
      env.PAYLOADS.put(`login-codes/${key}`, "", { customMetadata });
    const marks = async (): Promise<Set<string>> =>
      new Set((await env.PAYLOADS.list({ prefix: "login-codes/" })).objects.map(({ key }) => key));
    const { logIn } = browser({ dependencies: { local } });
    await mark("lasting", { expires: String(Date.now() + HOUR) });
    for (const old of [{ expires: String(Date.now() - 1) }, {}]) {
      await mark("old", old);
      const before = await marks();
      expect((await logIn({ code: await signLoginCode(ADMIN_TOKEN, Date.now()) })).status).toBe(200);
      const after = await marks();
      expect([...before.difference(after)]).toEqual(["login-codes/old"]);
      expect(after.difference(before).size).toBe(1);
    }
    const deleted = vi.spyOn(env.PAYLOADS, "delete");
    expect((await logIn({ code: await signLoginCode(ADMIN_TOKEN, Date.now()) })).status).toBe(200);
    expect(deleted).not.toHaveBeenCalled();
  });

  it("the link of npm run dev fits a line of a terminal: its code has twenty characters, none of which a URL must escape", async () => {
    const codes = await Promise.all(Array.from({ length: 5 }, () => signLoginCode(ADMIN_TOKEN, Date.now())));
    expect(codes.filter((code) => !/^[A-Za-z0-9_-]{20}$/.test(code))).toEqual([]);
    expect(new Set(codes).size).toBe(5);
  });
});
