import { createExecutionContext } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ok, ProblemError, refuse } from "../../../src/domain/problem.ts";
import { RunObject } from "../../../src/objects/run/run-object.ts";
import { callHook } from "../../support/deployed.ts";
import { PendingTriggers } from "../../../src/execution/author/pending-triggers.ts";
import { emitEvent, log, triggerTaskWithEvent } from "../../../src/task-helpers.ts";
import type { AcceptTrigger } from "../../../src/triggers/accept.ts";
import { attempt } from "../../support/attempt.ts";
import { newRunId } from "../../support/hand-driven.ts";

beforeEach(() => {
  for (const level of ["info", "warn", "error"] as const) vi.spyOn(console, level).mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Accepts, or refuses what is "bad", when the test says so. */
function slow() {
  const gate = Promise.withResolvers<void>();
  let asked = 0;
  const accept: AcceptTrigger = async (_, __, { task }) => {
    asked += 1;
    await gate.promise;
    return task === "bad"
      ? refuse({ code: "invalid_payload", detail: "does not fit", hint: "" })
      : ok({ runId: newRunId(), task, status: "queued", deduplicated: false });
  };
  return { accept, asked: () => asked, open: () => gate.resolve() };
}

/** Refuses at once, and lets the test wait until that is past. */
function refusing() {
  let refusals = 0;
  const accept: AcceptTrigger = async () => {
    refusals += 1;
    return refuse({ code: "invalid_payload", detail: "refused", hint: "" });
  };
  return { accept, refused: () => vi.waitFor(() => expect(refusals).toBe(1), 10_000) };
}

/** How an attempt of this method ends whose triggers are answered a while after it has returned. */
async function endOf(method: () => unknown) {
  const { accept, asked, open } = slow();
  let hasReturned = false;
  const calling = (): unknown => {
    try {
      return method();
    } finally {
      hasReturned = true;
    }
  };
  const ending = attempt(calling, {}, { accept });
  await vi.waitFor(() => expect(hasReturned || asked() > 0).toBe(true), 10_000);
  open();
  return (await ending).settlement;
}

describe("a trigger that a task does not await", () => {
  it("a trigger that a task does not await is waited for before the attempt settles, and is a child", async () => {
    const { outcome, children } = await endOf(() => {
      void triggerTaskWithEvent("good");
      return "returned";
    });
    expect(outcome.type).toBe("succeeded");
    expect(children.map(({ task }) => task)).toEqual(["good"]);
  });

  it("a trigger that a task does not await is waited for with what follows from it, and in functions that are not awaited themselves", async () => {
    const { outcome, children } = await endOf(() => {
      void triggerTaskWithEvent("one").then(() => triggerTaskWithEvent("two"));
      const twice = async (task: string): Promise<void> => {
        await triggerTaskWithEvent(task);
        await triggerTaskWithEvent(`${task} and more`);
      };
      for (const task of ["three", "four"]) void twice(task);
    });
    expect(outcome.type).toBe("succeeded");
    expect(children.map(({ task }) => task).toSorted()).toEqual([
      "four",
      "four and more",
      "one",
      "three",
      "three and more",
      "two",
    ]);
  });

  it("a trigger that a task does not await is waited for also if the method throws: what it has triggered is known", async () => {
    const { outcome, children } = await endOf(() => {
      void triggerTaskWithEvent("good");
      throw new Error("after the trigger");
    });
    expect(outcome).toMatchObject({ type: "failed", error: { message: "after the trigger" } });
    expect(children).toHaveLength(1);
  });

  it("a trigger that a task does not await is waited for also if the attempt is suspended meanwhile", async () => {
    const { accept, asked, open } = slow();
    const waited = vi.spyOn(RunObject.prototype, "untilFinal").mockResolvedValue(null);
    let calls = 0;
    const first: AcceptTrigger = (bindings, lifetime, trigger) => {
      calls += 1;
      const run = { runId: newRunId(), task: trigger.task, status: "queued", deduplicated: false } as const;
      return calls === 1 ? Promise.resolve(ok(run)) : accept(bindings, lifetime, trigger);
    };
    const ending = attempt(
      async () => {
        const awaited = await triggerTaskWithEvent("awaited");
        void triggerTaskWithEvent("not awaited");
        await awaited.result({ timeout: "1h" });
      },
      {},
      { accept: first },
    );
    await vi.waitFor(() => expect([waited.mock.calls.length, asked()]).toEqual([1, 1]), 10_000);
    open();
    const { outcome, children } = (await ending).settlement;
    expect(outcome.type).toBe("suspended");
    expect(children.map(({ task }) => task)).toEqual(["awaited", "not awaited"]);
  });

  it.each([
    ["by itself", () => void triggerTaskWithEvent("bad")],
    ["with something that follows", () => void triggerTaskWithEvent("bad").then(() => "never")],
    ["as an event", () => void emitEvent("no name")],
  ])(
    "a trigger that a task does not await fails the attempt if it fails %s, as if it had been awaited",
    async (_, method) => {
      const { outcome } = await endOf(method);
      expect(outcome).toMatchObject({ type: "failed", retryable: false, error: { name: "PeachError" } });
    },
  );

  it("a trigger that a task does not await fails it also if it had failed before the method returned", async () => {
    const { accept, refused } = refusing();
    const method = async (): Promise<string> => {
      void triggerTaskWithEvent("bad");
      await refused();
      return "returned";
    };
    const { settlement } = await attempt(method, {}, { accept });
    expect(settlement.outcome).toMatchObject({
      type: "failed",
      error: { message: expect.stringContaining("refused") },
    });
  });

  it("a trigger that a task does not await loses the attempt to its surroundings if those kept it from being recorded", async () => {
    const accept: AcceptTrigger = async () => refuse({ code: "overloaded", detail: "not now", hint: "" });
    const { settlement } = await attempt(() => void triggerTaskWithEvent("good"), {}, { accept });
    expect(settlement.outcome).toMatchObject({ type: "lost", to: "surroundings" });
  });

  it.each([
    ["caught at once", () => void triggerTaskWithEvent("bad").catch(() => undefined)],
    [
      "caught further on",
      () =>
        void triggerTaskWithEvent("bad")
          .then(() => 1)
          .catch(() => undefined),
    ],
    ["among many that are looked at", async () => void (await Promise.allSettled([triggerTaskWithEvent("bad")]))],
    [
      "in a function that catches it",
      () => void (async () => triggerTaskWithEvent("bad").catch(() => log.warn("not there")))(),
    ],
  ])("a trigger that a task does not await does not fail it if its failure is handled: %s", async (_, method) => {
    expect((await endOf(method)).outcome.type).toBe("succeeded");
  });

  it("a trigger that a task does not await does not fail it if it is awaited late, after it has failed", async () => {
    const { accept, refused } = refusing();
    const method = async (): Promise<string> => {
      const trigger = triggerTaskWithEvent("bad");
      await refused();
      return trigger.then(
        () => "there",
        () => "handled",
      );
    };
    const { settlement } = await attempt(method, {}, { accept });
    expect(settlement.outcome.type).toBe("succeeded");
  });

  it("a trigger that a task does not await fails it if the platform reports its error as unhandled, wherever it was lost, unless it is handled after all", async () => {
    const failing = (): { triggers: PendingTriggers; error: ProblemError; promise: Promise<unknown> } => {
      const error = new ProblemError({ code: "invalid_payload", detail: "d", hint: "h" });
      const triggers = new PendingTriggers();
      // Heard: by a function that is not awaited, as far as anybody can see.
      void triggers.follow(Promise.reject(error)).catch(() => undefined);
      return { triggers, error, promise: Promise.resolve() };
    };
    const lost = failing();
    await lost.triggers.idle();
    lost.triggers.unhandled(lost.promise, lost.error);
    await expect(async () => lost.triggers.conclude()).rejects.toBe(lost.error);
    const handled = failing();
    await handled.triggers.idle();
    handled.triggers.unhandled(handled.promise, handled.error);
    handled.triggers.handled(handled.promise);
    await handled.triggers.conclude();
  });
});

describe("a trigger that an endpoint does not await", () => {
  async function call(method: () => unknown) {
    const triggered: string[] = [];
    const ctx = createExecutionContext();
    const answer = callHook(method, { triggered: ({ task }) => void triggered.push(task), lifetime: ctx });
    return { triggered, answer };
  }

  it("a trigger that an endpoint does not await is waited for before it answers", async () => {
    const { triggered, answer } = await call(() => void triggerTaskWithEvent("echo", "un-awaited"));
    await answer;
    expect(triggered).toEqual(["echo"]);
  });

  it("a trigger that an endpoint does not await fails it if it fails, also where it has an answer already, whose body is given up", async () => {
    let given: unknown;
    const body = new ReadableStream({ cancel: (reason) => void (given = reason ?? "cancelled") });
    const { answer } = await call(() => {
      void triggerTaskWithEvent("there is no such task");
      return new Response(body);
    });
    await expect(Promise.resolve(answer)).rejects.toThrow("no task");
    expect(given).toBe("cancelled");
  });
});
