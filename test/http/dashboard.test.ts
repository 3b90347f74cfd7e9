import { describe, expect, it } from "vitest";
import { local } from "../../src/http/local/present.ts";
import { edge } from "../support/edge.ts";
import { endpointPlan, planOf, taskPlan } from "../support/plan.ts";

const PLAN = planOf([taskPlan("echo")]);
const dashboard = { document: "<p>", assets: { "main-1.js": { type: "text/javascript", text: "1" } } };
const send = edge(PLAN, { dependencies: { dashboard }, withoutToken: true });

function policyOf(answer: Response): Record<string, string> {
  const directives = (answer.headers.get("Content-Security-Policy") ?? "").split("; ");
  return Object.fromEntries(directives.map((directive) => directive.split(/ (.*)/, 2)));
}

describe("the dashboard's files", () => {
  it.each(["/dashboard", "/dashboard/runs/run_1?task=a", "/dashboard/assets/main-1.js"])(
    "%s is under a policy that admits scripts, styles and workers of the dashboard's own folder only",
    async (path) => {
      const policy = policyOf(await send(`https://peach.example${path}`));
      const assets = "https://peach.example/dashboard/assets/";
      expect(policy).toEqual({
        "default-src": "'none'",
        "script-src": assets,
        "worker-src": assets,
        "style-src": assets,
        "img-src": `${assets} https://peach.example/api/v1/runs/`,
        "media-src": `${assets} https://peach.example/api/v1/runs/`,
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "default",
      });
    },
  );

  it("the dashboard's files are found by name, and every path below /dashboard that is no file is the document", async () => {
    for (const path of ["/dashboard", "/dashboard/runs/run_1?task=a"]) {
      const answer = await send(path);
      expect([answer.status, await answer.text()]).toEqual([200, "<p>"]);
    }
    const file = await send("/dashboard/assets/main-1.js");
    expect(file.headers.get("Cache-Control")).toContain("immutable");
    expect((await send("/dashboard/assets/constructor")).status).toBe(404);
  });
});

describe("the address of the local runtime", () => {
  const browser = { headers: { Accept: "text/html,application/xhtml+xml" } };

  it("the address of the local runtime leads a browser to the dashboard: no other path does, and no other caller is led", async () => {
    const runtime = edge(PLAN, { dependencies: { local }, withoutToken: true });
    const led = await runtime("/", browser);
    expect([led.status, led.headers.get("Location")]).toEqual([302, "/dashboard"]);
    const others = [
      runtime("/nothing", browser),
      runtime("/", { headers: { Accept: "application/json" } }),
      runtime("/"),
    ];
    expect((await Promise.all(others)).map(({ status }) => status)).toEqual([404, 404, 404]);
  });

  it("the address of the local runtime answers a browser itself where an endpoint has it", async () => {
    const endpoints = [endpointPlan("root", { url: "/" })];
    const registry = { endpoints: { root: () => "root" } };
    const answer = await edge(planOf([], { endpoints }), { dependencies: { local }, registry })("/", browser);
    expect([answer.status, await answer.json()]).toEqual([200, "root"]);
  });
});
