import { describe, expect, it } from "vitest";
import { scopesOf } from "../../src/http/auth.ts";
import { SCOPES } from "../../src/http/http-env.ts";
import { OPERATIONS } from "../../src/http/operations.ts";
import type { Operation } from "../../src/http/operation.ts";
import { edge } from "../support/edge.ts";
import { planOf, taskPlan } from "../support/plan.ts";

const PLAN = planOf([taskPlan("echo")]);
const CALLS = OPERATIONS.map((operation) => [`${operation.method} ${operation.path}`, operation] as const);

async function digestOf(token: string): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token))).toHex();
}

const tokens = await Promise.all(SCOPES.map(async (scope) => `${scope}:${scope}:${await digestOf(`${scope}-token`)}`));
const send = edge(PLAN, { env: { PEACH_API_TOKENS: tokens.join() } });

/** Calls the operation with values that nothing has; a stream is not waited for. */
async function call({ method, path }: Operation, authorization: string): Promise<{ status: number; text: string }> {
  const address = `/api/v1${path.replace(/\{\w+\}/g, "nothing")}`;
  const response = await send(address, { method, headers: { Authorization: authorization } });
  if (!response.ok) return { status: response.status, text: await response.text() };
  await response.body?.cancel();
  return { status: response.status, text: "" };
}

describe.each(CALLS)("%s", (_call, operation) => {
  it.each([
    ["no token", "none"],
    ["a wrong token", "Bearer wrong"],
    ["a token in another scheme", `Basic ${btoa("admin:admin-token")}`],
  ])("refuses %s with 401", async (_what, authorization) => {
    const { status, text } = await call(operation, authorization);
    expect(status).toBe(401);
    expect(JSON.parse(text)).toMatchObject({ code: "unauthorized", hint: expect.stringMatching(/./) });
    expect(text).not.toContain("admin-token");
  });

  it.each(SCOPES)("is for %s as the table says", async (scope) => {
    const { status } = await call(operation, `Bearer ${scope}-token`);
    const isAllowed = scopesOf(operation.right).includes(scope);
    if (isAllowed) expect([401, 403, 500]).not.toContain(status);
    else expect(status).toBe(403);
  });
});
