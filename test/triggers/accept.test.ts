import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "../support/env.ts";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { RunId } from "../../src/domain/ids.ts";
import { apiKey } from "../../src/domain/trigger-key.ts";
import { callRun } from "../../src/objects/run/run-client.ts";
import type { AcceptRequest } from "../../src/objects/run/accept-rpc.ts";
import type { Lifetime } from "../../src/platform/lifetime.ts";
import { runIdFor } from "../../src/triggers/run-id.ts";
import { accepting, noting, triggerOf } from "../support/accepting.ts";
import { HandDrivenRun } from "../support/hand-driven.ts";

async function triggerObjects(runId: RunId): Promise<number> {
  return (await env.PAYLOADS.list({ prefix: `runs/${runId}/trigger` })).objects.length;
}

beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
});

describe("a trigger", () => {
  it("a trigger covers the task and all that is reachable from it, as peach.conf is now", async () => {
    const requests: AcceptRequest[] = [];
    const { accept } = accepting({ callRun: noting(requests) });
    const [first, second] = [
      await accept(env, createExecutionContext(), triggerOf(1)),
      await accept(env, createExecutionContext(), triggerOf(2)),
    ];
    expect(first).toMatchObject({ ok: true, value: { task: "echo", deduplicated: false } });
    expect(requests[0]?.graph.tasks.map(({ name }) => name)).toEqual(["echo", "after"]);
    expect(requests[0]?.runId).not.toBe(requests[1]?.runId);
    expect(second.ok).toBe(true);
  });

  it("a trigger keeps a small payload with the run, and has a large one in R2 before the run points at it", async () => {
    const requests: AcceptRequest[] = [];
    const stored: boolean[] = [];
    const { accept } = accepting({
      async callRun(bindings, runId, call) {
        stored.push((await triggerObjects(runId)) > 0);
        return noting(requests)(bindings, runId, call);
      },
    });
    await accept(env, createExecutionContext(), triggerOf("x".repeat(32_766)));
    await accept(env, createExecutionContext(), triggerOf("x".repeat(32_769)));
    expect(requests.map(({ payload }) => payload.at)).toEqual(["inline", "r2"]);
    // Of the large one the run is told beforehand.
    expect(stored).toEqual([false, false, true]);
  });

  it("a trigger with the key of an earlier one deletes its own copy of the payload, and only that", async () => {
    const { accept } = accepting();
    const idempotencyKey = apiKey("api", crypto.randomUUID());
    const large = "x".repeat(40_000);
    for (const deduplicated of [false, true, true]) {
      const ctx = createExecutionContext();
      const answer = await accept(env, ctx, triggerOf(large, { idempotencyKey }));
      expect(answer).toMatchObject({ ok: true, value: { deduplicated } });
      await waitOnExecutionContext(ctx);
    }
    const runId = await runIdFor(env, "echo", idempotencyKey);
    expect(await triggerObjects(runId)).toBe(1);
    const kept = await callRun(env, runId, (run) => run.payload(null));
    expect(kept?.at === "r2" && (await env.PAYLOADS.head(kept.key))?.size).toBe(40_000);
  });

  it("a trigger is answered also if its own copy cannot be deleted, which is in the log", async () => {
    const { accept } = accepting();
    const trigger = triggerOf("x".repeat(40_000), { idempotencyKey: apiKey("api", crypto.randomUUID()) });
    await accept(env, createExecutionContext(), trigger);
    const failing = vi.spyOn(env.PAYLOADS, "delete").mockRejectedValue(new Error("R2 is down"));
    const told = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const ctx = createExecutionContext();
    expect(await accept(env, ctx, trigger)).toMatchObject({ ok: true, value: { deduplicated: true } });
    await waitOnExecutionContext(ctx);
    failing.mockRestore();
    expect(JSON.stringify(told.mock.calls)).toContain("duplicate payload not deleted");
  });
});

describe("dispatch: direct", () => {
  it("dispatch: direct hands the first lease to a driver that goes on after the answer", async () => {
    const { accept, driven } = accepting();
    const carried: Promise<unknown>[] = [];
    const lifetime: Lifetime = { waitUntil: (promise) => void carried.push(promise) };
    const answer = await accept(env, lifetime, triggerOf(1, { task: "at_once" }));
    await Promise.all(carried);
    expect(answer.ok && driven[0]?.runId === answer.value.runId).toBe(true);
    expect(driven[0]?.grant.leases.map(({ task }) => task)).toEqual(["at_once"]);
  });

  it("dispatch: direct asks for no more time than the invocation has left", async () => {
    const requests: AcceptRequest[] = [];
    const { accept, driven } = accepting({ callRun: noting(requests) });
    const lifetime: Lifetime = { waitUntil: () => undefined, budgetMs: () => 500 };
    await accept(env, lifetime, triggerOf(1, { task: "at_once" }));
    expect(requests[0]?.claim).toEqual({ holding: 0, budgetMs: 500 });
    expect(driven).toEqual([]);
  });

  it("dispatch: direct claims nothing where it is not asked for, or the run is there already", async () => {
    const requests: AcceptRequest[] = [];
    const { accept, driven } = accepting({ callRun: noting(requests) });
    await accept(env, createExecutionContext(), triggerOf(1));
    expect(requests[0]).not.toHaveProperty("claim");
    const again = triggerOf(1, { task: "at_once", idempotencyKey: apiKey("api", crypto.randomUUID()) });
    for (let times = 0; times < 3; times += 1) await accept(env, createExecutionContext(), again);
    expect(driven).toHaveLength(1);
  });
});

describe("an accept that is made again, because its answer was lost", () => {
  /** Has each accept reach the run twice; the caller hears the second answer. */
  const twice: typeof callRun = (bindings, runId, call) =>
    callRun(bindings, runId, (run) =>
      call(
        new Proxy(run, {
          get: (target, name) =>
            name === "accept"
              ? async (request: AcceptRequest) => {
                  await target.accept(request);
                  return target.accept(request);
                }
              : Reflect.get(target, name),
        }),
      ),
    );

  it.each([null, apiKey("api", crypto.randomUUID())])(
    "an accept that is made again, because its answer was lost, is no duplicate of itself, whatever its key (%#)",
    async (key) => {
      const { accept } = accepting({ callRun: twice });
      const answer = await accept(env, createExecutionContext(), triggerOf("small", { idempotencyKey: key }));
      expect(answer).toMatchObject({ ok: true, value: { deduplicated: false } });
    },
  );

  it("an accept that is made again, because its answer was lost, keeps the payload that the run points at, in R2", async () => {
    const { accept } = accepting({ callRun: twice });
    const ctx = createExecutionContext();
    const answer = await accept(env, ctx, triggerOf("x".repeat(40_000)));
    await waitOnExecutionContext(ctx);
    expect(answer.ok && (await triggerObjects(answer.value.runId))).toBe(1);
  });

  it("an accept that is made again, because its answer was lost, of a dispatch: direct task gets the lease that was granted the first time", async () => {
    const { accept, driven } = accepting({ callRun: twice });
    await accept(env, createExecutionContext(), triggerOf(1, { task: "at_once" }));
    expect(driven.map(({ grant }) => grant.leases.map(({ task, attempt }) => [task, attempt]))).toEqual([
      [["at_once", 1]],
    ]);
  });
});

describe("a trigger that is not accepted", () => {
  const reset = Object.assign(new Error("reset"), { durableObjectReset: true });
  const inEightDays = 8 * 86_400_000;

  it.each(["x", "x".repeat(40_000)])(
    "a trigger that is not accepted is refused as overloaded if the run object cannot be reached (%#)",
    async (payload) => {
      const reached: RunId[] = [];
      const { accept } = accepting({
        callRun: (_, runId) => {
          reached.push(runId);
          return Promise.reject(reset);
        },
      });
      const answer = await accept(env, createExecutionContext(), triggerOf(payload));
      expect(answer).toMatchObject({ ok: false, problem: { code: "overloaded" } });
      const [runId] = reached;
      expect(runId !== undefined && (await triggerObjects(runId))).toBe(0);
    },
  );

  it("a trigger that is not accepted leaves its payload if nobody knows whether the run is there; unless it is, the run object deletes it", async () => {
    const requests: AcceptRequest[] = [];
    const { accept } = accepting({
      callRun: (bindings, runId, call) =>
        noting(requests)(bindings, runId, call).then((answer) => {
          if (requests.length > 0) throw reset;
          return answer;
        }),
    });
    const before = Date.now();
    const answer = await accept(env, createExecutionContext(), triggerOf("x".repeat(40_000)));
    expect(answer).toMatchObject({ ok: false, problem: { code: "overloaded" } });
    const [request] = requests;
    if (request === undefined) throw new Error("the run was never asked for");
    expect(await triggerObjects(request.runId)).toBe(1);

    const abandoned = accepting({
      callRun: (bindings, runId, call) =>
        callRun(bindings, runId, (run) =>
          call(
            new Proxy(run, {
              get: (to, name) => (name === "accept" ? () => Promise.reject(reset) : Reflect.get(to, name)),
            }),
          ),
        ),
    });
    const idempotencyKey = apiKey("api", crypto.randomUUID());
    vi.stubGlobal("scheduler", { wait: async () => undefined });
    await abandoned.accept(env, createExecutionContext(), triggerOf("x".repeat(40_000), { idempotencyKey }));
    vi.unstubAllGlobals();
    const runId = await runIdFor(env, "echo", idempotencyKey);
    expect(await triggerObjects(runId)).toBe(1);
    expect(await new HandDrivenRun(runId).alarmAt()).toBeGreaterThanOrEqual(before + inEightDays);
  });

  it("a trigger that is not accepted is refused as overloaded if R2 cannot store its payload; no run is recorded", async () => {
    const requests: AcceptRequest[] = [];
    vi.spyOn(env.PAYLOADS, "put").mockRejectedValue(new Error("put: internal error (10001)"));
    const answer = await accepting({ callRun: noting(requests) }).accept(
      env,
      createExecutionContext(),
      triggerOf("x".repeat(40_000)),
    );
    vi.restoreAllMocks();
    expect(answer).toMatchObject({ ok: false, problem: { code: "overloaded" } });
    expect(requests).toEqual([]);
  });

  it("a trigger that is not accepted rejects with the fault of the code, and with that of the stream, as they are", async () => {
    const bug = new TypeError("a bug");
    const { accept } = accepting({ callRun: () => Promise.reject(bug) });
    await expect(async () => accept(env, createExecutionContext(), triggerOf(1))).rejects.toBe(bug);
    const broken = new Error("the microphone is off");
    const stream = new ReadableStream<Uint8Array>({ pull: () => Promise.reject(broken) });
    await expect(async () => accepting().accept(env, createExecutionContext(), triggerOf(stream))).rejects.toBe(broken);
  });

  it.each(["nothing", "toString", "__proto__"])(
    "a trigger that is not accepted is refused if there is no task %j",
    async (task) => {
      const answer = await accepting().accept(env, createExecutionContext(), triggerOf(1, { task }));
      expect(answer).toMatchObject({ ok: false, problem: { code: "unknown_task" } });
    },
  );
});
