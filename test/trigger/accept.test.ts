import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import type { RunId } from "../../src/core/ids.ts";
import { ProblemError, refuse } from "../../src/core/result.ts";
import { apiKey } from "../../src/core/trigger-key.ts";
import { encodePayload, type EncodedPayload } from "../../src/payload/codec.ts";
import { callRun } from "../../src/run/run-client.ts";
import type { AcceptRequest, ClaimRequest, Grant } from "../../src/run/run-rpc.ts";
import type { MethodRegistry } from "../../src/task/method.ts";
import {
  createAcceptTrigger,
  runIdFor,
  type AcceptDependencies,
  type Lifetime,
  type TriggerRequest,
} from "../../src/trigger/accept.ts";
import { pieces } from "../payload/streams.ts";
import { HandDrivenRun } from "../support/hand-driven.ts";
import { planOf, taskPlan } from "../support/plan.ts";
import { OPEN_GATE } from "../support/open-gate.ts";

const PLAN = planOf([
  taskPlan("echo", { downstream: ["after"] }),
  taskPlan("after", { method: "echo", upstream: ["echo"] }),
  taskPlan("at_once", { method: "echo", dispatch: "direct" }),
]);
const DIRECT: ClaimRequest = { holding: 0, budgetMs: 28_000 };

function accepting(overrides: Partial<AcceptDependencies> = {}) {
  const driven: { runId: RunId; grant: Grant }[] = [];
  const accept = createAcceptTrigger({
    plan: PLAN,
    registry: { tasks: {}, endpoints: {} },
    callRun,
    gate: OPEN_GATE,
    directClaim: DIRECT,
    driveGrant: async (_, runId, grant) => void driven.push({ runId, grant }),
    ...overrides,
  });
  return { driven, accept };
}

function triggerOf(payload: unknown, overrides: Partial<TriggerRequest> = {}): TriggerRequest {
  return {
    task: "echo",
    payload: encoded(payload),
    idempotencyKey: null,
    origin: { source: "api", by: "test", parent: null },
    ...overrides,
  };
}

function encoded(value: unknown): EncodedPayload {
  const result = encodePayload(value);
  if (!result.ok) throw new Error(result.problem.detail);
  return result.value;
}

/** Passes the request on, and notes it. */
function noting(requests: AcceptRequest[]): typeof callRun {
  return (bindings, runId, call) =>
    callRun(bindings, runId, (run) =>
      call(
        new Proxy(run, {
          get: (target, name) =>
            name === "accept"
              ? (request: AcceptRequest) => {
                  requests.push(request);
                  return target.accept(request);
                }
              : Reflect.get(target, name),
        }),
      ),
    );
}

async function triggerObjects(runId: RunId): Promise<number> {
  return (await env.PAYLOADS.list({ prefix: `runs/${runId}/trigger` })).objects.length;
}

beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
});

describe("a trigger", () => {
  it("covers the task and all that is reachable from it, as peach.conf is now", async () => {
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

  it("keeps a small payload with the run, and has a large one in R2 before the run points at it", async () => {
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

  it("with the key of an earlier one deletes its own copy of the payload, and only that", async () => {
    const { accept } = accepting();
    const idempotencyKey = apiKey(crypto.randomUUID());
    const large = "x".repeat(40_000);
    for (const deduplicated of [false, true, true]) {
      const ctx = createExecutionContext();
      const answer = await accept(env, ctx, triggerOf(large, { idempotencyKey }));
      expect(answer).toMatchObject({ ok: true, value: { deduplicated } });
      await waitOnExecutionContext(ctx);
    }
    const runId = await runIdFor("echo", idempotencyKey);
    expect(await triggerObjects(runId)).toBe(1);
    const kept = await callRun(env, runId, (run) => run.payload(null));
    expect(kept?.at === "r2" && (await env.PAYLOADS.head(kept.key))?.size).toBe(40_000);
  });

  it("is answered also if its own copy cannot be deleted", async () => {
    const { accept } = accepting();
    const trigger = triggerOf("x".repeat(40_000), { idempotencyKey: apiKey(crypto.randomUUID()) });
    await accept(env, createExecutionContext(), trigger);
    const failing = vi.spyOn(env.PAYLOADS, "delete").mockRejectedValue(new Error("R2 is down"));
    const ctx = createExecutionContext();
    expect(await accept(env, ctx, trigger)).toMatchObject({ ok: true, value: { deduplicated: true } });
    await waitOnExecutionContext(ctx);
    failing.mockRestore();
  });
});

describe("dispatch: direct", () => {
  it("hands the first lease to a driver that goes on after the answer", async () => {
    const { accept, driven } = accepting();
    const carried: Promise<unknown>[] = [];
    const lifetime: Lifetime = { waitUntil: (promise) => void carried.push(promise) };
    const answer = await accept(env, lifetime, triggerOf(1, { task: "at_once" }));
    await Promise.all(carried);
    expect(answer.ok && driven[0]?.runId === answer.value.runId).toBe(true);
    expect(driven[0]?.grant.leases.map(({ task }) => task)).toEqual(["at_once"]);
  });

  it("asks for no more time than the invocation has left", async () => {
    const requests: AcceptRequest[] = [];
    const { accept, driven } = accepting({ callRun: noting(requests) });
    const lifetime: Lifetime = { waitUntil: () => undefined, budgetMs: () => 500 };
    await accept(env, lifetime, triggerOf(1, { task: "at_once" }));
    expect(requests[0]?.claim).toEqual({ holding: 0, budgetMs: 500 });
    expect(driven).toEqual([]);
  });

  it("claims nothing where it is not asked for, or the run is there already", async () => {
    const requests: AcceptRequest[] = [];
    const { accept, driven } = accepting({ callRun: noting(requests) });
    await accept(env, createExecutionContext(), triggerOf(1));
    expect(requests[0]).not.toHaveProperty("claim");
    const again = triggerOf(1, { task: "at_once", idempotencyKey: apiKey(crypto.randomUUID()) });
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

  it.each([null, apiKey(crypto.randomUUID())])("is no duplicate of itself, whatever its key (%#)", async (key) => {
    const { accept } = accepting({ callRun: twice });
    const answer = await accept(env, createExecutionContext(), triggerOf("small", { idempotencyKey: key }));
    expect(answer).toMatchObject({ ok: true, value: { deduplicated: false } });
  });

  it("keeps the payload that the run points at, in R2", async () => {
    const { accept } = accepting({ callRun: twice });
    const ctx = createExecutionContext();
    const answer = await accept(env, ctx, triggerOf("x".repeat(40_000)));
    await waitOnExecutionContext(ctx);
    expect(answer.ok && (await triggerObjects(answer.value.runId))).toBe(1);
  });

  it("of a dispatch: direct task gets the lease that was granted the first time", async () => {
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
    "is refused as overloaded if the run object cannot be reached (%#)",
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

  it("leaves its payload if nobody knows whether the run is there; unless it is, the run object deletes it", async () => {
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
    const idempotencyKey = apiKey(crypto.randomUUID());
    vi.stubGlobal("scheduler", { wait: async () => undefined });
    await abandoned.accept(env, createExecutionContext(), triggerOf("x".repeat(40_000), { idempotencyKey }));
    vi.unstubAllGlobals();
    const runId = await runIdFor("echo", idempotencyKey);
    expect(await triggerObjects(runId)).toBe(1);
    expect(await new HandDrivenRun(runId).alarmAt()).toBeGreaterThanOrEqual(before + inEightDays);
  });

  it("is refused as overloaded if R2 cannot store its payload; no run is recorded", async () => {
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

  it("rejects with the fault of the code, and with that of the stream, as they are", async () => {
    const bug = new TypeError("a bug");
    const { accept } = accepting({ callRun: () => Promise.reject(bug) });
    await expect(async () => accept(env, createExecutionContext(), triggerOf(1))).rejects.toBe(bug);
    const broken = new Error("the microphone is off");
    const stream = new ReadableStream<Uint8Array>({ pull: () => Promise.reject(broken) });
    await expect(async () => accepting().accept(env, createExecutionContext(), triggerOf(stream))).rejects.toBe(broken);
  });

  it.each(["nothing", "toString", "__proto__"])("is refused if there is no task %j", async (task) => {
    const answer = await accepting().accept(env, createExecutionContext(), triggerOf(1, { task }));
    expect(answer).toMatchObject({ ok: false, problem: { code: "unknown_task" } });
  });
});

describe("the input of a typed task", () => {
  const INPUT = z.union([z.string().min(1), z.instanceof(Uint8Array), z.object({ n: z.coerce.number() })]);
  const typed = { kind: "peach.task", input: INPUT, output: null, run: () => null } as const;
  const registry: MethodRegistry = { tasks: { echo: typed }, endpoints: {} };

  it.each([
    ["a text", "x", true],
    ["an empty text", "", false],
    ["bytes", Uint8Array.of(1), true],
    ["JSON", { n: 1 }, true],
    ["other JSON", { n: {} }, false],
  ])("sees the value that the task would read: %s", async (_, payload, fits) => {
    const answer = await accepting({ registry }).accept(env, createExecutionContext(), triggerOf(payload));
    if (fits) expect(answer.ok).toBe(true);
    else expect(answer).toMatchObject({ ok: false, problem: { code: "invalid_payload", errors: [{ path: "$" }] } });
  });

  it.each([
    [["a", "b"], []],
    [[], []],
    [["a", ""], ["$[1]"]],
    ["a", ["$"]],
  ])("of a task with `each` is what one item must be: %j", async (payload, wrong) => {
    const task = taskPlan("echo", { each: { maxParallel: 1, onError: "fail" } });
    const answer = await accepting({ registry, plan: planOf([task]) }).accept(
      env,
      createExecutionContext(),
      triggerOf(payload),
    );
    const paths = answer.ok ? [] : answer.problem.errors?.map(({ path }) => path);
    expect(paths).toEqual(wrong);
  });

  it("changes nothing of what came", async () => {
    const requests: AcceptRequest[] = [];
    const { accept } = accepting({ registry, callRun: noting(requests) });
    await accept(env, createExecutionContext(), triggerOf({ n: "7" }));
    const [first] = requests.map(({ payload }) =>
      payload.at === "inline" ? new TextDecoder().decode(payload.bytes) : "",
    );
    expect(first).toBe('{"n":"7"}');
  });

  it("sees a stream as a stream, of which nothing is read for that", async () => {
    const streams = { ...registry, tasks: { echo: { ...typed, input: z.instanceof(ReadableStream) } } };
    const requests: AcceptRequest[] = [];
    const { accept } = accepting({ registry: streams, callRun: noting(requests) });
    expect(await accept(env, createExecutionContext(), triggerOf(new Blob(["abc"]).stream()))).toMatchObject({
      ok: true,
    });
    expect(requests).toMatchObject([{ payload: { kind: "stream", size: 3 } }]);
    const refused = await accepting({ registry }).accept(
      env,
      createExecutionContext(),
      triggerOf(new Blob(["x"]).stream()),
    );
    expect(refused).toMatchObject({ ok: false, problem: { code: "invalid_payload" } });
  });

  it.each([
    ["a text", "text", "x".repeat(300_000), true],
    ["another text", "text", "y".repeat(300_000), false],
    ["bytes", "bytes", "x".repeat(9_000_000), true],
    ["other bytes", "bytes", "y".repeat(9_000_000), false],
  ] as const)(
    "is held against the body of any size, also one that comes as a stream: %s",
    async (_, kind, text, fits) => {
      const all = (value: string): boolean => value.startsWith("x") && value.endsWith("x");
      const input = z.union([z.string().refine(all), z.instanceof(Uint8Array).refine((it) => it[0] === 0x78)]);
      const requests: AcceptRequest[] = [];
      const { accept } = accepting({
        registry: { ...registry, tasks: { echo: { ...typed, input } } },
        callRun: noting(requests),
      });
      const body = new Blob([text]).stream();
      const payload = { kind, contentType: "x/y", size: null, body } as const;
      const answer = await accept(env, createExecutionContext(), { ...triggerOf(1), payload });
      if (fits) {
        expect(answer.ok).toBe(true);
        const [request] = requests;
        if (request?.payload.at !== "r2") throw new Error("not in R2");
        expect(await (await env.PAYLOADS.get(request.payload.key))?.text()).toBe(text);
      } else {
        expect(answer).toMatchObject({ ok: false, problem: { code: "invalid_payload" } });
        expect(requests).toEqual([]);
      }
    },
  );

  it("refuses what is too large to be held against it: 32 MB, declared or not", async () => {
    const block = new Uint8Array(1_048_576);
    const body = (blocks: number) => pieces(...Array.from({ length: blocks }, () => block));
    const accept = async (blocks: number, size: number | null) => {
      const { stream, given, state } = body(blocks);
      const payload = { kind: "bytes", contentType: "x/y", size, body: stream } as const;
      const answer = await accepting({ registry, callRun: noting([]) }).accept(env, createExecutionContext(), {
        ...triggerOf(1),
        payload,
      });
      return { answer, read: given(), state: state() };
    };
    expect(await accept(40, null)).toMatchObject({
      answer: { ok: false, problem: { code: "payload_too_large", hint: expect.stringContaining("without `input`") } },
      read: 33,
      state: "cancelled",
    });
    expect(await accept(40, 40 * 1_048_576)).toMatchObject({
      answer: { ok: false, problem: { code: "payload_too_large" } },
      read: 0,
      state: "cancelled",
    });
    expect(await accept(32, null)).toMatchObject({ answer: { ok: true } });
  });

  it("is refused with what its body was found to be while it was read", async () => {
    const { ok: _, ...refusal } = refuse({ code: "payload_too_large", detail: "It is.", hint: "Less." });
    const { stream } = pieces(Uint8Array.of(1), new ProblemError(refusal.problem));
    const payload = { kind: "bytes", contentType: "x/y", size: null, body: stream } as const;
    const answer = await accepting({ registry }).accept(env, createExecutionContext(), { ...triggerOf(1), payload });
    expect(answer).toEqual({ ok: false, ...refusal });
  });

  it("names at most 20 places that are wrong", async () => {
    const input = z.array(z.string());
    const { accept } = accepting({ registry: { ...registry, tasks: { echo: { ...typed, input } } } });
    const answer = await accept(env, createExecutionContext(), triggerOf(Array.from({ length: 50 }, () => 1)));
    if (answer.ok) throw new Error("accepted");
    expect(answer.problem.errors?.map(({ path }) => path)).toEqual(Array.from({ length: 20 }, (__, at) => `$[${at}]`));
    expect(answer.problem.detail).toContain("50 places are wrong");
  });
});
