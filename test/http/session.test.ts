import { describe, expect, it } from "vitest";
import { local } from "../../src/http/local/present.ts";
import { signGrant } from "../../src/http/signed-grant.ts";
import { ADMIN_TOKEN, edge, type EdgeOptions } from "../support/edge.ts";
import { planOf, taskPlan } from "../support/plan.ts";

const PLAN = planOf([taskPlan("echo")]);
const RUN = `/api/v1/runs/run_${"0".repeat(26)}`;
const OWN = { "X-Peach-Dashboard": "1", "Sec-Fetch-Site": "same-origin" };

async function digestOf(token: string): Promise<Uint8Array> {
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
  return { call, cookie };
}

describe("the session of the dashboard", () => {
  it("begins with a token, and is a cookie that no script reads and no other site sends", async () => {
    const { logIn } = browser();
    const answer = await logIn({ token: ADMIN_TOKEN });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ name: "api", scope: "admin" });
    const cookie = answer.headers.get("Set-Cookie") ?? "";
    expect(cookie).toMatch(/^peach_session=\S+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain(ADMIN_TOKEN);
  });

  it("is a __Host- cookie with Secure over https", async () => {
    const { logIn } = browser();
    const answer = await logIn({ token: ADMIN_TOKEN }, OWN, "https://peach.example");
    expect(answer.headers.get("Set-Cookie")).toMatch(/^__Host-peach_session=.*Secure/);
  });

  it("calls the API, and is known to the dashboard until it logs out", async () => {
    const { call } = await loggedIn();
    expect((await call(RUN)).status).toBe(404);
    expect((await call("/dashboard/session")).status).toBe(200);
    const out = await call("/dashboard/logout", "POST");
    expect(out.headers.get("Set-Cookie")).toContain("Max-Age=0");
  });

  it.each([{ token: `${ADMIN_TOKEN}x` }, { token: "" }, { code: "1.2.3" }])("is refused for %j", async (body) => {
    const { logIn } = browser();
    const answer = await logIn(body);
    expect([answer.status, answer.headers.get("Set-Cookie")]).toEqual([401, null]);
  });

  it.each(["{}", "[]", "null", "{", '{"token": 1}'])("is refused for the body %s", async (body) => {
    const { send } = browser();
    expect((await send("/dashboard/login", { method: "POST", headers: OWN, body })).status).toBe(400);
  });

  it("has the rights of its token, and loses them with the token", async () => {
    const hex = (await digestOf("t")).toHex();
    const { call, cookie } = await loggedIn({ env: { PEACH_API_TOKENS: `desk:read:${hex}` } }, "t");
    expect((await call("/api/v1/schedules")).status).toBe(200);
    expect((await call(`${RUN}/cancel`, "POST")).status).toBe(403);
    const { send } = browser();
    expect((await send("/api/v1/schedules", { headers: { ...OWN, Cookie: cookie } })).status).toBe(401);
  });

  it("cannot be made for a token by whoever has another one", async () => {
    const { send } = browser();
    const forged = await signGrant(await digestOf("mine"), "session", Date.now() + 60_000);
    const old = await signGrant(await digestOf(ADMIN_TOKEN), "session", Date.now() - 1);
    const link = await signGrant(await digestOf(ADMIN_TOKEN), "login", Date.now() + 60_000);
    for (const text of [forged, old, link, "", "x"]) {
      const answer = await send("/api/v1/schedules", { headers: { ...OWN, Cookie: `peach_session=${text}` } });
      expect(answer.status).toBe(401);
    }
  });

  it("takes changes only with the dashboard's header, and nothing from another site", async () => {
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

  it("is begun by no other site", async () => {
    const { logIn } = browser();
    expect((await logIn({ token: ADMIN_TOKEN }, { "Sec-Fetch-Site": "cross-site" })).status).toBe(403);
    expect((await logIn({ token: ADMIN_TOKEN }, {})).status).toBe(403);
  });

  it("counts for nothing beside a token", async () => {
    const { cookie } = await loggedIn();
    const answer = await browser().send(RUN, { headers: { ...OWN, Cookie: cookie, Authorization: "Bearer wrong" } });
    expect(answer.status).toBe(401);
  });
});

describe("the link of npm run dev", () => {
  it("logs in once, on the local runtime only", async () => {
    const code = await signGrant(await digestOf(ADMIN_TOKEN), "login", Date.now() + 60_000);
    expect((await browser({ env: { PEACH_LOCAL: "1" } }).logIn({ code })).status).toBe(401);
    const { logIn } = browser({ dependencies: { local } });
    const both = await Promise.all([logIn({ code }), logIn({ code })]);
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 401]);
    expect((await logIn({ code })).status).toBe(401);
  });
});
