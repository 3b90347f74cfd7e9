import { env } from "../../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parseRunId, type RunId } from "../../../src/domain/ids.ts";
import { encodePayload } from "../../../src/payloads/codec.ts";
import { queueWatch } from "../../../src/objects/run/queue-client.ts";
import { callRun } from "../../../src/objects/run/run-client.ts";
import { acceptTrigger } from "../../support/deployed.ts";
import type { Lifetime } from "../../../src/platform/lifetime.ts";
import { HandDrivenRun, newRunId } from "../../support/hand-driven.ts";
import { HeldQueue } from "../../support/held-queue.ts";
import { countOperations, type Operations } from "../../support/operations.ts";
import { advance } from "../../support/driven-object.ts";

const ROOT = "kilo_start";
const RUNS = 8;
const START = Date.UTC(2027, 0, 1);
/** Without time to drive a run itself: the queue is for all its runs. */
const BY_QUEUE: Lifetime = { waitUntil: () => undefined, budgetMs: () => 0 };

async function accept(): Promise<RunId> {
  const payload = encodePayload("k".repeat(1024));
  if (!payload.ok) throw new Error(payload.problem.detail);
  const accepted = await acceptTrigger(env, BY_QUEUE, {
    task: ROOT,
    payload: payload.value,
    idempotencyKey: null,
    // What a run triggers is work: it is not held up.
    origin: { source: "task", by: ROOT, parent: { runId: newRunId(), task: ROOT } },
  });
  if (!accepted.ok) throw new Error(accepted.problem.detail);
  return accepted.value.runId;
}

async function acceptAll(): Promise<RunId[]> {
  const runIds: RunId[] = [];
  for (let run = 0; run < RUNS; run += 1) runIds.push(await accept());
  return runIds;
}

/** Rows of the run's journal. */
async function entriesOf(runId: RunId): Promise<number> {
  return (await new HandDrivenRun(runId).journal()).length;
}

/** Lets so much time pass for these runs. */
async function pass(ms: number, runIds: readonly RunId[]): Promise<void> {
  const runs = runIds.map((runId) => new HandDrivenRun(runId));
  await advance(ms, () => runs);
}

async function untilFinal(runIds: readonly RunId[]): Promise<void> {
  for (const runId of runIds) {
    const document = await callRun(env, runId, (run) => run.untilFinal(10_000));
    expect(document?.status).toBe("succeeded");
  }
}

/** Of each run. A driver claims once. */
function costOf(counted: Operations, before: Operations): Record<"messages" | "alarms" | "drivers", number> {
  const each = (name: Exclude<keyof Operations, "calls">): number => (counted[name] - before[name]) / RUNS;
  return {
    messages: each("queueOperations") / 3,
    alarms: each("runAlarms"),
    drivers: each("runClaims"),
  };
}

describe("a run that waits behind a backlog", () => {
  let queue: HeldQueue;
  let counted: Operations;
  let now = START;

  beforeEach(async () => {
    // Each test an hour after the one before: what is known of the queue is forgotten.
    vi.useFakeTimers({ toFake: ["Date"], now: (now += 3_600_000) });
    queue ??= new HeldQueue();
    Object.assign(queue, { waiting: [], sent: 0, says: null });
    counted ??= await countOperations();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("a run that waits behind a backlog costs a message, a driver and no alarm, as without one, where it is known when the run is accepted", async () => {
    const before = { ...counted };
    let entries = 0;
    for (let run = 0; run < RUNS; run += 1) {
      const runId = await accept();
      await queue.deliver();
      await untilFinal([runId]);
      entries = await entriesOf(runId);
    }
    expect(costOf(counted, before)).toEqual({ messages: 1, alarms: 0, drivers: 1 });

    queue.waiting.push({ ...OTHERS, sentAt: Date.now() });
    vi.setSystemTime(Date.now() + 30_000);
    await askQueue();
    const start = { ...counted };
    const runIds = await acceptAll();
    await pass(60_000, runIds);
    queue.waiting.shift();
    await queue.deliver();
    await untilFinal(runIds);
    expect(costOf(counted, start)).toEqual({ messages: 1, alarms: 0, drivers: 1 });
    for (const runId of runIds) expect(await entriesOf(runId)).toBe(entries);
  });

  it("a run that waits behind a backlog costs a message, a driver and two alarms if consumers stop for 110 s when it has been accepted", async () => {
    const before = { ...counted };
    const runIds = await acceptAll();
    await pass(110_000, runIds);
    expect(queue.sent).toBe(RUNS);
    await queue.deliver();
    await untilFinal(runIds);
    expect(costOf(counted, before)).toEqual({ messages: 1, alarms: 2, drivers: 1 });
  });

  it("a run that waits behind a backlog is found by its alarm if its message was lost on the way, once what was sent later is received", async () => {
    const runIds = await acceptAll();
    const lost = queue.waiting.shift();
    const [first] = runIds;
    if (first === undefined) throw new Error("nothing was accepted");
    await pass(9_000, runIds);
    queue.waiting.push({ ...OTHERS, sentAt: Date.now() });
    await queue.deliver();
    await untilFinal(runIds.slice(1));
    await pass(2_000, [first]);
    expect(queue.waiting).toMatchObject([{ body: lost?.body }]);
    await queue.deliver();
    await untilFinal([first]);
  });

  it.each([
    ["whose backlog cannot be asked", () => Promise.reject(new Error("no metrics"))],
    ["that says nothing of its age", () => Promise.resolve({ backlogCount: 9, backlogBytes: 9 })],
  ])("a run that waits behind a backlog sends its message again in a queue %s", async (_, metrics) => {
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const runId = await accept();
    queue.says = metrics;
    await pass(10_000, [runId]);
    expect(queue.sent).toBe(2);
    await queue.deliver();
    await untilFinal([runId]);
  });
});

/** Messages of a run that is gone. */
const OTHERS = { body: { run_id: parseRunId("run_00000000000000000000000000") }, sentAt: 0 };

function askQueue(): Promise<unknown> {
  return queueWatch.ask(
    () => env.RUN_QUEUE.metrics(),
    () => Date.now(),
  );
}
