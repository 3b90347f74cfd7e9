import { describe, expect, it } from "vitest";
import type { TaskLimits } from "../../../src/domain/limits/limit.ts";
import { failed, FRESH_DRIVER, passedArray, Play, succeeded } from "../../support/run-play.ts";

const WINDOW = { limit: 9, perMs: 60_000, key: null } as const;
const ONE: TaskLimits = { concurrency: { limit: 1, strategy: "queue", key: null }, rateLimit: null, priority: 0 };

/** What is asked about pauses by the last event. */
function awaited(play: Play): string[] {
  return play.effects("await_resume").map(({ task }) => task);
}

describe("a paused task", () => {
  it("a paused task is held back when a driver that knows of it asks for work, and starts when it is resumed", () => {
    const play = new Play("a > b c");
    play.claim();
    play.settle("a", succeeded());
    expect(play.claim({ paused: ["b"] })).toEqual(["c"]);
    expect(awaited(play)).toEqual(["b"]);
    expect(play.stateOf("b")).toMatchObject({ status: "queued", blockedBy: { for: "pause", since: play.now } });
    expect(play.claim()).toEqual([]);
    play.event({ type: "task_resumed", task: "b" });
    expect(play.effects("dispatch")).toHaveLength(1);
    expect(play.claim()).toEqual(["b"]);
  });

  it("a paused task is held back in the very settle that readies it, and no driver is sent for it", () => {
    const play = new Play("a > b");
    play.claim();
    play.settle("a", succeeded(), { holding: 0, budgetMs: 28_000, paused: ["b"] });
    expect(play.last.leases).toEqual([]);
    expect(play.effects("dispatch")).toEqual([]);
    expect(awaited(play)).toEqual(["b"]);
  });

  it("a paused task asks again, ever more rarely, while it is held", () => {
    const play = new Play("a");
    play.claim({ paused: ["a"] });
    const pauses = Array.from({ length: 5 }, () => {
      const pause = play.wakeWhenDue();
      expect(awaited(play)).toEqual(["a"]);
      return pause;
    });
    expect(pauses).toEqual([10_000, 40_000, 160_000, 640_000, 900_000]);
  });

  it("a paused task goes on where it runs; its next attempt is held back", () => {
    const play = new Play("a", { a: { retries: { limit: 1, delayMs: 1_000 } } });
    play.claim();
    expect(play.claim({ paused: ["a"] })).toEqual([]);
    expect(play.statuses["a"]).toBe("running");
    play.settle("a", failed());
    play.wakeWhenDue();
    expect(play.claim({ paused: ["a"] })).toEqual([]);
    expect(play.stateOf("a")).toMatchObject({ blockedBy: { for: "pause" } });
  });

  it("a paused task of the long lane is not begun", () => {
    const play = new Play("a", { a: { timeoutMs: 60_000 } });
    play.event({ type: "begun", ordinal: 0, holder: "x", paused: ["a"] });
    expect(play.last.leases).toEqual([]);
    expect(awaited(play)).toEqual(["a"]);
    play.event({ type: "task_resumed", task: "a" });
    expect(play.effects("start_executor")).toHaveLength(1);
    expect(play.begin("a", "y")).not.toBeNull();
  });

  it("a paused task keeps the slot that it has, and gives it back when the run is cancelled", () => {
    const play = new Play("a", { a: { limits: ONE } });
    play.event({ type: "slot_granted", kind: "concurrency", ordinal: 0, attempt: 1 });
    play.claim({ paused: ["a"] });
    expect(play.effects("release_slot")).toEqual([]);
    play.event({ type: "slot_granted", kind: "concurrency", ordinal: 0, attempt: 1 });
    expect(play.stateOf("a")).toMatchObject({ blockedBy: { for: "pause" } });
    play.cancel();
    expect(play.effects("release_slot")).toHaveLength(1);
  });

  it("a paused task asks no limit for anything", () => {
    const play = new Play("a", { a: { limits: { ...ONE, rateLimit: WINDOW } } });
    play.event({ type: "slot_granted", kind: "concurrency", ordinal: 0, attempt: 1 });
    play.event({ type: "slot_granted", kind: "rate_limit", ordinal: 0, attempt: 1 });
    play.claim({ paused: ["a"] });
    expect(play.last.effects).toEqual([{ type: "await_resume", task: "a" }]);
  });

  it("a paused task that waits for a slot goes on to wait for it when it is resumed", () => {
    const play = new Play("a", { a: { limits: ONE } });
    play.event({ type: "task_resumed", task: "a" });
    expect(play.last.rejections).toEqual(["not_blocked"]);
    expect(play.stateOf("a")).toMatchObject({ blockedBy: { for: "concurrency" } });
  });

  it("a paused task that runs once per item begins no more of them, and goes on with them when it is resumed", () => {
    const each = { maxParallel: 2, onError: "fail" } as const;
    const play = new Play("a > b", { b: { each } }, { claim: FRESH_DRIVER });
    play.settle("a", passedArray(3));
    expect(play.claim({ paused: ["b"] })).toEqual([]);
    expect(awaited(play)).toEqual(["b"]);
    expect(play.claim({ paused: ["a"] })).toEqual(["b[0]", "b[1]"]);
    expect(awaited(play)).toEqual([]);
    play.settle("b[0]", succeeded(), { ...FRESH_DRIVER, paused: ["b"] });
    expect([play.last.leases, awaited(play)]).toEqual([[], ["b"]]);
    play.settle("b[1]", succeeded());
    play.event({ type: "task_resumed", task: "b" });
    expect(play.last.rejections).toEqual([]);
    expect(play.effects("dispatch")).toHaveLength(1);
    expect(play.claim()).toEqual(["b[2]"]);
    play.event({ type: "task_resumed", task: "b" });
    expect(play.last.rejections).toEqual(["not_blocked"]);
  });

  it("a paused task stays held back when another one is resumed", () => {
    const play = new Play("a > b c");
    play.claim();
    play.settle("a", succeeded());
    play.claim({ paused: ["b", "c"] });
    play.event({ type: "task_resumed", task: "b" });
    expect(play.last.rejections).toEqual([]);
    expect(play.claim()).toEqual(["b"]);
    play.event({ type: "task_resumed", task: "a" });
    expect(play.last.rejections).toEqual(["not_blocked"]);
  });

  it("a paused task that is ready and not held is left as it is", () => {
    const play = new Play("a");
    play.event({ type: "task_resumed", task: "a" });
    expect(play.last).toMatchObject({ change: null, rejections: ["not_blocked"] });
  });

  it("a paused task leaves a wait for its delay alone", () => {
    const play = new Play("a", {}, { delayMs: 60_000 });
    play.claim({ paused: ["a"] });
    expect(play.last.change).toBeNull();
  });
});
