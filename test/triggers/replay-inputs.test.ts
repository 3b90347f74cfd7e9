import { createExecutionContext } from "cloudflare:test";
import { expect, it } from "vitest";
import { z } from "zod";
import type { LeasePayload } from "../../src/domain/payload.ts";
import { ok } from "../../src/domain/problem.ts";
import { callRun } from "../../src/objects/run/run-client.ts";
import type { RecordedInputs } from "../../src/objects/run/run-rpc.ts";
import { createReplayRun } from "../../src/triggers/replay.ts";
import { accepting, triggerOf } from "../support/accepting.ts";
import { env } from "../support/env.ts";
import { planOf, taskPlan } from "../support/plan.ts";

const MOST = 33_554_432;
const PLAN = planOf([
  taskPlan("echo", { downstream: ["left", "right"] }),
  taskPlan("left", { upstream: ["echo"], downstream: ["join"] }),
  taskPlan("right", { upstream: ["echo"], downstream: ["join"] }),
  taskPlan("join", { upstream: ["left", "right"] }),
]);

/** A real run that says to have recorded these inputs. */
function recording(inputs: RecordedInputs): typeof callRun {
  return (bindings, runId, call) =>
    callRun(bindings, runId, (run) =>
      call(
        new Proxy(run, {
          get: (target, name) => (name === "replayInputs" ? async () => inputs : Reflect.get(target, name)),
        }),
      ),
    );
}

/** A payload that says to be so large. */
function sized(kind: "json" | "stream", size: number): LeasePayload {
  return { kind, contentType: "application/json", size, at: "inline", bytes: new TextEncoder().encode("1") };
}

it.each([
  ["32 MB together, of which a stream is none", [sized("json", MOST - 8), sized("json", 8)], "taken"],
  ["a byte more", [sized("json", MOST - 8), sized("json", 9)], "payload_too_large"],
  ["32 MB beside a stream of any size", [sized("json", MOST), sized("stream", 2 * MOST)], "taken"],
])(
  "a replay from a typed task that reads several holds their outputs against its input: %s",
  async (_, payloads, said) => {
    const context = createExecutionContext();
    const accepted = await accepting({ plan: PLAN }).accept(env, context, triggerOf(1));
    if (!accepted.ok) throw new Error(accepted.problem.detail);
    const { runId } = accepted.value;
    const [left, right] = payloads;
    if (left === undefined || right === undefined) throw new Error("two are read");
    const inputs = [
      { parent: "left", payload: left },
      { parent: "right", payload: right },
    ];
    const replay = createReplayRun({
      plan: PLAN,
      registry: { tasks: { join: { input: z.object({ left: z.literal(1), right: z.unknown() }) } } },
      callRun: recording({ own: { shape: "keyed", parents: ["left", "right"], inputs }, outside: [] }),
      acceptTrigger: async (_env, _lifetime, { task }) => ok({ runId, task, deduplicated: false, status: "queued" }),
    });
    const replayed = await replay(env, context, {
      runId,
      from: "join",
      payload: null,
      idempotencyKey: null,
      actor: { kind: "token", name: "test" },
      url: "https://peach.example",
    });
    expect(replayed.ok ? "taken" : replayed.problem.code).toBe(said);
  },
);
