import { describe, expect, it } from "vitest";
import { edge, type Send } from "../support/edge.ts";
import { endpointPlan, planOf, taskPlan } from "../support/plan.ts";

async function outcomeOf(response: Response): Promise<string> {
  const { code } = await response.json<{ code?: string }>();
  return `${response.status}${code === undefined ? "" : ` ${code}`}`;
}

describe("auth: token", () => {
  const digest = async (text: string): Promise<string> =>
    new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).toHex();

  async function serve(): Promise<Send> {
    const tokens = await Promise.all(
      ["read", "trigger", "trigger:echo", "operate", "admin"].map(
        async (scope) => `${scope.replace(":", "-")}:${scope}:${await digest(scope)}`,
      ),
    );
    const endpoints = [endpointPlan("hook", { auth: { type: "token" }, cors: { origins: ["https://example.org"] } })];
    return edge(planOf([taskPlan("echo")], { endpoints }), {
      registry: { endpoints: { hook: async (request) => ({ read: await request.text() }) } },
      env: { PEACH_API_TOKENS: tokens.join() },
    });
  }

  it.each([
    ["Bearer trigger", "200"],
    ["Bearer admin", "200"],
    ["Bearer read", "403 forbidden"],
    // What an endpoint triggers is its author's choice.
    ["Bearer trigger:echo", "403 forbidden"],
    ["Bearer operate", "403 forbidden"],
    ["Bearer other", "401 unauthorized"],
    ["none", "401 unauthorized"],
  ])("auth: token answers %j with %s", async (Authorization, outcome) => {
    const response = await (await serve())("/hook", { method: "POST", body: "x", headers: { Authorization } });
    expect(response.headers.has("WWW-Authenticate")).toBe(outcome !== "200");
    expect(await outcomeOf(response)).toBe(outcome);
  });

  it("auth: token needs none for a preflight, which cannot bring one", async () => {
    const headers = { Authorization: "none", Origin: "https://example.org", "Access-Control-Request-Method": "POST" };
    expect((await (await serve())("/hook", { method: "OPTIONS", headers })).status).toBe(204);
  });

  it("auth: token has each call in the audit, with the token's name; of who has none, as nobody's", async () => {
    const send = await serve();
    const name = `hook-${crypto.randomUUID()}`;
    const from = { "CF-Connecting-IP": name };
    for (const token of ["trigger", "trigger", "read", "guess"])
      await send("/hook", { method: "POST", body: "x", headers: { ...from, Authorization: `Bearer ${token}` } });
    const page = await (
      await send("/api/v1/audit?what=callEndpoint")
    ).json<{
      entries: { who: string; on: string; status: number; from: string; count: number }[];
    }>();
    const ours = page.entries.filter((entry) => entry.from === name);
    expect(ours.map(({ who, on, status, count }) => `${who} ${on} ${status} ${count}`).toSorted()).toEqual([
      "nobody hook 401 1",
      "read hook 403 1",
      "trigger hook 200 2",
    ]);
  });
});
