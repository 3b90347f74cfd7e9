import { describe, expect, it } from "vitest";
import { applyJoined, longestWaitMs } from "../../../src/domain/run/shared-triggers.ts";
import type { Run } from "../../../src/domain/run/state.ts";
import { DrivenRun } from "../../support/driven-run.ts";
import { inline } from "../../support/settlements.ts";
import { graphOf, Play, RUN_ID } from "../../support/run-play.ts";

const DELAY_MS = 10_000;

/** A run of a debounced task that has taken its first trigger. */
function joined() {
  const driven = new DrivenRun();
  const trigger = (nonce: string, key?: string) =>
    driven.controller.acceptOrPostpone({
      runId: RUN_ID,
      nonce,
      graph: graphOf("a"),
      origin: { source: "api", by: "test", parent: null },
      payload: inline(nonce),
      delayMs: DELAY_MS,
      ...(key !== undefined && { key }),
    });
  const run = (): Run => {
    const loaded = driven.controller.load();
    if (loaded === null) throw new Error("there is no run");
    return loaded;
  };
  return { driven, trigger, run };
}

describe("a run of a debounced task that triggers come to without end", () => {
  it("a run of a debounced task that triggers come to without end knows the last thousand calls again that had no key, and is the same when it is read back", () => {
    const { driven, trigger, run } = joined();
    for (let call = 0; call < 3_000; call += 1) trigger(`call ${call}`);
    expect(Object.keys(run().joined)).toHaveLength(1_000);
    const before = structuredClone(run());
    expect(trigger("call 2999")?.outcome).toBe("joined");
    expect(run()).toEqual(before);
    driven.evict();
    expect(run()).toEqual(before);
  });

  it("a run of a debounced task that triggers come to without end knows every key again, and starts at once with the ten thousandth", () => {
    const { driven, trigger, run } = joined();
    trigger("call 0", "key 0");
    for (let call = 1; call < 9_998; call += 1) run().joined[`key ${call}`] = { nonce: `call ${call}` };
    trigger("call 9998", "key 9998");
    expect(run().tasks[0]?.state).toMatchObject({ notBefore: driven.now + DELAY_MS });
    expect(trigger("again", "key 0")?.outcome).toBe("deduplicated");
    for (let call = 9_999; call < 10_001; call += 1) trigger(`call ${call}`, `key ${call}`);
    expect(run().tasks[0]?.state).toMatchObject({ notBefore: driven.now });
    // The next one finds it started.
    expect(trigger("next", "another key")).toBeNull();
  });
});

describe("the triggers of a run", () => {
  it("the triggers of a run are known by their key for good, and by their call as long as it is among the last thousand", () => {
    const { run } = new Play("a");
    const trigger = { digest: "d", at: 1 };
    applyJoined(run, { id: "key", nonce: "keyed", ...trigger });
    const calls = Array.from({ length: 1_002 }, (_, call) => `call ${call}`);
    for (const call of calls.slice(0, 1_000)) applyJoined(run, { id: call, nonce: call, ...trigger });
    expect(Object.keys(run.joined)).toEqual(["key", ...calls.slice(0, 1_000)]);
    for (const call of calls.slice(1_000)) applyJoined(run, { id: call, nonce: call, ...trigger });
    expect(Object.keys(run.joined)).toEqual(["key", ...calls.slice(2)]);
  });

  it("the triggers of a run make it wait no longer than the longest wait since the first, nor for more than ten thousand", () => {
    const { run } = new Play("a", {}, { now: 1_000 });
    expect([1_000, 1_200, 1_500, 2_000].map((now) => longestWaitMs(run, 500, now))).toEqual([500, 300, 0, 0]);
    expect(longestWaitMs(run, undefined, 2_000)).toBe(Number.POSITIVE_INFINITY);
    const joined = (count: number): Run => ({
      ...run,
      joined: Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, { nonce: "n" }])),
    });
    expect([9_999, 10_000].map((count) => longestWaitMs(joined(count), 500, 1_200))).toEqual([300, 0]);
  });
});
