import { describe, expect, it } from "vitest";
import type { EndpointFunction } from "../../../src/execution/author/method.ts";
import { ADMIN_TOKEN, edge, type Send } from "../../support/edge.ts";
import { endpointPlan, planOf, taskPlan } from "../../support/plan.ts";

const CONSOLE = "https://console.example.org";
const PUBLIC = "https://peach.example.org";
const PLAN = planOf([taskPlan("echo")], {
  endpoints: [endpointPlan("hook"), endpointPlan("root", { url: "/" }), endpointPlan("dashboards")],
});
const endpoint = (request: Request): string => request.headers.get("Cookie") ?? "no cookie";
const registry = { endpoints: { hook: endpoint, root: endpoint, dashboards: endpoint } };
const OWN = { "X-Peach-Dashboard": "1", "Sec-Fetch-Site": "same-origin" };
const BEARER = { Authorization: `Bearer ${ADMIN_TOKEN}` };

function withHost(host: string): Send {
  return edge(PLAN, { registry, withoutToken: true, env: { PEACH_CONSOLE_HOST: host } });
}

/** The cookie of somebody who has logged in at the console. */
async function cookieFrom(send: Send, origin = CONSOLE): Promise<string> {
  const body = JSON.stringify({ token: ADMIN_TOKEN });
  const answer = await send(`${origin}/dashboard/login`, { method: "POST", headers: OWN, body });
  return answer.headers.get("Set-Cookie")?.split(";")[0] ?? "";
}

describe("with PEACH_CONSOLE_HOST", () => {
  const send = withHost("console.example.org");

  it.each(["console.example.org", "CONSOLE.example.org", " console.example.org "])(
    "%j, the dashboard is on that host only",
    async (host) => {
      const here = withHost(host);
      expect((await here(`${CONSOLE}/dashboard`)).status).toBe(200);
      expect((await here(`${CONSOLE}:8443/dashboard`)).status).toBe(200);
      for (const path of ["/dashboard", "/dashboard/runs", "/dashboard/assets/x.js", "/dashboard/session"]) {
        const answer = await here(PUBLIC + path);
        expect([path, answer.status, await answer.json()]).toMatchObject([path, 404, { code: "not_found" }]);
      }
      expect(await cookieFrom(here, PUBLIC)).toBe("");
      expect(await cookieFrom(here)).toMatch(/^__Host-peach_session=/);
    },
  );

  it("endpoints are on the other hosts only with PEACH_CONSOLE_HOST, whatever their urls begin with", async () => {
    for (const path of ["/hook", "/", "/dashboards"]) {
      expect([path, (await send(PUBLIC + path)).status]).toEqual([path, 200]);
      for (const console of [CONSOLE, "https://console.example.org."]) {
        const answer = await send(console + path, { method: "POST" });
        expect([answer.status, await answer.json()]).toMatchObject([
          404,
          { detail: "There are no endpoints on this host." },
        ]);
      }
    }
  });

  it("the API knows who is logged in on that host only, and a token on every one", async () => {
    const Cookie = await cookieFrom(send);
    const list = (origin: string, headers: Record<string, string>): Promise<Response> =>
      send(`${origin}/api/v1/runs`, { headers });
    expect((await list(CONSOLE, { ...OWN, Cookie })).status).toBe(200);
    expect((await list(PUBLIC, { ...OWN, Cookie })).status).toBe(401);
    expect((await list(PUBLIC, BEARER)).status).toBe(200);
    expect((await list(CONSOLE, BEARER)).status).toBe(200);
    expect((await list(PUBLIC, { ...BEARER, Cookie })).status).toBe(200);
  });

  it("what Cloudflare Access says of a browser counts on that host only", async () => {
    const env = {
      PEACH_CONSOLE_HOST: "console.example.org",
      PEACH_ACCESS_TEAM_DOMAIN: "team.cloudflareaccess.com",
      PEACH_ACCESS_AUD: "a",
    };
    const access = edge(PLAN, { registry, withoutToken: true, env });
    const headers = { "Cf-Access-Jwt-Assertion": "no.jwt.at-all" };
    const said = async (origin: string): Promise<string> =>
      (await (await access(`${origin}/api/v1/runs`, { headers })).json<{ detail: string }>()).detail;
    expect(await said(CONSOLE)).toContain("The JWT of Cloudflare Access is not accepted");
    expect(await said(PUBLIC)).toBe("The request has no API token.");
  });

  it("an endpoint gets the cookies that are sent to its own host, and /healthz is everywhere", async () => {
    expect(await (await send(`${PUBLIC}/hook`, { headers: { Cookie: "mine=1" } })).json()).toBe("mine=1");
    expect((await send(`${CONSOLE}/healthz`)).status).toBe(200);
    expect((await send(`${PUBLIC}/healthz`)).status).toBe(200);
  });
});

describe("a PEACH_CONSOLE_HOST that is no host", () => {
  it.each([
    "https://console.example.org",
    "console.example.org:443",
    "console.example.org/dashboard",
    "a b",
    "a..b",
    "*",
  ])("%j lets nobody be logged in, and says what to do", async (host) => {
    const Cookie = await cookieFrom(withHost("console.example.org"));
    const send = withHost(host);
    for (const path of ["/dashboard", "/api/v1/runs"]) {
      const answer = await send(CONSOLE + path, { headers: { ...OWN, Cookie } });
      expect(answer.status).toBe(500);
      expect(await answer.json()).toMatchObject({
        code: "misconfigured",
        detail: expect.stringContaining(JSON.stringify(host)),
        hint: expect.stringContaining("without scheme, port or path"),
      });
    }
    // Webhooks and programs have nothing to do with it.
    expect((await send(`${PUBLIC}/hook`)).status).toBe(200);
    expect((await send(`${PUBLIC}/api/v1/runs`, { headers: BEARER })).status).toBe(200);
  });
});

describe("an endpoint whose url is all params", () => {
  const any: EndpointFunction = (request) => new URL(request.url).pathname;
  const endpoints = ["/:a", "/:a/:b", "/:a/:b/:c"].map((url, index) =>
    endpointPlan(`any_${index}`, { url, cors: { origins: ["https://evil.example"] } }),
  );
  const plan = planOf([taskPlan("echo")], { endpoints });
  const registry = { endpoints: { any_0: any, any_1: any, any_2: any } };

  it.each(["", "console.example.org"])(
    "an endpoint whose url is all params has no path of Peach's own, with PEACH_CONSOLE_HOST %j",
    async (host) => {
      const send = edge(plan, { registry, env: { PEACH_CONSOLE_HOST: host } });
      const own = ["/healthz/x", "/dev/r2", "/mcp", "/mcp/x", "/llms.txt", "/complete/x", "/dashboard/x", "/api/v1/x"];
      for (const path of own) {
        for (const method of ["POST", "DELETE"]) {
          const answer = await send(CONSOLE + path, { method });
          expect([path, answer.status]).toEqual([path, expect.toBeOneOf([404, 405])]);
        }
        const headers = { Origin: "https://evil.example", "Access-Control-Request-Method": "POST" };
        const asked = await send(CONSOLE + path, { method: "OPTIONS", headers });
        expect([path, asked.headers.get("Access-Control-Allow-Origin")]).toEqual([path, null]);
      }
      expect((await send(`${PUBLIC}/healthy/x`, { method: "POST" })).status).toBe(200);
    },
  );
});

describe("the session's cookie", () => {
  it("the session's cookie is nothing that an endpoint gets, beside cookies of its own", async () => {
    const send = withHost("");
    const Cookie = await cookieFrom(send);
    expect(Cookie).toMatch(/^__Host-peach_session=/);
    const got = async (cookies: string): Promise<unknown> =>
      (await send(`${PUBLIC}/hook`, { headers: { Cookie: cookies } })).json();
    expect(await got(Cookie)).toBe("no cookie");
    expect(await got(`a=1; ${Cookie};peach_session=x; b=2`)).toBe("a=1; b=2");
    expect(await got("not_peach_session=1")).toBe("not_peach_session=1");
    const known = await send(`${PUBLIC}/api/v1/runs`, { headers: { ...OWN, Cookie } });
    expect(known.status).toBe(200);
  });
});

describe("without PEACH_CONSOLE_HOST", () => {
  it("everything is on every host without PEACH_CONSOLE_HOST", async () => {
    const send = withHost("");
    for (const path of ["/hook", "/dashboard", "/healthz"]) expect((await send(PUBLIC + path)).status).toBe(200);
  });
});
