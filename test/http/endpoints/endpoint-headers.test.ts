import { describe, expect, it } from "vitest";
import { edge } from "../../support/edge.ts";
import { endpointPlan, planOf, taskPlan } from "../../support/plan.ts";

const SANDBOX = "sandbox allow-scripts allow-forms";

/** The headers of an endpoint's answer that browsers go by. */
async function guardOf(answer: () => unknown): Promise<{ policy: string | null; sniffing: string | null }> {
  const plan = planOf([taskPlan("echo")], { endpoints: [endpointPlan("page")] });
  const response = await edge(plan, { registry: { endpoints: { page: answer } } })("/page");
  const { headers } = response;
  await response.body?.cancel();
  return { policy: headers.get("Content-Security-Policy"), sniffing: headers.get("X-Content-Type-Options") };
}

function typed(type: string, headers: Record<string, string> = {}): Response {
  return new Response("<script>alert(1)</script>", { headers: { "Content-Type": type, ...headers } });
}

describe("the answer of an endpoint", () => {
  it.each([
    "text/html",
    "text/html; charset=utf-8",
    "TEXT/HTML",
    "application/xhtml+xml",
    "image/svg+xml",
    "text/xml",
    "application/xml",
    "application/atom+xml",
    "multipart/x-mixed-replace; boundary=a",
    "text/html/",
    "text/plain, text/html",
    // Browsers go by the last of several.
    "image/png, text/html",
    "image/png;, text/html",
    "application/json;,text/html",
    "text/plain; charset=utf-8,text/html",
    "image/png text/html",
    "something/unheard-of",
    "",
  ])("the answer of an endpoint that is %j is in a sandbox without the origin's rights", async (type) => {
    expect(await guardOf(() => typed(type))).toEqual({ policy: SANDBOX, sniffing: "nosniff" });
  });

  it.each([
    "application/json",
    "application/problem+json",
    "text/plain; charset=utf-8",
    "text/css",
    "image/png",
    "audio/mpeg",
    "application/octet-stream",
    "application/pdf",
  ])(
    "the answer of an endpoint that is %j, which no browser runs, has no policy and is not guessed at",
    async (type) => {
      expect(await guardOf(() => typed(type))).toEqual({ policy: null, sniffing: "nosniff" });
    },
  );

  it("the answer of an endpoint that has no type at all is in the sandbox", async () => {
    const answer = (): Response => new Response(new Uint8Array([60, 112, 62]));
    expect(await guardOf(answer)).toEqual({ policy: SANDBOX, sniffing: "nosniff" });
  });

  it("the answer of an endpoint that sets a policy of its own keeps that; one that only reports is none", async () => {
    const own = { "Content-Security-Policy": "default-src 'self'" };
    expect((await guardOf(() => typed("text/html", own))).policy).toBe("default-src 'self'");
    const reporting = { "Content-Security-Policy-Report-Only": "default-src 'self'", "Content-Security-Policy": " " };
    expect((await guardOf(() => typed("text/html", reporting))).policy).toBe(SANDBOX);
  });

  it("the answer of an endpoint whose headers cannot be changed is guarded as well", async () => {
    const away = Response.redirect("https://example.org/");
    expect(() => away.headers.set("X-A", "b")).toThrow(TypeError);
    expect(await guardOf(() => away)).toEqual({ policy: null, sniffing: "nosniff" });
  });

  it("the answer of an endpoint that is a JSON value or a redirect has no policy", async () => {
    expect(await guardOf(() => ({ a: 1 }))).toEqual({ policy: null, sniffing: "nosniff" });
    const away = (): Response => new Response(null, { status: 302, headers: { Location: "/" } });
    expect(await guardOf(away)).toEqual({ policy: null, sniffing: "nosniff" });
  });
});
