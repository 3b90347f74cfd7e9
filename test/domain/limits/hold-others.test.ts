import { describe, expect, it } from "vitest";
import { slotStatusOf } from "../../../src/domain/run/limit-gate.ts";
import { runIdFromBytes } from "../../../src/domain/ids.ts";
import type { TaskLimits } from "../../../src/domain/limits/limit.ts";
import { limitCalls } from "../../support/limit-calls.ts";
import { FRESH_DRIVER, passedArray, payloadRef, Play, RUN_ID, succeeded } from "../../support/run-play.ts";

const FIVE: TaskLimits = { concurrency: { limit: 5, strategy: "queue", key: null }, rateLimit: null, priority: 0 };
const LEASE_MS = 25_000 + 10_000;

function permit(play: Play, ordinal = 0, attempt = 1): void {
  play.event({ type: "slot_granted", kind: "concurrency", ordinal, attempt });
}

describe("a limited task that waits for another run", () => {
  it("a limited task that waits for another run gives its slot back, and asks for another when it goes on", () => {
    const play = new Play("a", { a: { limits: FIVE } });
    permit(play);
    play.claim();
    const child = runIdFromBytes(new Uint8Array(16).fill(1));
    const awaits = [{ runId: child, task: "other", call: "x", until: play.now + 60_000 }];
    play.settle("a", { type: "suspended", awaits });
    expect(limitCalls(play)).toEqual(["give concurrency of attempt 1 back"]);
    play.event({ type: "awaited", runs: [{ runId: child, status: "succeeded" }] });
    expect(limitCalls(play)).toEqual(["ask concurrency for attempt 2"]);
  });
});

describe("a limited task that others complete", () => {
  const holder = { runId: RUN_ID, ordinal: 0, attempt: 1 };
  const output = { type: "succeeded", passed: { output: payloadRef("completed"), to: null } } as const;

  /** Its method is at work for a second. */
  function begun(): Play {
    const play = new Play("a", { a: { limits: FIVE, external: true, timeoutMs: 86_400_000 } });
    permit(play);
    play.claim();
    play.now += 1_000;
    return play;
  }

  function complete(play: Play, lease: ReturnType<Play["leaseOf"]>): void {
    play.event({ type: "completed", completion: { ...lease, nonce: "n", outcome: output } });
  }

  it("a limited task that others complete keeps its slot while it waits for that, and gives it back at once then", () => {
    const play = begun();
    const lease = play.leaseOf("a");
    play.settle("a", { type: "waiting" });
    expect(limitCalls(play)).toEqual([]);
    expect(slotStatusOf(play.run, "concurrency", holder, play.now)).toEqual({ type: "holding" });
    complete(play, lease);
    expect(limitCalls(play)).toEqual(["give concurrency of attempt 1 back"]);
  });

  it("a limited task that others complete gives its slot back at once if the run is cancelled meanwhile", () => {
    const play = begun();
    play.settle("a", { type: "waiting" });
    play.cancel();
    expect(limitCalls(play)).toEqual(["give concurrency of attempt 1 back"]);
  });

  it("a limited task that others complete that is completed while its method is at work keeps its slot until that has returned, or its lease is over", () => {
    const play = begun();
    const lease = play.leaseOf("a");
    complete(play, lease);
    expect(limitCalls(play)).toEqual([`give concurrency of attempt 1 back after ${LEASE_MS - 1_000}`]);
    expect(slotStatusOf(play.run, "concurrency", holder, play.now)).toEqual({
      type: "over",
      afterMs: LEASE_MS - 1_000,
    });
    const settled = { ...lease, outcome: { type: "waiting" } as const, children: [], logs: null };
    play.event({ type: "settled", attempts: [settled], claim: null });
    expect(limitCalls(play)).toEqual(["give concurrency of attempt 1 back"]);
  });
});

describe("a limited task with `each`", () => {
  const settings = { b: { limits: FIVE, each: { maxParallel: 4, onError: "fail" } } } as const;

  function mapped(length: number): Play {
    const play = new Play("a > b", settings, { claim: FRESH_DRIVER });
    play.settle("a", passedArray(length));
    return play;
  }

  it("a limited task with `each` asks for each of its items, and for nothing itself", () => {
    const play = mapped(1);
    expect(limitCalls(play)).toEqual(["ask concurrency for attempt 1"]);
    permit(play, play.ordinalOf("b[0]"));
    play.claim();
    play.settle("b[0]", succeeded());
    expect(limitCalls(play)).toEqual(["give concurrency of attempt 1 back"]);
    expect(play.claim()).toEqual(["b"]);
    expect(limitCalls(play)).toEqual([]);
    play.settle("b", passedArray(1));
    expect(limitCalls(play)).toEqual([]);
    expect(play.statuses["b"]).toBe("succeeded");
  });

  it("a limited task with `each` gives the slots of those items back that are under way when the run is cancelled", () => {
    const play = mapped(5);
    const [done, running] = [play.ordinalOf("b[0]"), play.ordinalOf("b[1]")];
    for (const ordinal of [done, running]) permit(play, ordinal);
    play.claim();
    play.settle("b[0]", succeeded());
    play.now += 1_000;
    play.cancel();
    expect(play.effects("release_slot").map(({ holder, afterMs }) => [play.nameOf(holder.ordinal), afterMs])).toEqual([
      ["b[1]", LEASE_MS - 1_000],
      ["b[2]", 0],
      ["b[3]", 0],
      ["b[4]", 0],
    ]);
  });

  it("a limited task with `each` has no items to give slots back of before they are known", () => {
    const play = new Play("a > b", settings);
    play.cancel();
    expect(limitCalls(play)).toEqual([]);
  });
});
