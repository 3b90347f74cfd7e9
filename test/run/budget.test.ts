import { createExecutionContext, runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  dollarsPerMillionTasks,
  MAX_DOLLARS_PER_MILLION_TASKS,
  type RunOperations,
} from "../../scripts/bench/prices.ts";
import type { RunId } from "../../src/core/ids.ts";
import { encodePayload } from "../../src/payload/codec.ts";
import { callRun } from "../../src/run/run-client.ts";
import { acceptTrigger } from "../../src/task/deployment.ts";
import { countOperations } from "../support/operations.ts";

declare module "vitest" {
  interface TaskMeta {
    /** What `npm run bench` prints. */
    cost?: { tasks: number; operations: RunOperations; dollarsPerMillionTasks: number };
  }
}

const TASKS = 4;
const MORE_THAN_RETENTION_MS = 31 * 86_400_000;
const OPERATIONS_A_MESSAGE = 3;

async function runDiamond(): Promise<RunId> {
  const payload = encodePayload("k".repeat(1024));
  if (!payload.ok) throw new Error(payload.problem.detail);
  const accepted = await acceptTrigger(env, createExecutionContext(), {
    task: "kilo_start",
    payload: payload.value,
    idempotencyKey: null,
    origin: { source: "api", by: "test", parent: null },
  });
  if (!accepted.ok) throw new Error(accepted.problem.detail);
  const document = await callRun(env, accepted.value.runId, (run) => run.untilFinal(10_000));
  expect(document?.status).toBe("succeeded");
  return accepted.value.runId;
}

async function outliveRetention(runId: RunId): Promise<void> {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + MORE_THAN_RETENTION_MS });
  await runDurableObjectAlarm(env.RUNS.getByName(runId));
  vi.useRealTimers();
  expect(await callRun(env, runId, (run) => run.describe())).toBeNull();
}

describe("a 4-task diamond with 1 KB payloads, dispatched by the queue", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it("stays within the budgets, from its trigger to the end of its retention", async ({ task }) => {
    const counted = await countOperations();
    const runId = await runDiamond();
    // The test's own untilFinal is one of the calls.
    const runCalls = counted.runCalls - 1;
    expect(counted.rowsWritten).toBeLessThanOrEqual(12);
    expect(runCalls).toBeLessThanOrEqual(6);
    expect(counted.queueOperations).toBeLessThanOrEqual(3);

    await outliveRetention(runId);
    expect(counted.r2ClassA + counted.r2ClassB).toBe(0);
    const operations: RunOperations = {
      rowsWritten: counted.rowsWritten,
      // The alarm at the end of the retention is a request too.
      objectRequests: runCalls + 1,
      queueOperations: counted.queueOperations,
      // The trigger's own request, and at worst a batch for each message.
      workerRequests: 1 + counted.queueOperations / OPERATIONS_A_MESSAGE,
      r2ClassA: counted.r2ClassA,
      r2ClassB: counted.r2ClassB,
    };
    const dollars = dollarsPerMillionTasks(operations, TASKS);
    task.meta.cost = { tasks: TASKS, operations, dollarsPerMillionTasks: dollars };
    expect(dollars).toBeLessThanOrEqual(MAX_DOLLARS_PER_MILLION_TASKS);
  });
});
