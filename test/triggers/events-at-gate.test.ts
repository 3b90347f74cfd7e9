/** An event on its way through the gate: either all who listen get their runs, or none. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "../support/env.ts";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ok, refuse } from "../../src/domain/problem.ts";
import { callRun } from "../../src/objects/run/run-client.ts";
import { encodePayload } from "../../src/payloads/codec.ts";
import type { Gate } from "../../src/triggers/accept.ts";
import { createAcceptTrigger } from "../../src/triggers/trigger-acceptor.ts";
import { createEmitEvent } from "../../src/triggers/emit.ts";
import { loseMessages } from "../support/lost-messages.ts";
import { planOf, taskPlan } from "../support/plan.ts";

const LISTENERS = ["echo", "index", "archive"];
const PLAN = planOf(LISTENERS.map((name) => taskPlan(name, { method: "echo", on: { events: ["published"] } })));
const REGISTRY = { tasks: {}, endpoints: {} };
const FULL = { code: "overloaded", detail: "too much", hint: "" } as const;

/** Emits where the gate lets so many triggers pass. */
function emitAt(passes: number) {
  let left = passes;
  const gate: Gate = { admit: async () => (left-- > 0 ? ok(null) : refuse(FULL)) };
  const accept = createAcceptTrigger({
    plan: PLAN,
    registry: REGISTRY,
    callRun,
    gate,
    directClaim: { holding: 0, budgetMs: 28_000 },
    driveGrant: async () => undefined,
  });
  const started: string[] = [];
  const emit = createEmitEvent({
    plan: PLAN,
    registry: REGISTRY,
    acceptTrigger: async (bindings, lifetime, trigger) => {
      const accepted = await accept(bindings, lifetime, trigger);
      if (accepted.ok) started.push(trigger.task);
      return accepted;
    },
  });
  const payload = encodePayload({ a: 1 });
  if (!payload.ok) throw new Error(payload.problem.detail);
  const event = { name: "published", payload: payload.value, idempotencyKey: null, parent: null };
  return { emitted: emit(env, createExecutionContext(), event), started };
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("an event", () => {
  it("an event passes the gate once, for all who listen to it", async () => {
    loseMessages();
    const { emitted, started } = emitAt(1);
    expect(await emitted).toMatchObject({ ok: true, value: LISTENERS.map((task) => ({ task })) });
    expect(started.toSorted()).toEqual(LISTENERS.toSorted());
  });

  it("an event starts nothing if the gate refuses it", async () => {
    const { emitted, started } = emitAt(0);
    expect(await emitted).toEqual(refuse(FULL));
    expect(started).toEqual([]);
  });
});
