import { env } from "../../support/env.ts";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Lease } from "../../../src/objects/run/lease-rpc.ts";
import { AttemptSteps } from "../../../src/execution/attempt/steps.ts";
import type { TaskContext } from "../../../src/execution/author/api.ts";
import { currentTask, step, triggerTaskWithEvent } from "../../../src/task-helpers.ts";
import { attempt } from "../../support/attempt.ts";
import { acceptance, HandDrivenRun, only } from "../../support/hand-driven.ts";
import { inline } from "../../support/settlements.ts";
import { planOf, taskPlan } from "../../support/plan.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const RETRIES = { limit: 9, delayMs: 0, backoff: "constant", maxDelayMs: 0, jitter: false } as const;
const ONE = planOf([taskPlan("only", { method: "scripted", retries: RETRIES })]);
const LARGE = planOf([taskPlan("only", { method: "scripted", retries: RETRIES })], { inlineLimitBytes: 0 });

async function begun(plan = ONE): Promise<{ run: HandDrivenRun; lease: Lease }> {
  const { run, answer } = await HandDrivenRun.accept(acceptance(plan, "only"));
  return { run, lease: only(answer.grant) };
}

/** Runs an attempt, settles it, and gives the lease of the next one if it has failed. */
async function play(run: HandDrivenRun, lease: Lease, method: (payload: never, task: TaskContext) => unknown) {
  const { settlement } = await attempt(method, lease);
  const { leases } = await run.settle(settlement);
  return { outcome: settlement.outcome, next: leases[0] };
}

async function errorOf(method: () => Promise<unknown>): Promise<unknown> {
  const { lease } = await begun();
  const { outcome } = (await attempt(method, lease)).settlement;
  return outcome.type === "failed" ? outcome : outcome.type;
}

describe("a step", () => {
  it("a step that comes to more than 32 MB fails for good, since no later attempt could open that", async () => {
    expect(await errorOf(() => step("large", () => new Uint8Array(33_554_433)))).toMatchObject({
      retryable: false,
      error: { message: expect.stringContaining('What the step "large" came to has 33554433 bytes') },
    });
  });

  it("a step is done once, however many attempts the task has", async () => {
    const { run, lease } = await begun();
    const done: string[] = [];
    const method = async (): Promise<unknown> => {
      const one = await step("one", async () => ({ done: done.push("one") }));
      const two = await step("two", () => ({ done: done.push("two") }));
      if (currentTask().attempt < 3) throw new Error("after two steps");
      return [one, two];
    };
    const first = await play(run, lease, method);
    expect(first.outcome.type).toBe("failed");
    await run.evict();
    const second = await play(run, first.next ?? lease, method);
    await play(run, second.next ?? lease, method);
    expect(done).toEqual(["one", "two"]);
    const [task] = (await run.document()).tasks;
    expect(task).toMatchObject({
      status: "succeeded",
      steps: [
        { name: "one", finished_at: expect.stringMatching(/Z$/) },
        { name: "two", finished_at: expect.stringMatching(/Z$/) },
      ],
    });
    expect(await run.call((object) => object.payload("only"))).toMatchObject({
      bytes: new TextEncoder().encode(JSON.stringify([{ done: 1 }, { done: 2 }])),
    });
  });

  it("a step that throws is recorded nowhere, and may be tried again in the same attempt", async () => {
    const { run, lease } = await begun();
    let tries = 0;
    await play(run, lease, async () => {
      const fetched = (): Promise<string> =>
        step("fetch", () => {
          tries += 1;
          if (tries < 3) throw new Error("busy");
          return `try ${tries}`;
        });
      await expect((async () => fetched())()).rejects.toThrow("busy");
      expect((await run.document()).tasks[0]?.steps).toBeUndefined();
      await expect((async () => fetched())()).rejects.toThrow("busy");
      expect(await fetched()).toBe("try 3");
    });
    expect(tries).toBe(3);
  });

  it.each<[string, () => unknown]>([
    ["a JSON value", () => ({ a: [1, null, { b: "ü€𝄞" }] })],
    ["nothing", () => null],
    ["a text", () => "\u{feff}text"],
    ["bytes", () => new Uint8Array([0, 1, 255])],
    ["a buffer", () => new Uint8Array([7, 8]).buffer],
    ["wide numbers", () => new Float64Array([0.5, -1])],
    ["a blob", () => new Blob(["blob"], { type: "audio/mpeg" })],
    ["a stream", () => new Blob(["streamed"]).stream()],
  ])("a step comes out of later attempts as the kind that it was: %s", async (_, make) => {
    for (const plan of [ONE, LARGE]) {
      const { run, lease } = await begun(plan);
      const seen: unknown[] = [];
      const method = async (): Promise<void> => {
        const value = await step("make", make);
        seen.push({
          kind: Object.prototype.toString.call(value),
          content: value instanceof Blob || value instanceof ReadableStream ? await new Response(value).text() : value,
        });
        if (currentTask().attempt === 1) throw new Error("again");
      };
      const { next } = await play(run, lease, method);
      await play(run, next ?? lease, method);
      expect(seen).toHaveLength(2);
      expect(seen[1]).toEqual(seen[0]);
      const made = make();
      if (!(made instanceof Blob || made instanceof ReadableStream)) expect(seen[0]).toMatchObject({ content: made });
    }
  });

  it("a step puts what is large into R2, under the prefix that goes with the run, and not through the run's object", async () => {
    const { run, lease } = await begun();
    await play(run, lease, async () => {
      await step("large", () => "x".repeat(100_000));
      await step("small", () => "y".repeat(1_000));
    });
    const { objects } = await env.PAYLOADS.list({ prefix: `runs/${run.id}/` });
    expect(objects.map(({ size }) => size)).toEqual([100_000]);
    const stored = (await run.journal()).reduce((sum, { size }) => sum + size, 0);
    expect(stored).toBeLessThan(1_500);
  });

  it("a step may run beside others", async () => {
    const { run, lease } = await begun();
    await play(run, lease, async () => {
      const names = ["a", "b", "c", "d"];
      expect(await Promise.all(names.map((name) => step(name, async () => name)))).toEqual(names);
    });
    expect((await run.document()).tasks[0]?.steps).toHaveLength(4);
  });

  it("a step that triggers finds its own run again, and takes none away from what is triggered after it", async () => {
    const { run, lease } = await begun();
    const ids: string[] = [];
    const method = async (): Promise<void> => {
      await step("first", async () => (await triggerTaskWithEvent("echo", 1)).runId);
      const { runId } = await triggerTaskWithEvent("echo", 2);
      ids.push(runId);
      if (currentTask().attempt === 1) throw new Error("again");
    };
    const { next } = await play(run, lease, method);
    await play(run, next ?? lease, method);
    expect(ids[1]).toBe(ids[0]);
    expect((await run.document()).children).toHaveLength(2);
  });
});

describe("a task that is suspended while one of its steps works on after a wait", () => {
  it(
    "a task that is suspended while one of its steps works on after a wait is suspended only when that step is done and recorded",
    { timeout: 30_000 },
    async () => {
      const { run, lease } = await begun();
      const asked = vi.spyOn(AttemptSteps.prototype, "idle");
      let isWorking = false;
      let mayEnd = false;
      const method = async (): Promise<void> => {
        const work = step("ask, then work", async () => {
          const quick = await triggerTaskWithEvent("echo", "quick");
          await quick.result({ timeout: "20s" });
          isWorking = true;
          await vi.waitFor(() => expect(mayEnd).toBe(true), 20_000);
          return "worked";
        });
        const late = await triggerTaskWithEvent("echo", "late", { delay: "1h" });
        await Promise.all([work, late.result({ timeout: "2h" })]);
      };
      let isSuspended = false;
      const ended = attempt(method, { ...lease, timeoutMs: 25_000 }).then(({ settlement }) => {
        isSuspended = true;
        return settlement.outcome;
      });
      await vi.waitFor(() => expect([isWorking, asked.mock.calls.length]).toEqual([true, 1]), 20_000);
      await env.PAYLOADS.head("a turn of the runtime, in which it would have ended");
      expect(isSuspended).toBe(false);
      mayEnd = true;
      expect(await ended).toMatchObject({ type: "suspended", awaits: [{ task: "echo" }] });
      expect((await run.document()).tasks[0]?.steps).toMatchObject([{ name: "ask, then work" }]);
    },
  );
});

describe("a step that is refused", () => {
  it("a step is refused that has a name that the attempt has used already", async () => {
    const twice = async (): Promise<void> => {
      await step("same", () => 1);
      await step("same", () => 2);
    };
    expect(await errorOf(twice)).toMatchObject({
      retryable: false,
      error: { message: expect.stringContaining('two steps "same" in one attempt') },
    });
  });

  it("a step is refused that is begun within another, which then fails too", async () => {
    const nested = (): Promise<unknown> => step("outer", () => step("inner", () => 1));
    expect(await errorOf(nested)).toMatchObject({
      retryable: false,
      error: { message: expect.stringContaining('"inner" of "only" was begun within the step "outer"') },
    });
  });

  it.each(["", "x".repeat(201)])("a step is refused that has the name %j", async (name) => {
    expect(await errorOf(() => step(name, () => 1))).toMatchObject({
      retryable: false,
      error: { message: expect.stringContaining("1 to 200 characters") },
    });
  });

  it("a step is refused that returns what cannot be stored", async () => {
    expect(await errorOf(() => step("odd", () => () => 1))).toMatchObject({
      retryable: false,
      error: { name: "PeachError", message: expect.stringContaining("cannot be stored") },
    });
  });

  it("a step is refused that is one more than a task may have", async () => {
    const { lease } = await begun();
    const steps = Array.from({ length: 1_000 }, (_, nth) => ({ name: `${nth}`, payload: inline(nth) }));
    const { settlement } = await attempt(() => step("more", () => 1), { ...lease, steps });
    expect(settlement.outcome).toMatchObject({
      type: "failed",
      retryable: false,
      error: { message: expect.stringContaining("more than 1000 steps") },
    });
  });

  it("a step is refused that belongs to an attempt whose lease has gone to another: it throws, aborts the signal, and is kept nowhere", async () => {
    const { run, lease } = await begun();
    const { settlement } = await attempt(async (_payload: never, task: TaskContext) => {
      await run.call((object) => object.cancel());
      const { signal } = task;
      const failure = await step("late", () => 1).catch((error: unknown) => error);
      expect(failure).toMatchObject({ name: "AttemptOverError" });
      expect(signal).toMatchObject({ aborted: true, reason: failure });
      throw failure;
    }, lease);
    expect(settlement.outcome).toMatchObject({ error: { name: "AttemptOverError" } });
    expect((await run.document()).tasks[0]?.steps).toBeUndefined();
  });

  it("a step is refused that is called outside a task", async () => {
    await expect((async () => step("nowhere", () => 1))()).rejects.toThrow("outside a task");
  });
});
