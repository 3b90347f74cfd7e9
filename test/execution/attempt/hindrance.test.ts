import { env } from "../../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Lease } from "../../../src/objects/run/lease-rpc.ts";
import type { AttemptOutcome } from "../../../src/objects/run/settlement-rpc.ts";
import type { TaskFunction } from "../../../src/execution/author/method.ts";
import { ArrayReader } from "../../../src/payloads/array-reader.ts";
import { attempt, recordedRun } from "../../support/attempt.ts";
import { newRunId } from "../../support/hand-driven.ts";
import { inline } from "../../support/settlements.ts";
import { callWithRetries } from "../../../src/platform/calls.ts";

const never = new Promise<never>(() => undefined);
const late = { type: "lost", to: "surroundings", error: { name: "TimeoutError" } } as const;
const bucket: R2Bucket = Object.getPrototypeOf(env.PAYLOADS);

beforeEach(() => void vi.stubGlobal("scheduler", { wait: async () => undefined }));
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** A lease of a task that reads this value from R2, whole or as a stream. */
async function reading(value: unknown, kind: "json" | "stream" = "json"): Promise<Partial<Lease>> {
  const runId = newRunId();
  const key = `runs/${runId}/trigger-1`;
  await env.PAYLOADS.put(key, JSON.stringify(value));
  const payload = { kind, size: 9, contentType: "application/json", at: "r2", key } as const;
  return { runId, timeoutMs: 50, inputs: [{ parent: "", payload }] };
}

/** What comes of an attempt of this item, whose method never ends. */
async function outcomeOfItem(lease: Partial<Lease>, index: number, arrays: ArrayReader): Promise<AttemptOutcome> {
  const item = { index, of: 0, total: 2, isElement: true };
  const { settlement } = await attempt((_payload) => never, { ...lease, item }, {}, undefined, arrays);
  return settlement.outcome;
}

function refuseOnce(operation: "get" | "put"): void {
  vi.spyOn(bucket, operation).mockRejectedValueOnce(new Error(`${operation}: internal error (10001)`));
}

describe("an attempt that R2 has refused at first", () => {
  it("an attempt that R2 has refused at first is lost, not timed out, if it reads what R2 gave at the second try", async () => {
    const lease = await reading(1);
    refuseOnce("get");
    const { settlement } = await attempt((_payload) => never, lease);
    expect(settlement.outcome).toMatchObject(late);
  });

  it("an attempt that R2 has refused at first is lost, not timed out, with all that wait for items of the same array", async () => {
    const lease = await reading([1, 2]);
    refuseOnce("get");
    const arrays = new ArrayReader(env.PAYLOADS);
    const outcomes = [0, 1].map((index) => outcomeOfItem(lease, index, arrays));
    expect(await Promise.all(outcomes)).toMatchObject([late, late]);
  });

  it("an attempt that R2 has refused at first is lost, not timed out, if it comes to the array between two tries of another attempt", async () => {
    vi.stubGlobal("scheduler", { wait: () => never });
    const lease = await reading([1, 2]);
    refuseOnce("get");
    const arrays = new ArrayReader(env.PAYLOADS);
    expect(await outcomeOfItem(lease, 0, arrays)).toMatchObject(late);
    expect(await outcomeOfItem(lease, 1, arrays)).toMatchObject(late);
  });

  it("an attempt that R2 has refused at first has timed out if it comes to the array when R2 has given it", async () => {
    const lease = await reading([1, 2]);
    refuseOnce("get");
    const arrays = new ArrayReader(env.PAYLOADS);
    expect(await outcomeOfItem(lease, 0, arrays)).toMatchObject(late);
    expect(await outcomeOfItem(lease, 1, arrays)).toMatchObject({ type: "timed_out" });
  });

  it("an attempt that R2 has refused at first has timed out if R2 refuses another array only", async () => {
    vi.stubGlobal("scheduler", { wait: () => never });
    const refused = await reading([1]);
    const given = await reading([2]);
    refuseOnce("get");
    const arrays = new ArrayReader(env.PAYLOADS);
    expect(await outcomeOfItem(refused, 0, arrays)).toMatchObject(late);
    expect(await outcomeOfItem(given, 0, arrays)).toMatchObject({ type: "timed_out" });
  });

  it("an attempt that R2 has refused at first is lost, not timed out, if its time is up while it stores what it passes", async () => {
    const runId = await recordedRun();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    refuseOnce("put");
    vi.spyOn(bucket, "put").mockImplementationOnce(async () => {
      vi.advanceTimersByTime(25_000);
      return never;
    });
    const { settlement } = await attempt(() => "large", { runId, inlineLimitBytes: 0 });
    expect(settlement.outcome).toMatchObject(late);
  });

  it("an attempt that R2 has refused at first is lost, not timed out, if it reads a stream that R2 gave at the second try", async () => {
    const lease = await reading(1, "stream");
    refuseOnce("get");
    const method = async (payload: ReadableStream): Promise<never> => {
      await new Response(payload).text();
      return never;
    };
    const { settlement } = await attempt(method, lease);
    expect(settlement.outcome).toMatchObject(late);
  });

  it("an attempt that R2 has refused at first succeeds if it ends in time, though R2 has refused it", async () => {
    const lease = await reading(1);
    refuseOnce("get");
    const { settlement } = await attempt((payload) => payload, { ...lease, timeoutMs: 25_000 });
    expect(settlement.outcome).toMatchObject({ type: "succeeded", output: inline(1) });
  });
});

/** Accepts no trigger: the object refuses the first calls, and does not answer the next one. */
function overloaded(refusals: number) {
  return {
    accept: () =>
      callWithRetries("the run", () => {
        refusals -= 1;
        return refusals < 0 ? never : Promise.reject(Object.assign(new Error("overloaded"), { overloaded: true }));
      }),
  };
}

describe("an attempt whose time is up while it triggers", () => {
  const method: TaskFunction = (_payload, task) => task.triggerTaskWithEvent("other", 1);

  it("an attempt whose time is up while it triggers is lost, not timed out, if an overload has refused the trigger at first", async () => {
    const { settlement } = await attempt(method, { timeoutMs: 50 }, overloaded(1));
    expect(settlement.outcome).toMatchObject(late);
  });

  it("an attempt whose time is up while it triggers has timed out if nothing has refused the trigger", async () => {
    const { settlement } = await attempt(method, { timeoutMs: 50 }, overloaded(0));
    expect(settlement.outcome).toMatchObject({ type: "timed_out" });
  });
});
