import { env } from "../../support/env.ts";
import { afterEach, describe, expect, it, vi } from "vitest";
import { callRun } from "../../../src/objects/run/run-client.ts";
import { RunObject } from "../../../src/objects/run/run-object.ts";
import type { Lease } from "../../../src/objects/run/lease-rpc.ts";
import { openOutput } from "../../../src/execution/attempt/run-output.ts";
import {
  NonRetryableError,
  TaskNotSucceededError,
  triggerTaskWithEvent,
  type TriggeredRun,
} from "../../../src/task-helpers.ts";
import { attempt, leaseFor } from "../../support/attempt.ts";
import { acceptance, HandDrivenRun, newRunId, only } from "../../support/hand-driven.ts";
import { succeeded, threw } from "../../support/settlements.ts";
import { loseMessages } from "../../support/lost-messages.ts";
import { planOf, taskPlan } from "../../support/plan.ts";
import { nextCall } from "../../support/pool/pipelines/scripted.ts";

const ONE = planOf([taskPlan("only", { method: "scripted" })]);

const restored: (() => void)[] = [];

afterEach(() => {
  for (const restore of restored.splice(0)) restore();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

async function begun(): Promise<{ run: HandDrivenRun; lease: Lease }> {
  const { run, answer } = await HandDrivenRun.accept(acceptance(ONE, "only"));
  return { run, lease: only(answer.grant) };
}

/** What a task sees that triggers `target` and asks for its output so; what went wrong, if anything did. */
async function outputSeen(
  target: string,
  payload: unknown,
  ask: (run: TriggeredRun) => Promise<unknown>,
): Promise<unknown> {
  let seen: unknown;
  const { settlement } = await attempt(async () => {
    seen = await ask(await triggerTaskWithEvent(target, payload)).catch((error: unknown) => error);
  });
  expect(settlement.outcome.type).toBe("succeeded");
  return seen;
}

describe("output() of a run that was triggered", () => {
  it.each([
    ["JSON", { a: [1, null, "ü"] }],
    ["a string", 'te"xt'],
    ["bytes", new Uint8Array([0, 255, 3])],
    ["more than lies with the run", "x".repeat(100_000)],
  ])(
    "output() of a run that was triggered is what its last task passed: %s, as the kind it was passed",
    async (_, payload) => {
      expect(await outputSeen("echo", payload, (run) => run.output())).toEqual(payload);
    },
  );

  it("output() of a run that was triggered is that of the task that is named, which is needed where several come last", async () => {
    const seen = outputSeen("start", null, async (run) => {
      for (const task of ["start", "left", "right", "join"]) (await nextCall(run.runId, task)).succeed(`of ${task}`);
      return [
        await run.output(),
        await run.output("left"),
        await run.output("lft").catch((error: Error) => error.message),
      ];
    });
    expect(await seen).toEqual(["of join", "of left", expect.stringContaining('has no task "lft"')]);
  });

  it("output() of a run that was triggered rejects with a typed error if that task did not succeed, and says how it ended", async () => {
    const seen = await outputSeen("start", null, async (run) => {
      (await nextCall(run.runId, "start")).succeed();
      (await nextCall(run.runId, "left")).succeed("L");
      (await nextCall(run.runId, "right")).fail(new NonRetryableError("no"));
      expect(await run.output("left")).toBe("L");
      return run.output();
    });
    expect(seen).toBeInstanceOf(TaskNotSucceededError);
    expect(seen).toMatchObject({
      name: "TaskNotSucceededError",
      task: "join",
      status: "skipped",
      reason: "upstream_failed",
      message: expect.stringMatching(
        /^the task "join" of the run run_\w+ passed nothing: it is skipped \(upstream_failed\)$/,
      ),
    });
  });

  it("output() of a run that was triggered names the tasks to choose from where none was named and several come last, and where there is none of that name", async () => {
    // first ─▶ one, two
    const fork = planOf([
      taskPlan("first", { downstream: ["one", "two"] }),
      ...["one", "two"].map((key) => taskPlan(key, { upstream: ["first"] })),
    ]);
    const { run } = await HandDrivenRun.accept(acceptance(fork, "first"));
    const document = await run.document();
    await expect(openOutput(env, run.id, document, undefined)).rejects.toMatchObject({
      problem: {
        code: "invalid_request",
        detail: `The run ${run.id} ends in several tasks, so it has no one output.`,
        hint: 'Name one: output("..."), of one, two.',
      },
    });
    await expect(openOutput(env, run.id, document, "three")).rejects.toMatchObject({
      problem: { code: "unknown_task", hint: "Its tasks are first, one, two." },
    });
  });

  it("output() of a run that was triggered says no reason where the task has none", () => {
    expect(new TaskNotSucceededError(newRunId(), "a", "running", null).message).toMatch(
      /passed nothing: it is running$/,
    );
  });

  it("output() of a run that was triggered suspends a task that waits for long, which then has it", async () => {
    loseMessages();
    const { run, lease } = await begun();
    vi.spyOn(RunObject.prototype, "untilFinal").mockResolvedValue(null);
    const method = async (): Promise<unknown> =>
      (await triggerTaskWithEvent("scripted")).output(undefined, { timeout: "1h" });
    const { settlement } = await attempt(method, lease);
    expect(settlement.outcome).toMatchObject({ type: "suspended", awaits: [{ needsSuccess: true }] });
    await run.settle(settlement);
    const [{ runId } = { runId: run.id }] = settlement.children;
    const child = new HandDrivenRun(runId);
    await child.settle(succeeded(only(await child.claim()), { from: "the child" }));
    await vi.waitFor(async () => expect((await run.document()).tasks[0]?.status).toBe("queued"), 10_000);
    const next = only(await run.claim());
    expect(next.arrived).toMatchObject([{ runId, status: "succeeded" }]);
    const again = (await attempt(method, next)).settlement;
    if (again.outcome.type !== "succeeded" || again.outcome.output.at !== "inline") throw new Error("not resumed");
    expect(JSON.parse(new TextDecoder().decode(again.outcome.output.bytes))).toEqual({ from: "the child" });
  });
});

/** The most calls of this method of run objects that are under way at a time; each takes a moment. */
function mostUnderWay(method: "accept" | "payload"): () => number {
  let [underWay, most] = [0, 0];
  const original: unknown = Reflect.get(RunObject.prototype, method);
  const watched = async function watched(this: RunObject, ...args: unknown[]): Promise<unknown> {
    underWay += 1;
    most = Math.max(most, underWay);
    await this.ctx.storage.sync();
    try {
      return typeof original === "function" ? await Reflect.apply(original, this, args) : null;
    } finally {
      underWay -= 1;
    }
  };
  Reflect.set(RunObject.prototype, method, watched);
  restored.push(() => Reflect.set(RunObject.prototype, method, original));
  return () => most;
}

describe("a task that asks many runs at once", () => {
  it(
    "a task that asks many runs at once triggers a few at a time, and fetches the outputs of a few",
    { timeout: 60_000 },
    async () => {
      const COUNT = 60;
      const [accepts, payloads] = [mostUnderWay("accept"), mostUnderWay("payload")];
      const trigger = (): Promise<TriggeredRun[]> => {
        const numbers = Array.from({ length: COUNT }, (_, number) => number);
        return Promise.all(numbers.map((number) => triggerTaskWithEvent("echo", number)));
      };
      const lease = leaseFor();
      const { settlement: first } = await attempt(async () => void (await trigger()), lease);
      for (const { runId } of first.children) await callRun(env, runId, (run) => run.untilFinal(20_000));
      // As after the wait for all of them is over.
      const arrived = first.children.map(({ runId }) => ({ runId, status: "succeeded", document: null }) as const);
      const outputs = async (): Promise<unknown> => Promise.all((await trigger()).map((child) => child.output()));
      const { settlement } = await attempt(outputs, { ...lease, arrived });
      expect(settlement.outcome).toMatchObject({ type: "succeeded", output: { length: COUNT } });
      expect(accepts()).toBeLessThanOrEqual(6);
      expect(payloads()).toBeLessThanOrEqual(4);
    },
  );
});

describe("a task that awaits many runs at once", () => {
  it(
    "a task that awaits many runs at once is suspended once and resumed once, and asks none of them for what it has come to",
    { timeout: 60_000 },
    async () => {
      const COUNT = 40;
      loseMessages();
      const { run, lease } = await begun();
      const calls = { untilFinal: 0, watch: 0, awaited: 0, describe: 0 };
      for (const name of ["untilFinal", "watch", "awaited", "describe"] as const) {
        const original: unknown = Reflect.get(RunObject.prototype, name);
        vi.spyOn(RunObject.prototype, name).mockImplementation(function counted(this: RunObject, ...args: unknown[]) {
          calls[name] += 1;
          if (name === "untilFinal") return Promise.resolve(null);
          return typeof original === "function" ? Reflect.apply(original, this, args) : null;
        });
      }
      const method = async (): Promise<unknown> => {
        const numbers = Array.from({ length: COUNT }, (_, number) => number);
        const children = await Promise.all(numbers.map((number) => triggerTaskWithEvent("scripted", number)));
        const results = await Promise.all(children.map((child) => child.result({ timeout: "7d" })));
        return results.map(({ status }) => status);
      };
      const first = (await attempt(method, lease)).settlement;
      if (first.outcome.type !== "suspended") throw new Error(first.outcome.type);
      expect(first.outcome.awaits).toHaveLength(COUNT);
      await run.settle(first);
      await vi.waitFor(() => expect(calls.watch).toBe(COUNT), 10_000);

      for (const [index, { runId }] of first.children.entries()) {
        expect((await run.document()).tasks[0]?.status).toBe("waiting");
        calls.describe -= 1;
        const child = new HandDrivenRun(runId);
        await child.settle(threw(only(await child.claim())));
        await vi.waitFor(() => expect(calls.awaited).toBe(index + 1), 10_000);
      }
      await vi.waitFor(async () => {
        calls.describe -= 1;
        expect((await run.document()).tasks[0]?.status).toBe("queued");
      }, 10_000);
      const next = only(await run.claim());
      const before = { ...calls };
      const again = (await attempt(method, next)).settlement;
      if (again.outcome.type !== "succeeded" || again.outcome.output.at !== "inline") throw new Error("not resumed");
      const passed: unknown = JSON.parse(new TextDecoder().decode(again.outcome.output.bytes));
      expect(passed).toEqual(Array.from({ length: COUNT }, () => "failed"));
      expect(calls).toEqual(before);
      expect(calls.untilFinal).toBeLessThanOrEqual(6);
      // One row for each that has ended, and those of the attempts.
      expect((await run.journal()).length).toBeLessThan(COUNT + 10);
      expect(await callRun(env, run.id, (object) => object.describe())).toMatchObject({
        tasks: [{ attempts: [{ status: "suspended" }, { status: "running" }] }],
      });
    },
  );
});
