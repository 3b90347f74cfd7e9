import { env } from "../support/env.ts";
import { describe, expect, it } from "vitest";
import { local } from "../../src/http/local/present.ts";
import { edge } from "../support/edge.ts";
import { endpointPlan, planOf, taskPlan } from "../support/plan.ts";

const PLAN = planOf([taskPlan("echo")], { endpoints: [endpointPlan("hook")] });
const registry = { endpoints: { hook: () => "called" } };
const send = edge(PLAN, { registry, dependencies: { local }, withoutToken: true });

describe("the local runtime", () => {
  it.each(["http://127.0.0.1:8787", "http://localhost:8787", "http://[::1]:8787", "http://LOCALHOST"])(
    "the local runtime answers at %s, also to its own pages and those of other ports",
    async (origin) => {
      expect((await send(`${origin}/hook`)).status).toBe(200);
      for (const page of ["http://127.0.0.1:8787", "http://localhost:5173", "http://[::1]:8787"])
        expect((await send(`${origin}/hook`, { method: "POST", headers: { Origin: page } })).status).toBe(200);
    },
  );

  it.each([
    "http://evil.example",
    "http://127.0.0.1.evil.example:8787",
    "http://localhost.evil.example",
    "http://10.0.0.1:8787",
    "http://0.0.0.0:8787",
  ])("the local runtime refuses %s, as DNS rebinding would have it, whatever is asked", async (origin) => {
    await env.UPLOADS.put("loopback/kept", "kept");
    for (const [path, init] of [
      ["/healthz", {}],
      ["/hook", {}],
      ["/dashboard", {}],
      ["/api/v1/tasks", {}],
      ["/dev/r2/uploads/loopback/kept", { method: "PUT", body: "forged" }],
      ["/dev/r2/uploads/loopback/kept", { method: "DELETE" }],
    ] as const) {
      const answer = await send(origin + path, init);
      expect([path, answer.status]).toEqual([path, 403]);
      expect(await answer.json()).toMatchObject({
        code: "forbidden",
        detail: expect.stringContaining("127.0.0.1, localhost and [::1] only"),
        hint: expect.stringContaining("--host-header=localhost"),
      });
    }
    expect(await (await env.UPLOADS.get("loopback/kept"))?.text()).toBe("kept");
  });

  it.each(["https://evil.example", "http://localhost.evil.example", "null", "file://"])(
    "the local runtime refuses what a page of %j sends",
    async (page) => {
      const init = { method: "POST", body: "{}", headers: { Origin: page, "Content-Type": "text/plain" } };
      const answer = await send("http://127.0.0.1:8787/hook", init);
      expect([answer.status, await answer.json()]).toMatchObject([403, { code: "forbidden" }]);
    },
  );

  it("the local runtime is no part of a deployed bundle: there any host answers", async () => {
    const deployed = edge(PLAN, { registry, withoutToken: true, env: { PEACH_LOCAL: "1" } });
    const headers = { Origin: "https://desk.example.org" };
    expect((await deployed("https://peach.example.org/hook", { headers })).status).toBe(200);
  });
});
