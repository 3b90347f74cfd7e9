import { createExecutionContext } from "cloudflare:test";
import { env } from "../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { callRun } from "../../src/objects/run/run-client.ts";
import type { EmitResult } from "../../src/execution/author/api.ts";
import { runInScope } from "../../src/execution/author/context.ts";
import { EndpointScope } from "../../src/execution/author/endpoint-scope.ts";
import { emitEvent, triggerTaskWithEvent } from "../../src/task-helpers.ts";
import { createEmitEvent } from "../../src/triggers/emit.ts";
import { attempt } from "../support/attempt.ts";
import { acceptorOf } from "../support/edge.ts";
import { acceptance, HandDrivenRun, newRunId, only } from "../support/hand-driven.ts";
import { inline } from "../support/settlements.ts";
import { loseMessages } from "../support/lost-messages.ts";
import { planOf, taskPlan } from "../support/plan.ts";

const PLAN = planOf([
  taskPlan("echo", { on: { events: ["published"] } }),
  taskPlan("index", { method: "echo", on: { events: ["published", "indexed"] } }),
]);
const registry = { tasks: {}, endpoints: {} };
const accept = acceptorOf(PLAN);
const port = { accept, emit: createEmitEvent({ plan: PLAN, registry, acceptTrigger: accept }), plan: PLAN };

beforeEach(() => {
  loseMessages();
});

afterEach(() => {
  vi.restoreAllMocks();
});

/** What an attempt of a task emits. */
async function emittedBy(method: () => Promise<EmitResult>, lease: Parameters<typeof attempt>[1] = {}) {
  let result: EmitResult = { runs: [] };
  const { settlement } = await attempt(async () => void (result = await method()), lease, port);
  if (settlement.outcome.type !== "succeeded") throw new Error(JSON.stringify(settlement.outcome));
  return { runs: result.runs, children: settlement.children };
}

describe("a task that emits an event", () => {
  it("a task that emits an event gets the runs of all that listen, which name it as their parent and are its children", async () => {
    const runId = newRunId();
    const { runs, children } = await emittedBy(() => emitEvent("published", { a: 1 }), { runId, task: "parent" });
    expect(runs.map(({ task }) => task)).toEqual(["echo", "index"]);
    expect(children).toEqual(runs);
    for (const run of runs) {
      expect(await callRun(env, run.runId, (object) => object.describe())).toMatchObject({
        trigger: { source: "event", by: "published", parent: { run_id: runId, task: "parent" } },
      });
      expect(await callRun(env, run.runId, (object) => object.payload(null))).toEqual(inline({ a: 1 }));
    }
  });

  it("a task that emits an event is known as the parent of those runs also when its attempt never settles", async () => {
    const { run: parent, answer } = await HandDrivenRun.accept(acceptance(PLAN, "echo"));
    const { runs } = await emittedBy(() => emitEvent("published"), only(answer.grant));
    for (const { runId } of runs) await new HandDrivenRun(runId).wake();
    expect((await parent.document()).children).toEqual(runs.map(({ runId, task }) => ({ run_id: runId, task })));
  });

  it("a task that emits an event finds the same runs again in a retried attempt: each by its event and how many like it came before", async () => {
    const runId = newRunId();
    const twice = async () => {
      const results = [await emitEvent("indexed"), await emitEvent("indexed"), await emitEvent("published")];
      return { runs: results.flatMap(({ runs }) => runs) };
    };
    const first = await emittedBy(twice, { runId });
    expect(new Set(first.runs.map((run) => run.runId)).size).toBe(4);
    expect((await emittedBy(twice, { runId })).runs).toEqual(first.runs);
    expect((await emittedBy(twice)).runs[0]?.runId).not.toBe(first.runs[0]?.runId);
  });

  it("a task that emits an event shares the runs with everyone who emits the same event with the same key", async () => {
    const idempotencyKey = crypto.randomUUID();
    const emit = () => emitEvent("published", 1, { idempotencyKey });
    expect((await emittedBy(emit)).runs).toEqual((await emittedBy(emit)).runs);
  });

  it("a task that emits an event gets no runs where nobody listens, and fails for good with a name that is none", async () => {
    expect((await emittedBy(() => emitEvent("nobody.listens"))).runs).toEqual([]);
    const { settlement } = await attempt(() => emitEvent("no name"), {}, port);
    expect(settlement.outcome).toMatchObject({ type: "failed", retryable: false });
  });

  it("a task that emits an event may be lost to its surroundings, and says which runs are there", async () => {
    const failing: typeof accept = async (bindings, lifetime, trigger) =>
      trigger.task === "index"
        ? { ok: false, problem: { code: "overloaded", detail: "d", hint: "h" } }
        : accept(bindings, lifetime, trigger);
    const emit = createEmitEvent({ plan: PLAN, registry, acceptTrigger: failing });
    const { settlement } = await attempt(() => emitEvent("published"), {}, { ...port, emit });
    expect(settlement.outcome).toMatchObject({
      type: "lost",
      to: "surroundings",
      error: { message: expect.stringMatching(/"published" could not .* It has its run of echo \(run_/) },
    });
  });
});

describe("an endpoint that emits an event", () => {
  function endpoint(delivery: { id: string; isFallback: boolean } | null) {
    const triggered: string[] = [];
    const call = { name: "hook", params: {}, requestId: "r", source: "endpoint", delivery } as const;
    const scope = new EndpointScope(
      { ...call, triggered: ({ task }) => void triggered.push(task) },
      { env, lifetime: createExecutionContext(), ...port },
    );
    return { triggered, emit: () => runInScope(scope, () => emitEvent("published", 1)) };
  }

  it("an endpoint that emits an event has triggered all that listen, anew each time", async () => {
    const { triggered, emit } = endpoint(null);
    const [first, second] = [await emit(), await emit()];
    expect(triggered).toEqual(["echo", "index", "echo", "index"]);
    expect(first.runs[0]?.runId).not.toBe(second.runs[0]?.runId);
  });

  it("an endpoint that emits an event finds the same runs when its sender sends a delivery again", async () => {
    const delivery = { id: crypto.randomUUID(), isFallback: false };
    expect(await endpoint(delivery).emit()).toEqual(await endpoint(delivery).emit());
  });
});

describe("a chain of triggers", () => {
  /** The end of a chain of this many runs. */
  const deep = (depth: number, variables: Partial<Env> = {}) =>
    attempt(
      async () => void (await triggerTaskWithEvent("echo")),
      { depth },
      { ...port, env: { ...env, ...variables } },
    );

  it("a chain of triggers may be 32 runs deep; the trigger of the 33rd fails its task for good", async () => {
    expect((await deep(31)).settlement.outcome.type).toBe("succeeded");
    const { outcome, children } = (await deep(32)).settlement;
    expect(outcome).toMatchObject({ type: "failed", retryable: false });
    expect(outcome.type === "failed" && outcome.error.message).toContain("a chain of 33 runs");
    expect(children).toEqual([]);
  });

  it("a chain of triggers is as long by events", async () => {
    expect((await emittedBy(() => emitEvent("published"), { depth: 31 })).runs).toHaveLength(2);
    const { settlement } = await attempt(() => emitEvent("published"), { depth: 32 }, port);
    expect(settlement.outcome).toMatchObject({ type: "failed", retryable: false });
  });

  it("a chain of triggers may be longer or shorter by PEACH_MAX_TRIGGER_DEPTH, if that is a number", async () => {
    expect((await deep(32, { PEACH_MAX_TRIGGER_DEPTH: "33" })).settlement.outcome.type).toBe("succeeded");
    expect((await deep(0, { PEACH_MAX_TRIGGER_DEPTH: "0" })).settlement.outcome.type).toBe("failed");
    expect((await deep(32, { PEACH_MAX_TRIGGER_DEPTH: "many" })).settlement.outcome.type).toBe("failed");
  });

  it("a chain of triggers is counted from run to run", async () => {
    const from = acceptance(PLAN, "echo");
    const { answer } = await HandDrivenRun.accept({ ...from, origin: { ...from.origin, depth: 7 } });
    const lease = only(answer.grant);
    expect(lease.depth).toBe(7);
    const depths: (number | undefined)[] = [];
    const noting: typeof accept = async (bindings, lifetime, trigger) => {
      depths.push(trigger.origin.depth);
      return accept(bindings, lifetime, trigger);
    };
    const emit = createEmitEvent({ plan: PLAN, registry, acceptTrigger: noting });
    await attempt(
      async () => {
        await triggerTaskWithEvent("echo");
        await emitEvent("indexed");
      },
      lease,
      { ...port, accept: noting, emit },
    );
    expect(depths).toEqual([8, 8]);
  });
});
