import { describe, expect, it } from "vitest";
import type { TaskPlan } from "../../../src/domain/plan/plan.ts";
import { limitCalls } from "../../support/limit-calls.ts";
import { lost, Play, RUN_ID } from "../../support/run-play.ts";

describe("two deaths of workers in a row", () => {
  const twice = (settings: Partial<TaskPlan> = {}): Play => {
    const play = new Play("a", { a: { timeoutMs: 60_000, ...settings } });
    for (const attempt of [1, 2]) {
      while (play.stateOf("a").status === "retrying") play.wakeWhenDue();
      play.event({ type: "slot_granted", kind: "concurrency", ordinal: 0, attempt });
      play.begin("a", `executor ${attempt}`);
      play.now += 4_000;
      play.settle("a", lost("worker"));
    }
    return play;
  };

  it("two deaths of workers in a row have the next one tried: an object is started at once that may begin it before the pause is over", () => {
    const play = twice();
    const [{ name, trial } = {}] = play.effects("start_executor");
    expect(name).toBe(`${RUN_ID}/0/3/0`);
    expect(trial).toMatchObject({ livedMs: 4_000, mostMs: 15_000, leaseMs: 70_000 });
    expect(play.begin("a", "not tried")).toBeNull();
    expect(play.beginTrial("a", "tried")).toMatchObject({ attempt: 3 });
  });

  it("two deaths of workers in a row have it begun by another object, which does not wait for a trial, once the pause is over", () => {
    const play = twice();
    expect(play.wakeWhenDue()).toBe(15_000);
    expect(play.effects("start_executor")).toMatchObject([{ name: `${RUN_ID}/0/3/1`, trial: { mostMs: 0 } }]);
    expect(play.begin("a", "in any case")).toMatchObject({ attempt: 3 });
    expect(play.beginTrial("a", "tried too late")).toBeNull();
  });

  it("two deaths of workers in a row have it held all the same if its task is paused, and not begun once it is final", () => {
    const play = twice();
    play.event({ type: "begun", ordinal: 0, holder: "tried", onTrial: true, paused: ["a"] });
    expect(play.last.leases).toEqual([]);
    expect(play.stateOf("a")).toMatchObject({ status: "queued", blockedBy: { for: "pause" } });
    play.cancel();
    expect(play.beginTrial("a", "tried")).toBeNull();
  });

  it("two deaths of workers in a row have it wait for its slot first if its task has limits", () => {
    const concurrency = { limit: 1, strategy: "queue", key: null } as const;
    const play = twice({ limits: { concurrency, rateLimit: null, priority: 0 } });
    expect(play.beginTrial("a", "tried")).toBeNull();
    expect(limitCalls(play)).toEqual(["ask concurrency for attempt 3"]);
    play.event({ type: "slot_granted", kind: "concurrency", ordinal: 0, attempt: 3 });
    expect(play.effects("start_executor")).toMatchObject([{ name: `${RUN_ID}/0/3/1`, trial: { mostMs: 0 } }]);
  });
});
