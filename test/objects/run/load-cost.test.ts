/**
 * What runs cost while work of others waits in the queue, beside what the same runs cost without: invariant 14, for each way in which
 * many runs, or much work of one run, come at once.
 */
import { createMessageBatch } from "cloudflare:test";
import { env } from "../../support/env.ts";
import { afterEach, beforeAll, beforeEach, expect, it, vi, type MockInstance } from "vitest";
import { parseRunId, type RunId } from "../../../src/domain/ids.ts";
import type { Plan } from "../../../src/domain/plan/plan.ts";
import { queueWatch } from "../../../src/objects/run/queue-client.ts";
import { callRun } from "../../../src/objects/run/run-client.ts";
import { RunObject } from "../../../src/objects/run/run-object.ts";
import type { RunDocument } from "../../../src/objects/run/run-documents-rpc.ts";
import { acceptTrigger, plan } from "../../support/deployed.ts";
import { consumeR2Events } from "../../../src/triggers/r2-events.ts";
import type { R2Notification } from "../../../src/triggers/r2-notification.ts";
import { schedule, ScheduleClock } from "../schedules/clock.ts";
import { acceptance, HandDrivenRun } from "../../support/hand-driven.ts";
import { HeldQueue } from "../../support/held-queue.ts";
import { countOperations, type Operations } from "../../support/operations.ts";
import { advance } from "../../support/driven-object.ts";
import { planOf, r2Rule, taskPlan } from "../../support/plan.ts";

const ROOT = "kilo_start";
const RUNS = 8;
const WIDTH = 60;
const ITEMS = 400;
const HOUR_MS = 3_600_000;
const START = Date.UTC(2027, 0, 1);
/** How long messages of others have waited when the runs are accepted; the gate holds a trigger up for a tenth of it. Milliseconds. */
const LAG_MS = 10_000;
/** How long the runs wait then. Milliseconds. */
const WAITED_MS = 25_000;
/** More than stragglers. */
const OTHERS = 100;
const MOST = 1.05;

/** Has runs accepted. `nth`: how often it was called before. */
type WayIn = (nth: number) => Promise<unknown>;

/** A batch of notifications, each of an object of its own. */
const uploads: WayIn = async (nth) => {
  const routed = planOf([taskPlan(ROOT, { on: { r2: [r2Rule({ prefix: "load/" })] } })]);
  const messages = Array.from({ length: RUNS }, (_, index) => {
    const object = { key: `load/${nth}/${index}`, size: 1, eTag: "e" };
    const eventTime = new Date(START + index).toISOString();
    const body: R2Notification = { account: "a", action: "PutObject", bucket: "uploads", object, eventTime };
    return { id: String(index), timestamp: new Date(), attempts: 1, body };
  });
  const batch = createMessageBatch("peach-r2-events", messages);
  const lifetime = { waitUntil: () => undefined, budgetMs: () => 0 };
  await consumeR2Events({ plan: routed, acceptTrigger }, batch, env, lifetime);
};

/** So many schedules that are due at the same time. */
const meeting: WayIn = async () => {
  const clock = new ScheduleClock();
  const schedules = Array.from({ length: RUNS }, (_, id) => ({ task: ROOT, id: String(id), payload: String(id) }));
  await clock.sync("1", ...schedules.map(schedule));
  await clock.advanceTo(START + nextHour());
};

/** One run of a task with so many children. */
const wide: WayIn = () => {
  const children = Array.from({ length: WIDTH }, (_, index) => `child_${index}`);
  return startRun(
    planOf([
      taskPlan("root", { method: "kilobyte", downstream: children }),
      ...children.map((name) => taskPlan(name, { method: "kilobyte", upstream: ["root"] })),
    ]),
    "root",
    null,
  );
};

/** One run of a task that runs once per item of an array. */
const items: WayIn = () => startRun(plan, "spread", { count: ITEMS });

let hours = 0;
function nextHour(): number {
  return hours * HOUR_MS;
}

function startRun(of: Plan, root: string, payload: unknown): Promise<unknown> {
  return HandDrivenRun.accept(acceptance(of, root, { payload, claim: null }));
}

let queue: HeldQueue;
let counted: Operations;
let accepting: MockInstance<RunObject["accept"]>;

beforeAll(async () => {
  queue = new HeldQueue();
  counted = await countOperations();
  accepting = vi.spyOn(RunObject.prototype, "accept");
});
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: START });
});
afterEach(() => {
  vi.useRealTimers();
});

function accepted(): RunId[] {
  return accepting.mock.calls.map(([{ runId }]) => runId);
}

/** What the runs of this way in cost, all together. */
async function costOf(way: WayIn, nth: number, isLoaded: boolean): Promise<Record<string, number>> {
  hours += 1;
  accepting.mockClear();
  Object.assign(queue, { waiting: [], sent: 0 });
  vi.setSystemTime(START + hours * HOUR_MS - 1);
  const body = { run_id: parseRunId("run_00000000000000000000000000") };
  const others = Array.from({ length: isLoaded ? OTHERS : 0 }, () => ({ body, sentAt: Date.now() - LAG_MS }));
  queue.waiting.push(...others);
  await queueWatch.ask(
    () => env.RUN_QUEUE.metrics(),
    () => Date.now(),
  );
  const before = { ...counted, calls: { ...counted.calls } };
  await way(nth);
  if (isLoaded) await advance(WAITED_MS, () => accepted().map((runId) => new HandDrivenRun(runId)));
  queue.waiting.splice(0, others.length);
  await finish(isLoaded);
  const { calls } = counted;
  const called = (name: string): number => (calls[name] ?? 0) - (before.calls[name] ?? 0);
  return {
    messages: (counted.queueOperations - before.queueOperations) / 3,
    alarms: counted.runAlarms - before.runAlarms,
    claims: called("RunObject.claim") + called("RunSession.claim"),
    // Those of the lists are written when there is time, for many runs together.
    rows: await rowsOfRuns(),
  };
}

async function rowsOfRuns(): Promise<number> {
  const journals = await Promise.all(accepted().map((runId) => new HandDrivenRun(runId).journal()));
  return journals.reduce((sum, rows) => sum + rows.length, 0);
}

/** Messages are received until all runs are final; under load those that a run sends on its way only after it has done all by itself. */
async function finish(isLoaded: boolean): Promise<void> {
  await queue.deliver();
  const ends = Promise.all(accepted().map((runId) => callRun(env, runId, (run) => run.untilFinal(20_000))));
  const over: (RunDocument | null)[] = [];
  void ends.then((documents) => over.push(...documents));
  await vi.waitFor(
    async () => {
      if (!isLoaded) await queue.deliver();
      expect(over.map((document) => document?.status)).toEqual(accepted().map(() => "succeeded"));
    },
    { timeout: 20_000, interval: 1 },
  );
  await queue.deliver();
}

it.each<[string, WayIn, number]>([
  ["uploads that are notified in one batch", uploads, RUNS],
  ["schedules that meet", meeting, RUNS],
  ["a wide fan-out", wide, 1],
  ["a task that runs once per item", items, 1],
])("the runs of %s cost behind a backlog what they cost without", async (_, way, runs) => {
  const calm = await costOf(way, 1, false);
  expect(accepted()).toHaveLength(runs);
  const loaded = await costOf(way, 2, true);
  expect(accepted()).toHaveLength(runs);
  expect(calm["messages"]).toBeGreaterThanOrEqual(runs);
  for (const [name, count] of Object.entries(loaded)) expect(count, name).toBeLessThanOrEqual(MOST * (calm[name] ?? 0));
});
