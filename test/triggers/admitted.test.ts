import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "../support/env.ts";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { RunId } from "../../src/domain/ids.ts";
import { ok, refuse, type Result } from "../../src/domain/problem.ts";
import { apiKey } from "../../src/domain/trigger-key.ts";
import { encodePayload, type EncodedPayload } from "../../src/payloads/codec.ts";
import { callRun } from "../../src/objects/run/run-client.ts";
import type { AcceptRequest } from "../../src/objects/run/accept-rpc.ts";
import type { ClaimRequest, Grant } from "../../src/objects/run/lease-rpc.ts";
import { Place } from "../../src/triggers/driver-room.ts";
import type { AcceptDependencies, Gate, TriggerRequest } from "../../src/triggers/accept.ts";
import { createAcceptTrigger } from "../../src/triggers/trigger-acceptor.ts";
import { runIdFor } from "../../src/triggers/run-id.ts";
import { newRunId } from "../support/hand-driven.ts";
import { loseMessages } from "../support/lost-messages.ts";
import { OPEN_GATE } from "../support/open-gate.ts";
import { planOf, taskPlan } from "../support/plan.ts";

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
    registry: { tasks: {} },
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

describe("a trigger and the gate: one", () => {
  it("a trigger that the gate refuses is refused with its problem, and nothing of it is left", async () => {
    const requests: AcceptRequest[] = [];
    const behind = { code: "overloaded", detail: "d", hint: "h", retryAfterSeconds: 9 } as const;
    const gate: Gate = { admit: () => Promise.resolve(refuse(behind)) };
    const { accept } = accepting({ gate, callRun: noting(requests) });
    const idempotencyKey = apiKey("api", crypto.randomUUID());
    expect(await accept(env, createExecutionContext(), triggerOf("x".repeat(40_000), { idempotencyKey }))).toEqual({
      ok: false,
      problem: behind,
    });
    expect(requests).toEqual([]);
    expect(await triggerObjects(await runIdFor(env, "echo", idempotencyKey))).toBe(0);
    const later = await accepting().accept(env, createExecutionContext(), triggerOf(1, { idempotencyKey }));
    expect(later).toMatchObject({ ok: true, value: { deduplicated: false } });
  });

  it("a trigger of a task is work: the gate does not see it", async () => {
    const gate: Gate = { admit: () => Promise.reject(new Error("asked")) };
    const parent = { runId: newRunId(), task: "echo" };
    const origin = { source: "task", by: "echo", parent } as const;
    expect(await accepting({ gate }).accept(env, createExecutionContext(), triggerOf(1, { origin }))).toMatchObject({
      ok: true,
    });
  });

  it("a trigger that finds a place is driven where it was accepted, and gives the place back when the driver leaves", async () => {
    const leave = vi.fn();
    const driving = Promise.withResolvers<void>();
    const { accept } = accepting({
      gate: { admit: () => Promise.resolve(ok(new Place(leave))) },
      driveGrant: () => driving.promise,
    });
    const ctx = createExecutionContext();
    const messages = loseMessages();
    expect(await accept(env, ctx, triggerOf(1))).toMatchObject({ ok: true, value: { status: "running" } });
    expect(messages.sent()).toBe(0);
    expect(leave).not.toHaveBeenCalled();
    driving.resolve();
    await waitOnExecutionContext(ctx);
    expect(leave).toHaveBeenCalledOnce();
    messages.stop();
  });

  it.each([
    ["was there before", {}, { idempotencyKey: apiKey("api", "there before") }],
    [
      "cannot be recorded",
      { callRun: () => Promise.reject(Object.assign(new Error("gone"), { overloaded: true })) },
      {},
    ],
  ] as const)("a trigger that %s keeps no place", async (_, dependencies, trigger) => {
    await accepting().accept(
      env,
      createExecutionContext(),
      triggerOf(1, { idempotencyKey: apiKey("api", "there before") }),
    );
    let taken = 0;
    const admit = (): Promise<Result<Place>> => {
      taken += 1;
      return Promise.resolve(
        ok(
          new Place(() => {
            taken -= 1;
          }),
        ),
      );
    };
    await accepting({ gate: { admit }, ...dependencies }).accept(env, createExecutionContext(), triggerOf(1, trigger));
    expect(taken).toBe(0);
  });

  it.each([
    ["a task that is dispatched by the queue", {}, true],
    ["a trigger with a delay", { delayMs: 60_000 }, false],
    ["a task with dispatch: direct, which begins in any case", { task: "at_once" }, false],
  ] as const)("a trigger asks the gate for a place or not: %s", async (_, trigger, begins) => {
    const admit = vi.fn<Gate["admit"]>(() => Promise.resolve(ok(null)));
    await accepting({ gate: { admit } }).accept(env, createExecutionContext(), triggerOf(1, trigger));
    expect(admit).toHaveBeenCalledWith(env, expect.anything(), begins);
  });
});
