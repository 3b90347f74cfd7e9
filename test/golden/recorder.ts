/** Records a release: a scripted set of runs that between them have every kind of thing that a journal can hold. */
import { graphFrom } from "../../src/domain/plan/run-graph.ts";
import { KNOWN_KINDS } from "../../src/domain/run/known-kinds.ts";
import type { AttemptError } from "../../src/domain/run/attempt.ts";
import { schedulesOf } from "../../src/domain/schedules/due-times.ts";
import type { AttemptOutcome } from "../../src/objects/run/settlement-rpc.ts";
import { planOf, schedulePlan, taskPlan } from "../support/plan.ts";
import type { GoldenJournal, GoldenRelease } from "./files.ts";
import { goldenId, GoldenRun, json, type Collected } from "./golden-run.ts";

const BOOM: AttemptError = { name: "Error", message: "boom", stack: "Error: boom\n    at task" };
const LIMIT = { limit: 1, strategy: "queue", key: ["user"] } as const;

const PLAN = planOf(
  [
    taskPlan("first", { downstream: ["left", "right"], dispatch: "direct" }),
    taskPlan("left", { upstream: ["first"], downstream: ["join"] }),
    taskPlan("right", { upstream: ["first"], downstream: ["join"] }),
    taskPlan("join", { upstream: ["left", "right"], runIf: "all_done" }),
    taskPlan("fails", { downstream: ["after"], retries: { ...taskPlan("fails").retries, limit: 1, jitter: false } }),
    taskPlan("after", { upstream: ["fails"] }),
    taskPlan("approved", { external: true, timeoutMs: 3_600_000 }),
    taskPlan("lists", { downstream: ["every"] }),
    taskPlan("every", { upstream: ["lists"], each: { maxParallel: 10, onError: "continue" } }),
    taskPlan("limited", {
      limits: { concurrency: LIMIT, rateLimit: { limit: 5, perMs: 60_000, key: null }, priority: 0 },
    }),
    taskPlan("long", { timeoutMs: 600_000 }),
    taskPlan("told"),
    taskPlan("nightly", { schedules: [schedulePlan()] }),
  ],
  { onFailure: "told" },
);

function passed(value: unknown, more: Partial<Extract<AttemptOutcome, { type: "succeeded" }>> = {}): AttemptOutcome {
  return { type: "succeeded", output: json(value), to: null, ...more };
}

const FAILED: AttemptOutcome = { type: "failed", error: BOOM, retryable: true, retryAfterMs: null, reason: "error" };

/** Each fills one run, numbered by its place. */
const SCRIPTS: Readonly<Record<string, (run: GoldenRun) => void | Promise<void>>> = {
  "a diamond that succeeds": (run) => {
    run.accept(PLAN, "first", { n: 1 }, { claim: { v: 1, holding: 0, budgetMs: 28_000 } });
    const { ordinal, attempt, token } = run.leaseOf("first");
    run.controller.recordStep({ ordinal, attempt, token, name: "fetched", result: json({ bytes: 3 }) });
    const logs = [{ at: run.now, level: "info", message: "said", fields: { n: 1 } }] as const;
    const progress = { fraction: 0.5, message: "half", at: run.now };
    run.settle("first", passed("x", { to: { left: json("for left") } }), { logs, progress });
    run.settle("left", passed([1, 2]), { children: [{ runId: goldenId(200), task: "told" }] });
    run.controller.watch(goldenId(201));
    run.settle("right", { type: "succeeded", output: { ...json(null), kind: "json" }, to: null });
    run.settle("join", passed({ done: true }));
    run.controller.told([goldenId(201)], run.run.revision);
  },
  "one that chooses among its children": (run) => {
    run.accept(PLAN, "first", "text");
    run.claim();
    run.settle("first", passed(1, { chosen: ["left"] }));
  },
  "one that fails, tells of it, and is retried": async (run) => {
    run.accept(PLAN, "fails", null);
    run.claim();
    run.settle("fails", FAILED);
    await run.wake(2_000);
    run.claim();
    run.settle("fails", { type: "timed_out", error: BOOM });
    await run.wake(60_000);
    run.controller.paid(1, null);
    run.now += 1_000;
    run.controller.retry();
    run.claim();
  },
  "one whose attempts were lost": async (run) => {
    run.accept(PLAN, "after", null);
    run.claim();
    run.settle("after", { type: "lost", to: "surroundings", error: BOOM });
    await run.wake(60_000);
  },
  "one that waits to be completed": (run) => {
    run.accept(PLAN, "approved", null, { completionKey: "key", limitKeys: {} });
    run.claim();
    run.settle("approved", { type: "waiting" });
  },
  "one that was completed": (run) => {
    run.accept(PLAN, "approved", null, { completionKey: "key" });
    run.claim();
    const { ordinal, attempt, token } = run.leaseOf("approved");
    run.settle("approved", { type: "waiting" });
    run.controller.complete({
      v: 1,
      ordinal,
      attempt,
      token,
      nonce: "once",
      outcome: { type: "succeeded", output: json("yes") },
    });
  },
  "one that awaits another run": (run) => {
    run.accept(PLAN, "first", null);
    run.claim();
    const awaits = [
      { runId: goldenId(202), task: "told", call: "result 1", until: run.now + 60_000 },
      { runId: goldenId(203), task: "told", call: "result 2", until: run.now + 60_000 },
    ];
    run.settle("first", { type: "suspended", awaits });
    run.controller.awaited([{ runId: goldenId(202), status: "succeeded", document: json({ run_id: goldenId(202) }) }]);
  },
  "items of every kind": (run) => {
    run.accept(PLAN, "lists", null);
    run.claim();
    run.settle("lists", passed([1, 2, 3, 4]));
    run.claim({ items: 4 });
    run.settle("every", passed("one"), {}, 0);
    run.settle("every", passed("two"), {}, 1);
    run.settle("every", { ...FAILED, retryable: false }, {}, 2);
  },
  "one that is held by its limits": (run) => {
    run.accept(PLAN, "limited", { user: "anna" }, { limitKeys: { concurrency: '"anna"' } });
    run.controller.permitted("concurrency", { runId: run.run.id, ordinal: 0, attempt: 1 });
  },
  "one that is held by a pause": (run) => {
    run.accept(PLAN, "told", null);
    run.claim({ paused: ["told"] });
  },
  "one that waits for a deploy": (run) => {
    run.accept(PLAN, "told", null);
    run.claim({ deployment: "old" });
    run.settle("told", { type: "undeployed", deployment: "old", error: BOOM });
  },
  "one that was triggered again within its delay": (run) => {
    run.accept(PLAN, "told", 1, { delayMs: 10_000 });
    run.now += 1_000;
    run.postpone(PLAN, "told", 2, 10_000);
  },
  "one that was cancelled with its children": (run) => {
    run.accept(PLAN, "first", null);
    run.claim();
    run.settle("first", passed(1), { children: [{ runId: goldenId(204), task: "told" }] });
    run.controller.cancel(true);
  },
  "a child that its parent has come to know, and a child of its own": async (run) => {
    const parent = { runId: goldenId(205), task: "first", isChild: true } as const;
    run.accept(PLAN, "told", null, { origin: { source: "task", by: "first", parent, depth: 1 } });
    run.claim();
    await run.wake(8_000);
    run.controller.knowChild({ runId: goldenId(206), task: "told" });
  },
  "one of the long lane, whose worker was lost": async (run) => {
    run.accept(PLAN, "long", null);
    run.begin(0);
    await run.wake(700_000);
  },
  "one that was written anew as it is": (run) => {
    run.accept(PLAN, "first", { n: 1 });
    run.claim();
    run.settle("first", passed({ kept: true }));
    run.settle("left", passed(1));
  },
};

/** Everything of this release. Throws if a kind that the code knows is in none of the runs. */
export async function recordRelease(): Promise<GoldenRelease> {
  const collected: Collected = { queue: [], grants: [], accepted: [] };
  const journals: GoldenJournal[] = [];
  for (const [index, [name, script]] of Object.entries(SCRIPTS).entries()) {
    const isShort = name.includes("written anew");
    const run = new GoldenRun(name, index + 1, collected, isShort ? { times: 0, leastBytes: 0 } : undefined);
    await script(run);
    journals.push(run.recorded());
  }
  const missing = missingKinds(journals);
  if (missing.length > 0)
    throw new Error(`no recorded run has ${missing.join(", ")}: add one to test/golden/recorder.ts`);
  const graphs = Object.fromEntries(Object.keys(PLAN.tasks).map((task) => [task, graphFrom(PLAN, task)]));
  const announcement = { v: 1, version: PLAN.version, madeAt: 1, schedules: schedulesOf(PLAN) };
  return { journals, messages: { ...collected, announcements: [announcement] }, plan: { plan: PLAN, graphs } };
}

/** Kinds that the code knows, and none of these journals has. */
function missingKinds(journals: readonly GoldenJournal[]): string[] {
  const text = journals.flatMap(({ rows }) => rows.map(({ kind, entry }) => `"${kind}" ${entry ?? ""}`)).join("\n");
  return KNOWN_KINDS.filter((kind) => !text.includes(`"${kind}"`));
}
