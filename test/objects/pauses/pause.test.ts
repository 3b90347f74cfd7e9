import { evictAllDurableObjects } from "cloudflare:test";
import { driven } from "../../support/driven-object.ts";
import { env } from "../../support/env.ts";
import { afterEach, describe, expect, it, vi } from "vitest";
import { callPauses, keepPaused } from "../../../src/objects/pauses/pauses-client.ts";
import type { RunId } from "../../../src/domain/ids.ts";
import { RunObject } from "../../../src/objects/run/run-object.ts";
import { acceptance, CLAIM, HandDrivenRun } from "../../support/hand-driven.ts";
import { edge } from "../../support/edge.ts";
import { loseMessages } from "../../support/lost-messages.ts";
import { nextCall } from "../../support/pool/pipelines/scripted.ts";
import { planOf, taskPlan } from "../../support/plan.ts";

const PLAN = planOf([
  taskPlan("gate", { method: "scripted" }),
  taskPlan("long_gate", { method: "scripted", timeoutMs: 60_000 }),
  taskPlan("before", { method: "echo", downstream: ["gate_after"] }),
  taskPlan("gate_after", { method: "scripted", upstream: ["before"] }),
]);
const send = edge(PLAN);

async function change(task: string, what: "pause" | "resume"): Promise<{ paused: unknown }> {
  return (await send(`/api/v1/tasks/${task}/${what}`, { method: "POST" })).json();
}

/** Waits until the run holds the task back. */
async function held(run: HandDrivenRun, task: string): Promise<void> {
  await vi.waitFor(async () => {
    const document = (await run.document()).tasks.find((one) => one.task === task);
    expect(document).toMatchObject({ status: "queued", waiting_for: { for: "pause", key: null } });
  }, 10_000);
}

async function accept(task: string): Promise<HandDrivenRun> {
  return (await HandDrivenRun.accept(acceptance(PLAN, task, { claim: null }))).run;
}

async function succeeds(runId: RunId, task: string): Promise<void> {
  (await nextCall(runId, task)).succeed("done");
  expect((await new HandDrivenRun(runId).final()).status).toBe("succeeded");
}

afterEach(async () => {
  vi.restoreAllMocks();
  for (const { name } of Object.values(PLAN.tasks)) await callPauses(env, (pauses) => pauses.resume(name));
  keepPaused([]);
});

describe("a paused task", () => {
  it.each(["gate", "long_gate"])(
    "a paused task is told as such, held back, and started when it is resumed: %s",
    async (task) => {
      expect(await change(task, "pause")).toMatchObject({
        task,
        paused: { by: "api", at: expect.stringMatching(/^20.*Z$/) },
      });
      const run = await accept(task);
      await held(run, task);
      expect(await change(task, "resume")).toMatchObject({ paused: null });
      await succeeds(run.id, task);
    },
  );

  it("a paused task is held back in the middle of a run, across the eviction of every object", async () => {
    await change("gate_after", "pause");
    const run = await accept("before");
    await held(run, "gate_after");
    await evictAllDurableObjects();
    await run.wake();
    await held(run, "gate_after");
    await change("gate_after", "resume");
    await succeeds(run.id, "gate_after");
  });

  it("a paused task goes on where it runs already", async () => {
    const run = await accept("gate");
    const call = await nextCall(run.id, "gate");
    await change("gate", "pause");
    call.succeed("done");
    expect((await run.final()).status).toBe("succeeded");
  });

  it("a paused task starts by itself when the run asks about a pause that is over", async () => {
    const run = await accept("gate_after");
    const call = nextCall(run.id);
    await call.then((one) => one.succeed(1));
    const lost = loseMessages();
    const other = await accept("gate");
    // A driver that has not heard of the end of the pause.
    await other.claim({ ...CLAIM, paused: ["gate"] });
    lost.stop();
    await vi.waitFor(async () => expect((await other.document()).tasks[0]?.waiting_for).toBeNull(), 10_000);
    await succeeds(other.id, "gate");
  });

  it("a paused task does not hold others back", async () => {
    await change("gate", "pause");
    const other = await accept("gate_after");
    await succeeds(other.id, "gate_after");
  });

  it("the pause of an unknown task is 404 with the nearest one", async () => {
    const response = await send("/api/v1/tasks/gat/pause", { method: "POST" });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: "unknown_task", hint: 'Did you mean "gate"?' });
  });
});

describe("the object that knows of pauses", () => {
  it("the object that knows of pauses gives a run up that cannot be told that its task goes on", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    await change("gate", "pause");
    const run = await accept("gate");
    await held(run, "gate");
    vi.spyOn(RunObject.prototype, "resumed").mockRejectedValue(new Error("not now"));
    await change("gate", "resume");
    const stub = env.PAUSES.getByName("pauses");
    let alarms = 0;
    while (alarms < 20 && (await driven(stub).wake())) alarms += 1;
    expect(alarms).toBeLessThan(20);
    expect((await send(`/api/v1/runs/${run.id}/cancel`, { method: "POST" })).status).toBe(200);
  });

  it("the object that knows of pauses keeps nothing once everything is resumed and told", async () => {
    await change("gate", "pause");
    await change("gate", "resume");
    const stub = env.PAUSES.getByName("pauses");
    await vi.waitFor(async () => {
      while (await driven(stub).wake());
      expect(await callPauses(env, (pauses) => pauses.paused())).toEqual([]);
    }, 10_000);
  });
});
