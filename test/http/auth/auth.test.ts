import { describe, expect, it } from "vitest";
import { edge, ADMIN_TOKEN } from "../../support/edge.ts";
import { planOf, taskPlan } from "../../support/plan.ts";

const PLAN = planOf([taskPlan("echo")]);
const RUN = `run_${"0".repeat(26)}`;

function hex(text: string): Promise<string> {
  return crypto.subtle
    .digest("SHA-256", new TextEncoder().encode(text))
    .then((digest) => new Uint8Array(digest).toHex());
}

function bearer(token: string): RequestInit {
  return { headers: { Authorization: `Bearer ${token}` } };
}

describe("the API's tokens", () => {
  it("the API's tokens refuse everyone where none is configured, and say what to set", async () => {
    const send = edge(PLAN, { env: { PEACH_API_TOKEN: "", PEACH_API_TOKENS: "" } });
    for (const token of ["", "undefined", ADMIN_TOKEN]) {
      const response = await send(`/api/v1/runs/${RUN}`, bearer(token));
      expect(response.status).toBe(401);
      expect(await response.json()).toMatchObject({
        code: "unauthorized",
        hint: expect.stringContaining("PEACH_API_TOKEN"),
      });
    }
  });

  it.each(["", "Bearer", "Bearer ", "Basic YTpi", `Token ${ADMIN_TOKEN}`, ADMIN_TOKEN])(
    "the API's tokens refuse the header %j with a challenge",
    async (header) => {
      const response = await edge(PLAN)(`/api/v1/runs/${RUN}`, { headers: { Authorization: header } });
      expect(response.status).toBe(401);
      expect(response.headers.get("WWW-Authenticate")).toBe('Bearer realm="peach"');
    },
  );

  it("the API's tokens refuse a wrong token, and never repeat it", async () => {
    const response = await edge(PLAN)(`/api/v1/runs/${RUN}`, bearer(`${ADMIN_TOKEN}x`));
    expect(response.status).toBe(401);
    expect(response.headers.get("WWW-Authenticate")).toContain('error="invalid_token"');
    expect(await response.text()).not.toContain(ADMIN_TOKEN);
  });

  it("the API's tokens refuse an unknown path too, before they say that it is unknown", async () => {
    const response = await edge(PLAN)("/api/v1/nothing", bearer("wrong"));
    expect(response.status).toBe(401);
  });

  it("the API's tokens take the scheme in any case", async () => {
    const response = await edge(PLAN)(`/api/v1/runs/${RUN}`, { headers: { Authorization: `bearer ${ADMIN_TOKEN}` } });
    expect(response.status).toBe(404);
  });

  it("the API's tokens ignore an entry of PEACH_API_TOKENS that cannot be read, and take the others", async () => {
    const tokens = `broken, x:owner:${await hex("owner")},short:admin:abc , desk:admin:${(await hex("good")).toUpperCase()}`;
    const send = edge(PLAN, { env: { PEACH_API_TOKEN: "", PEACH_API_TOKENS: tokens } });
    expect((await send(`/api/v1/runs/${RUN}`, bearer("good"))).status).toBe(404);
    expect((await send(`/api/v1/runs/${RUN}`, bearer("owner"))).status).toBe(401);
    expect((await send(`/api/v1/runs/${RUN}`, bearer("abc"))).status).toBe(401);
  });
});
