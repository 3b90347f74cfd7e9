import { expect, it, vi } from "vitest";
import { runCampaign } from "../../scripts/fuzz/campaign.ts";
import { describedCalls } from "../../scripts/fuzz/described-calls.ts";
import { faultOf } from "../../scripts/fuzz/fault.ts";
import { ADMIN_TOKEN, edge } from "../support/edge.ts";
import { endpointPlan, planOf, r2Rule, schedulePlan, taskPlan } from "../support/plan.ts";

const SECRET = "s3cret-of-the-endpoint";
const PLAN = planOf(
  [
    taskPlan("echo", { on: { r2: [r2Rule()], events: ["happened"] }, schedules: [schedulePlan()] }),
    taskPlan("later", { upstream: ["echo"] }),
  ],
  {
    endpoints: [
      endpointPlan("hook", { auth: { type: "signature", scheme: "hmac-sha256", secret: "HOOK", header: "x-sign" } }),
    ],
  },
);
/** The rest of ten thousand is a command of its own: npm run fuzz. */
const REQUESTS = 600;

it.each([1, 2])("no request makes the API fail, or tell a secret (seed %i)", async (seed) => {
  for (const method of ["error", "warn", "log"] as const) vi.spyOn(console, method).mockImplementation(() => undefined);
  const registry = { tasks: { echo: () => null, later: () => null }, endpoints: { hook: () => null } };
  const send = edge(PLAN, { registry, env: { HOOK: SECRET } });
  const calls = describedCalls(await (await send("/api/v1/openapi.json")).json());
  const { faults, succeeded } = await runCampaign({
    calls,
    requests: REQUESTS,
    seed,
    width: 1,
    authorizations: [`Bearer ${ADMIN_TOKEN}`, "Bearer wrong", "none"],
    secrets: [ADMIN_TOKEN, SECRET],
    known: ["echo", "later", "hook", "uploads", "happened"],
    async send({ method, path, headers, body }) {
      const response = await send(path, { method, headers, body });
      const contentType = response.headers.get("Content-Type") ?? "";
      if (contentType.startsWith("text/event-stream")) {
        await response.body?.cancel();
        return { status: response.status, contentType, text: "", bytes: 0 };
      }
      const text = await response.text();
      return { status: response.status, contentType, text, bytes: new TextEncoder().encode(text).byteLength };
    },
  });
  expect(faults).toEqual([]);
  expect(succeeded.size).toBeGreaterThan(calls.length / 3);
});

it.each([
  [500, "application/problem+json", "{}", "it is 500"],
  [404, "text/plain", "nothing", "no problem document"],
  [400, "application/problem+json", "x".repeat(64_001), "64001 bytes long"],
  [404, "application/problem+json", "{}", "as RFC 9457"],
  [400, "application/problem+json", "TypeError: x\n    at read (auth.ts:4:1)", "a stack"],
  [200, "application/json", `{"a":"${SECRET}"}`, "a secret"],
])("an answer with %i, %s and %s is a fault", (status, contentType, text, why) => {
  expect(faultOf({ status, contentType, text, bytes: text.length }, [SECRET])).toContain(why);
});
