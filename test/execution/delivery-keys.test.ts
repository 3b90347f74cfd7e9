/** What an endpoint triggers for a signed delivery that comes again, after some of it was refused. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "../support/env.ts";
import { describe, expect, it } from "vitest";
import { ok, refuse } from "../../src/domain/problem.ts";
import { runInScope } from "../../src/execution/author/context.ts";
import { EndpointScope } from "../../src/execution/author/endpoint-scope.ts";
import { emitEvent, triggerTaskWithEvent } from "../../src/task-helpers.ts";
import type { AcceptTrigger } from "../../src/triggers/accept.ts";
import { runIdFor } from "../../src/triggers/run-id.ts";
import { createEmitEvent } from "../../src/triggers/emit.ts";
import { planOf, taskPlan } from "../support/plan.ts";

const PLAN = planOf([
  taskPlan("echo", { on: { events: ["published"] } }),
  taskPlan("index", { on: { events: ["published"] } }),
]);

/** Endpoint and deployment: what has become a run, by task; and what is to be refused once, as `task payload`. */
function deployment() {
  const runs = new Map<string, string>();
  const refused = new Set<string>();
  const accept: AcceptTrigger = async (_, __, { task, payload: { body }, idempotencyKey }) => {
    if (idempotencyKey === null || "derive" in idempotencyKey) throw new Error("a delivery gives its own keys");
    const text = `${task} ${body instanceof Uint8Array ? new TextDecoder().decode(body) : "stream"}`;
    if (refused.delete(text)) return refuse({ code: "overloaded", detail: "too much", hint: "" });
    const runId = await runIdFor(env, task, idempotencyKey);
    const deduplicated = runs.has(runId);
    if (!deduplicated) runs.set(runId, text);
    return ok({ runId, task, status: "queued", deduplicated });
  };
  const emit = createEmitEvent({ plan: PLAN, registry: { tasks: {} }, acceptTrigger: accept });
  const call = { name: "hook", params: {}, requestId: "r", source: "endpoint", triggered: () => undefined } as const;
  const delivery = { id: "one", isFallback: false };
  const port = { env, lifetime: createExecutionContext(), accept, emit, plan: PLAN };
  return {
    deliver: (work: () => unknown) => runInScope(new EndpointScope({ ...call, delivery }, port), work),
    refuseOnce: (...texts: string[]) => texts.forEach((text) => refused.add(text)),
    runs: () => [...runs.values()].toSorted(),
  };
}

/** Goes on with the rest after what is refused. */
async function triggerAll(payloads: readonly unknown[]): Promise<void> {
  for (const payload of payloads) await triggerTaskWithEvent("echo", payload).catch(() => undefined);
}

describe("a signed delivery that is sent again because a part of what it triggers was refused", () => {
  it("a signed delivery that is sent again because a part of what it triggers was refused has each of its triggers made once, whichever was refused", async () => {
    for (const refused of [1, 2, 3]) {
      const { deliver, refuseOnce, runs } = deployment();
      refuseOnce(`echo ${refused}`);
      await deliver(() => triggerAll([1, 2, 3]));
      expect(runs()).toHaveLength(2);
      await deliver(() => triggerAll([1, 2, 3]));
      expect(runs()).toEqual(["echo 1", "echo 2", "echo 3"]);
    }
  });

  it("a signed delivery that is sent again because a part of what it triggers was refused has what was refused and triggered again at once made once, too", async () => {
    const { deliver, refuseOnce, runs } = deployment();
    refuseOnce('echo {"n":1}');
    await deliver(() => triggerAll([{ n: 1 }, { n: 1 }, { n: 2 }]));
    await deliver(() => triggerAll([{ n: 1 }, { n: 2 }]));
    expect(runs()).toEqual(['echo {"n":1}', 'echo {"n":2}']);
  });

  it("a signed delivery that is sent again because a part of what it triggers was refused does not take its next event for one that a part of its listeners has heard", async () => {
    const { deliver, refuseOnce, runs } = deployment();
    refuseOnce("index 1");
    const emitAll = async (): Promise<void> => {
      for (const payload of [1, 2]) await emitEvent("published", payload).catch(() => undefined);
    };
    await deliver(emitAll);
    expect(runs()).toEqual(["echo 1", "echo 2", "index 2"]);
    await deliver(emitAll);
    expect(runs()).toEqual(["echo 1", "echo 2", "index 1", "index 2"]);
  });
});
