import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { encodePayload } from "../../src/payload/codec.ts";
import { callRun } from "../../src/run/run-client.ts";
import { acceptTrigger } from "../../src/task/deployment.ts";
import { countOperations } from "../support/operations.ts";

describe("a 4-task diamond with 1 KB payloads, dispatched by the queue", () => {
  it("stays within the budgets", async () => {
    const payload = encodePayload("k".repeat(1024));
    if (!payload.ok) throw new Error(payload.problem.detail);
    const counted = await countOperations();
    const origin = { source: "api", by: "test", parent: null } as const;
    const accepted = await acceptTrigger(env, createExecutionContext(), {
      task: "kilo_start",
      payload: payload.value,
      idempotencyKey: null,
      origin,
    });
    if (!accepted.ok) throw new Error(accepted.problem.detail);
    const document = await callRun(env, accepted.value.runId, (run) => run.untilFinal(10_000));
    expect(document?.status).toBe("succeeded");
    // The test's own untilFinal is one of the calls.
    const runCalls = counted.runCalls - 1;
    expect(counted.rowsWritten).toBeLessThanOrEqual(12);
    expect(runCalls).toBeLessThanOrEqual(6);
    expect(counted.queueOperations).toBeLessThanOrEqual(3);
    expect(counted.r2Operations).toBe(0);
  });
});
