import { createExecutionContext } from "cloudflare:test";
import { driven } from "../../support/driven-object.ts";
import { env } from "../../support/env.ts";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  dollarsPerMillionTasks,
  MAX_DOLLARS_PER_MILLION_TASKS,
  type RunOperations,
} from "../../../scripts/bench/prices.ts";
import type { RunId } from "../../../src/domain/ids.ts";
import { encodePayload } from "../../../src/payloads/codec.ts";
import { callRun } from "../../../src/objects/run/run-client.ts";
import { acceptTrigger } from "../../support/deployed.ts";
import type { Lifetime } from "../../../src/platform/lifetime.ts";
import { countOperations, type Operations } from "../../support/operations.ts";

declare module "vitest" {
  interface TaskMeta {
    /** What `npm run bench` prints. */
    cost?: { tasks: number; operations: RunOperations; dollarsPerMillionTasks: number };
  }
}

const ROOT = "kilo_start";
const TASKS = 4;
/** What the catalog writes for many runs at once is shared by that many here; by far more where there are more. */
const RUNS = 20;
const LISTED_AFTER_MS = 15_000;
const MORE_THAN_RETENTION_MS = 31 * 86_400_000;
const OPERATIONS_A_MESSAGE = 3;

/** Without time to drive a run itself, as a consumer of uploads has none: the queue is for all its runs. */
const BY_QUEUE: Lifetime = { waitUntil: () => undefined, budgetMs: () => 0 };

async function runDiamond(lifetime: Lifetime): Promise<RunId> {
  const payload = encodePayload("k".repeat(1024));
  if (!payload.ok) throw new Error(payload.problem.detail);
  const accepted = await acceptTrigger(env, lifetime, {
    task: ROOT,
    payload: payload.value,
    idempotencyKey: null,
    origin: { source: "api", by: "test", parent: null },
  });
  if (!accepted.ok) throw new Error(accepted.problem.detail);
  const document = await callRun(env, accepted.value.runId, (run) => run.untilFinal(10_000));
  expect(document?.status).toBe("succeeded");
  return accepted.value.runId;
}

/** All that is still to come for these runs, and for what the catalog knows of them: their alarms, as if the time had come. */
async function outliveRetention(runIds: readonly RunId[]): Promise<void> {
  const until = Date.now();
  const wakeAll = async (afterMs: number): Promise<void> => {
    vi.useFakeTimers({ toFake: ["Date"], now: until + afterMs });
    for (const runId of runIds) await driven(env.RUNS.getByName(runId)).wakeIfDue();
    vi.useRealTimers();
  };
  await wakeAll(LISTED_AFTER_MS);
  await wakeAll(MORE_THAN_RETENTION_MS);
  for (const runId of runIds) expect(await callRun(env, runId, (run) => run.describe())).toBeNull();
  vi.useFakeTimers({ toFake: ["Date"], now: until + MORE_THAN_RETENTION_MS });
  await driven(env.CATALOG.getByName(ROOT)).wake();
  vi.useRealTimers();
  expect(await rowsOfCatalog()).toBe(0);
}

/** Whatever is due by then, and what is listed or not. Read in its storage: a call of the test's would be counted. */
async function rowsOfCatalog(where = "TRUE"): Promise<number> {
  return driven(env.CATALOG.getByName(ROOT)).inside(({ storage }) =>
    Number(storage.sql.exec(`SELECT count(*) AS rows FROM runs WHERE ${where}`).one()["rows"]),
  );
}

async function untilListed(runs: number): Promise<void> {
  await vi.waitFor(async () => expect(await rowsOfCatalog("status = 'succeeded'")).toBe(runs), 10_000);
}

describe("a 4-task diamond with 1 KB payloads, dispatched by the queue", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it("a 4-task diamond with 1 KB payloads, dispatched by the queue stays within the budgets, from its trigger to the end of its retention", async ({
    task,
  }) => {
    // The first one makes the tables of the catalog.
    const first = await runDiamond(BY_QUEUE);
    await untilListed(1);
    // No time passes: on a busy machine runs would last long enough to be told of while they run, which is another count.
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: Date.now() });
    const counted = await countOperations();
    const runIds: RunId[] = [];
    for (let run = 0; run < RUNS; run += 1) runIds.push(await runDiamond(BY_QUEUE));
    await untilListed(1 + RUNS);
    vi.useRealTimers();
    const { "RunObject.untilFinal": own, ...calls } = counted.calls;
    expect(own).toBe(RUNS);
    expect(calls).toEqual({
      "RunObject.accept": RUNS,
      "RunObject.session": RUNS,
      // For the root, for its two children, for the last; and each brings what can run next.
      "RunSession.claim": RUNS,
      "RunSession.settle": 3 * RUNS,
      "CatalogObject.record": RUNS,
    });

    await outliveRetention([first, ...runIds]);
    const { "RunObject.describe": described } = counted.calls;
    expect(described).toBe(RUNS + 1);
    // The test's own calls, and the alarm of the first.
    const others = RUNS + (RUNS + 1) + 1;
    expect(counted.r2ClassA + counted.r2ClassB).toBe(0);
    const operations: RunOperations = {
      rowsWritten: counted.rowsWritten / RUNS,
      objectRequests: (counted.objectRequests - others) / RUNS,
      queueOperations: counted.queueOperations / RUNS,
      // The trigger's own request, and at worst a batch for each message.
      workerRequests: 1 + counted.queueOperations / RUNS / OPERATIONS_A_MESSAGE,
      r2ClassA: counted.r2ClassA / RUNS,
      r2ClassB: counted.r2ClassB / RUNS,
    };
    expect(operations.rowsWritten).toBeLessThanOrEqual(12);
    expect(operations.objectRequests).toBeLessThanOrEqual(4.1);
    expect(operations.queueOperations).toBeLessThanOrEqual(3);
    const dollars = dollarsPerMillionTasks(operations, TASKS);
    task.meta.cost = { tasks: TASKS, operations, dollarsPerMillionTasks: dollars };
    expect(dollars).toBeLessThanOrEqual(MAX_DOLLARS_PER_MILLION_TASKS);
  });

  it("a 4-task diamond with 1 KB payloads, dispatched by the queue needs no message, a call less and a row less where the accepting isolate has room to drive it", async () => {
    const counted = await countOperations();
    const before = { ...counted };
    for (let run = 0; run < RUNS; run += 1) await runDiamond(createExecutionContext());
    const each = (name: Exclude<keyof Operations, "calls">): number => (counted[name] - before[name]) / RUNS;
    expect(each("queueOperations")).toBe(0);
    // Its accept, the settles of the three stages, and the test's own untilFinal.
    expect(each("runCalls")).toBeLessThanOrEqual(5);
    expect(each("rowsWritten")).toBeLessThanOrEqual(11);
  });
});
