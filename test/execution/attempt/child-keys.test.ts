import { env } from "../../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RunId } from "../../../src/domain/ids.ts";
import { ok, refuse } from "../../../src/domain/problem.ts";
import { openPayload } from "../../../src/payloads/payload-store.ts";
import { callRun } from "../../../src/objects/run/run-client.ts";
import type { Lease } from "../../../src/objects/run/lease-rpc.ts";
import type { TriggerHost } from "../../../src/execution/author/trigger-calls.ts";
import { emitEvent, step, triggerTaskWithEvent } from "../../../src/task-helpers.ts";
import { createEmitEvent } from "../../../src/triggers/emit.ts";
import { attempt, recordedRun } from "../../support/attempt.ts";
import { acceptorOf } from "../../support/edge.ts";
import { acceptance, HandDrivenRun, newRunId, only } from "../../support/hand-driven.ts";
import { inline } from "../../support/settlements.ts";
import { loseMessages } from "../../support/lost-messages.ts";
import { planOf, taskPlan } from "../../support/plan.ts";

const PLAN = planOf([
  taskPlan("work", { on: { events: ["found"] } }),
  taskPlan("other", { on: { events: ["found"] } }),
]);
const registry = { tasks: {}, endpoints: {} };
const MIB = 1024 * 1024;

beforeEach(() => {
  loseMessages();
});
afterEach(() => {
  vi.restoreAllMocks();
});

function portTo(accept = acceptorOf(PLAN)): Partial<TriggerHost> {
  return { accept, emit: createEmitEvent({ plan: PLAN, registry, acceptTrigger: accept }), plan: PLAN };
}

/** Runs an attempt that triggers `work` with each of these, in order; the runs by what they were triggered with. */
async function worked(lease: Partial<Lease>, things: readonly unknown[]): Promise<[unknown, RunId][]> {
  const runs: [unknown, RunId][] = [];
  const method = async (): Promise<void> => {
    for (const thing of things) runs.push([thing, (await triggerTaskWithEvent("work", thing)).runId]);
  };
  const { settlement } = await attempt(method, lease, portTo());
  expect(settlement.outcome.type).toBe("succeeded");
  return runs;
}

async function payloadOf(runId: RunId): Promise<unknown> {
  const stored = await callRun(env, runId, (run) => run.payload(null));
  if (!stored) throw new Error("there is no payload");
  return openPayload(env.PAYLOADS, stored, () => Promise.reject(new Error("nothing is held")));
}

/** So many bytes, in chunks of a mebibyte, that begin with `first`. */
function longStream(size: number, first: number): ReadableStream<Uint8Array> {
  let left = size;
  return new ReadableStream({
    pull(controller) {
      if (left === 0) return controller.close();
      const chunk = new Uint8Array(Math.min(MIB, left));
      if (left === size) chunk[0] = first;
      left -= chunk.length;
      controller.enqueue(chunk);
    },
  });
}

describe("what a later attempt triggers", () => {
  it("what a later attempt triggers is a run of its own if no earlier attempt has triggered it: nothing is swallowed", async () => {
    const runId = newRunId();
    const first = await worked({ runId }, ["a"]);
    const second = await worked({ runId, attempt: 2, token: 2 }, ["b", "c"]);
    expect(new Set([...first, ...second].map(([, run]) => run)).size).toBe(3);
    for (const [thing, run] of [...first, ...second]) expect(await payloadOf(run)).toBe(thing);
  });

  it("what a later attempt triggers finds the runs again in whatever order it triggers", async () => {
    const runId = newRunId();
    const first = await worked({ runId }, ["a", "b", { n: 1 }, null]);
    const second = await worked({ runId, attempt: 2, token: 2 }, [null, { n: 1 }, "b", "a"]);
    expect(new Map(second)).toEqual(new Map(first));
  });

  it("what a later attempt triggers finds as many runs of the same as there are", async () => {
    const runId = newRunId();
    const first = await worked({ runId }, ["a", "a", "b"]);
    const second = await worked({ runId, attempt: 2, token: 2 }, ["b", "a", "a", "a"]);
    const idsOf = (runs: [unknown, RunId][], thing: string): RunId[] =>
      runs.filter(([value]) => value === thing).map(([, id]) => id);
    expect(new Set(idsOf(first, "a")).size).toBe(2);
    expect(idsOf(second, "a").slice(0, 2)).toEqual(idsOf(first, "a"));
    expect(idsOf(first, "a")).not.toContain(idsOf(second, "a")[2]);
    expect(idsOf(second, "b")).toEqual(idsOf(first, "b"));
  });

  it("what a later attempt triggers is apart from what another item of the task triggers", async () => {
    const runId = newRunId();
    const item = (index: number) => ({ index, total: 2, of: 0, isElement: false });
    const [one] = await worked({ runId, item: item(0) }, ["a"]);
    const [two] = await worked({ runId, item: item(1) }, ["a"]);
    expect(one?.[1]).not.toBe(two?.[1]);
  });

  it("what a later attempt triggers takes no run of a step for its own, when the step is left out", async () => {
    const { run, answer } = await HandDrivenRun.accept(acceptance(planOf([taskPlan("only")]), "only"));
    const lease = only(answer.grant);
    const within: RunId[] = [];
    const outside: RunId[] = [];
    const method = async (): Promise<void> => {
      await step("once", async () => void within.push((await triggerTaskWithEvent("work", "same")).runId));
      outside.push((await triggerTaskWithEvent("work", "same")).runId);
    };
    const { settlement } = await attempt(method, lease, portTo());
    await attempt(method, { ...lease, steps: [{ name: "once", payload: inline(null) }] }, portTo());
    expect(settlement.outcome.type).toBe("succeeded");
    expect(within).toHaveLength(1);
    expect(outside).toHaveLength(2);
    expect(outside[0]).toBe(outside[1]);
    expect(outside[0]).not.toBe(within[0]);
    await run.settle(settlement);
  });

  it("what a later attempt triggers finds the runs of an event again, whatever was emitted before it", async () => {
    const runId = newRunId();
    const emitted = async (lease: Partial<Lease>, things: readonly unknown[]): Promise<unknown[]> => {
      const all: [unknown, unknown][] = [];
      await attempt(
        async () => {
          for (const thing of things) all.push([thing, (await emitEvent("found", thing)).runs]);
        },
        lease,
        portTo(),
      );
      return all;
    };
    const first = await emitted({ runId }, ["a", "b"]);
    const second = await emitted({ runId, attempt: 2, token: 2 }, ["c", "b", "a"]);
    expect(second.slice(1).toReversed()).toEqual(first);
    expect(JSON.stringify(first)).not.toContain(JSON.stringify(second[0]));
  });
});

describe("a trigger that was refused", () => {
  it("a trigger that was refused is the same trigger when the attempt makes it again, not the next one", async () => {
    const runId = newRunId();
    let refusals = 1;
    const accept = acceptorOf(PLAN);
    const unwilling: typeof accept = (bindings, lifetime, trigger) =>
      refusals-- > 0
        ? Promise.resolve(refuse({ code: "overloaded", detail: "not now", hint: "" }))
        : accept(bindings, lifetime, trigger);
    const runs: RunId[] = [];
    const triggering = async (): Promise<void> => {
      for (let tries = 0; tries < 2; tries += 1) {
        const run = await triggerTaskWithEvent("work", "a").catch(() => null);
        if (run !== null) runs.push(run.runId);
      }
    };
    await attempt(triggering, { runId }, portTo(unwilling));
    await attempt(
      () => triggerTaskWithEvent("work", "a").then((run) => void runs.push(run.runId)),
      { runId },
      portTo(),
    );
    expect(runs).toHaveLength(2);
    expect(runs[0]).toBe(runs[1]);
  });

  it("a trigger that was refused is the same also if nobody knows whether it was recorded", async () => {
    const runId = newRunId();
    let losses = 1;
    const accept = acceptorOf(PLAN);
    const deaf: typeof accept = async (bindings, lifetime, trigger) => {
      const answer = await accept(bindings, lifetime, trigger);
      return losses-- > 0 ? refuse({ code: "overloaded", detail: "unknown", hint: "" }) : answer;
    };
    const found: boolean[] = [];
    const method = async (): Promise<void> => {
      await triggerTaskWithEvent("work", "a").catch(() => undefined);
      found.push((await triggerTaskWithEvent("work", "a")).deduplicated);
    };
    await attempt(method, { runId }, portTo(deaf));
    expect(found).toEqual([true]);
  });
});

describe("a stream that a task triggers with", () => {
  const triggerStreams = async (lease: Partial<Lease>, streams: (() => ReadableStream<Uint8Array>)[]) => {
    const ids: RunId[] = [];
    const { settlement, carried } = await attempt(
      async () => {
        for (const stream of streams) ids.push((await triggerTaskWithEvent("work", stream())).runId);
      },
      lease,
      portTo(),
    );
    expect(settlement.outcome.type).toBe("succeeded");
    await Promise.all(carried);
    return ids;
  };
  const small = (text: string) => () => new Blob([text]).stream();
  const long = (first: number) => () => longStream(9 * MIB, first);

  it.each([
    ["short", small("a"), small("b")],
    ["long", long(1), long(2)],
  ])(
    "a stream that a task triggers with names its run by its bytes, if it is %s: found again by the same ones, in any order",
    async (_, one, other) => {
      const runId = await recordedRun();
      const first = await triggerStreams({ runId }, [one, other]);
      const second = await triggerStreams({ runId, attempt: 2, token: 2 }, [other, one]);
      expect(new Set(first).size).toBe(2);
      expect(second.toReversed()).toEqual(first);
    },
  );

  it("a stream that a task triggers with is kept once, under the run's own id, and whole; its spool is gone", async () => {
    const runId = await recordedRun();
    const [child] = await triggerStreams({ runId }, [long(7)]);
    const stored = child === undefined ? null : await callRun(env, child, (run) => run.payload(null));
    if (stored?.at !== "r2") throw new Error("the payload is not in R2");
    expect(stored).toMatchObject({ kind: "stream", size: 9 * MIB });
    expect(stored.key.startsWith(`runs/${child}/`)).toBe(true);
    const object = await env.PAYLOADS.get(stored.key, { range: { offset: 0, length: 2 } });
    expect(new Uint8Array((await object?.arrayBuffer()) ?? new ArrayBuffer(0))).toEqual(Uint8Array.of(7, 0));
    expect((await env.PAYLOADS.list({ prefix: `runs/${runId}/` })).objects).toEqual([]);
  });

  it("a stream that a task triggers with is told to the run that triggers before it is spooled, so that it is deleted if its worker dies", async () => {
    const { run, answer } = await HandDrivenRun.accept(acceptance(planOf([taskPlan("only")]), "only"));
    const told: boolean[] = [];
    vi.spyOn(env.PAYLOADS, "createMultipartUpload").mockImplementation(async () => {
      const tables = await run.inside(({ storage }) =>
        storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'objects_expected'").toArray(),
      );
      told.push(tables.length === 1);
      throw new Error("R2 is down");
    });
    vi.stubGlobal("scheduler", { wait: async () => undefined });
    const { settlement } = await attempt(
      () => triggerTaskWithEvent("work", longStream(9 * MIB, 1)),
      only(answer.grant),
      portTo(),
    );
    vi.unstubAllGlobals();
    expect(settlement.outcome).toMatchObject({ type: "lost", to: "surroundings" });
    expect(told[0]).toBe(true);
  });
});

describe("an own key", () => {
  it("an own key that comes with another payload fails the attempt for good, and starts nothing", async () => {
    const idempotencyKey = crypto.randomUUID();
    const trigger = (payload: unknown) =>
      attempt(async () => void (await triggerTaskWithEvent("work", payload, { idempotencyKey })), {}, portTo());
    expect((await trigger(1)).settlement.outcome.type).toBe("succeeded");
    expect((await trigger(1)).settlement.outcome.type).toBe("succeeded");
    const { settlement } = await trigger(2);
    expect(settlement.children).toEqual([]);
    expect(settlement.outcome).toMatchObject({
      type: "failed",
      retryable: false,
      error: { name: "PeachError", message: expect.stringContaining("with another payload; nothing was started") },
    });
  });

  it("an own key of an event that comes with another payload starts nothing for any listener", async () => {
    const idempotencyKey = crypto.randomUUID();
    const accept = acceptorOf(PLAN);
    const accepted: string[] = [];
    const noting: typeof accept = async (bindings, lifetime, trigger) => {
      const answer = await accept(bindings, lifetime, trigger);
      if (answer.ok && !answer.value.deduplicated) accepted.push(trigger.task);
      return answer.ok ? ok(answer.value) : answer;
    };
    const emit = (payload: unknown) =>
      attempt(async () => void (await emitEvent("found", payload, { idempotencyKey })), {}, portTo(noting));
    await Promise.all([emit(1), emit(2), emit(1), emit(2)]);
    expect(accepted.toSorted()).toEqual(["other", "work"]);
  });
});
