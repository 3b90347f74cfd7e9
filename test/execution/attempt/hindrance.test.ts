import { env } from "../../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Lease } from "../../../src/objects/run/lease-rpc.ts";
import { ArrayReader } from "../../../src/payloads/array-reader.ts";
import { attempt, recordedRun } from "../../support/attempt.ts";
import { newRunId } from "../../support/hand-driven.ts";
import { inline } from "../../support/settlements.ts";

const never = new Promise<never>(() => undefined);
const late = { type: "lost", to: "surroundings", error: { name: "TimeoutError" } } as const;
const bucket: R2Bucket = Object.getPrototypeOf(env.PAYLOADS);

beforeEach(() => void vi.stubGlobal("scheduler", { wait: async () => undefined }));
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** A lease of a task that reads this value from R2. */
async function reading(value: unknown): Promise<Partial<Lease>> {
  const runId = newRunId();
  const key = `runs/${runId}/trigger-1`;
  await env.PAYLOADS.put(key, JSON.stringify(value));
  const payload = { kind: "json", size: 9, contentType: "application/json", at: "r2", key } as const;
  return { runId, timeoutMs: 50, inputs: [{ parent: "", payload }] };
}

function refuseOnce(operation: "get" | "put"): void {
  vi.spyOn(bucket, operation).mockRejectedValueOnce(new Error(`${operation}: internal error (10001)`));
}

describe("an attempt that R2 has refused at first", () => {
  it("is lost, not timed out, if it reads what R2 gave at the second try", async () => {
    const lease = await reading(1);
    refuseOnce("get");
    const { settlement } = await attempt((_payload) => never, lease);
    expect(settlement.outcome).toMatchObject(late);
  });

  it("is lost, not timed out, with all that wait for items of the same array", async () => {
    const lease = await reading([1, 2]);
    refuseOnce("get");
    const arrays = new ArrayReader(env.PAYLOADS);
    const outcomes = [0, 1].map(async (index) => {
      const item = { index, of: 0, total: 2, isElement: true };
      const { settlement } = await attempt((_payload) => never, { ...lease, item }, {}, undefined, arrays);
      return settlement.outcome;
    });
    expect(await Promise.all(outcomes)).toMatchObject([late, late]);
  });

  it("is lost, not timed out, if its time is up while it stores what it passes", async () => {
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

  it("succeeds if it ends in time", async () => {
    const lease = await reading(1);
    refuseOnce("get");
    const { settlement } = await attempt((payload) => payload, { ...lease, timeoutMs: 25_000 });
    expect(settlement.outcome).toMatchObject({ type: "succeeded", output: inline(1) });
  });
});
