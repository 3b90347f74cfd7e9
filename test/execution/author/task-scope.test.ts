import { env } from "../../support/env.ts";
import { describe, expect, it } from "vitest";
import { openPayload } from "../../../src/payloads/payload-store.ts";
import type { Lease } from "../../../src/objects/run/lease-rpc.ts";
import type { TaskFunction } from "../../../src/execution/author/method.ts";
import { passToChildTask } from "../../../src/task-helpers.ts";
import { attempt, recordedRun } from "../../support/attempt.ts";
import { inline } from "../../support/settlements.ts";

/** What a successful attempt passes: to all, and to children of their own. */
async function passedBy(method: TaskFunction, lease: Partial<Lease> = {}): Promise<{ all: unknown; to: unknown }> {
  const { settlement } = await attempt(method, { children: ["recommend", "archive"], ...lease });
  const { outcome } = settlement;
  if (outcome.type !== "succeeded") throw new Error(JSON.stringify(outcome));
  const read = (newPayload: typeof outcome.output): Promise<unknown> =>
    openPayload(env.PAYLOADS, newPayload, () => Promise.reject(new Error("nothing is held")));
  const to = await Promise.all(
    Object.entries(outcome.to ?? {}).map(async ([child, newPayload]) => [child, await read(newPayload)] as const),
  );
  return { all: await read(outcome.output), to: Object.fromEntries(to) };
}

describe("the task that a method is handed", () => {
  it("the task that a method is handed lets its helpers be taken off it", async () => {
    const passed = await passedBy(async (payload: unknown, { passToChildTask: pass, readFromParentTask: read }) => {
      pass([payload, await read()]);
    });
    expect(passed.all).toEqual([null, null]);
  });
});

describe("passToChildTask", () => {
  it("passToChildTask wins over what the task returns, also with null and undefined", async () => {
    expect(await passedBy(() => (passToChildTask("passed"), "returned"))).toEqual({ all: "passed", to: {} });
    expect(await passedBy(() => (passToChildTask(null), "returned"))).toEqual({ all: null, to: {} });
    expect(await passedBy(() => (passToChildTask(undefined), "returned"))).toEqual({ all: null, to: {} });
  });

  it("passToChildTask counts the last time it is called", async () => {
    const passed = await passedBy(() => {
      for (const value of [1, 2, 3]) passToChildTask(value);
    });
    expect(passed).toEqual({ all: 3, to: {} });
  });

  it("passToChildTask with `to` passes to that child only, the last time counting; the others get what is passed to all, or returned", async () => {
    const passed = await passedBy(() => {
      passToChildTask("early", { to: "archive" });
      passToChildTask("for all");
      passToChildTask({ for: "archive" }, { to: "archive" });
      return "returned";
    });
    expect(passed).toEqual({ all: "for all", to: { archive: { for: "archive" } } });
    expect(await passedBy(() => (passToChildTask(1, { to: "recommend" }), "returned"))).toEqual({
      all: "returned",
      to: { recommend: 1 },
    });
  });

  it("passToChildTask has what is too large for the run's state in R2, each child's under a key of its own", async () => {
    const { settlement } = await attempt(
      () => {
        passToChildTask("for archive", { to: "archive" });
        return "for all";
      },
      { runId: await recordedRun(), children: ["recommend", "archive"], inlineLimitBytes: 0, token: 3 },
    );
    const prefix = expect.stringMatching(/^runs\/run_[0-9a-z]{26}\/0\/1-3$/);
    const part = expect.stringMatching(/^runs\/run_[0-9a-z]{26}\/0\/1-3\/archive$/);
    expect(settlement.outcome).toMatchObject({ output: { at: "r2", key: prefix }, to: { archive: { key: part } } });
  });

  it("passToChildTask is refused for a task that is no child, with the nearest name; the attempt fails for good", async () => {
    const { settlement } = await attempt(() => passToChildTask(1, { to: "recomend" }), {
      children: ["recommend", "archive"],
    });
    expect(settlement.outcome).toMatchObject({
      type: "failed",
      retryable: false,
      error: {
        name: "PeachError",
        message:
          '"recomend" is no downstream task of "only". Did you mean "recommend"? Its downstream tasks are recommend, archive.',
      },
    });
    const childless = await attempt(() => passToChildTask(1, { to: "x" }), { children: [] });
    expect(childless.settlement.outcome).toMatchObject({
      error: { message: expect.stringContaining("It has no downstream task.") },
    });
  });

  it("passToChildTask is not undone by an error that the task caught", async () => {
    const passed = await passedBy(() => {
      passToChildTask("kept");
      try {
        passToChildTask(1, { to: "nobody" });
      } catch {
        return undefined;
      }
    });
    expect(passed).toEqual({ all: "kept", to: {} });
  });
});

describe("the task that a method is handed", () => {
  it("the task that a method is handed offers the same as the plain functions", async () => {
    const passed = await passedBy(
      async (_, task) => {
        const read = await task.readFromParentTask();
        task.passToChildTask({ read });
        task.passToChildTask("other", { to: "archive" });
      },
      { inputs: [{ parent: "", payload: inline([1]) }] },
    );
    expect(passed).toEqual({ all: { read: [1] }, to: { archive: "other" } });
  });
});
