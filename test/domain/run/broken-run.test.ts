import { describe, expect, it } from "vitest";
import { brokenBy } from "../../../src/domain/run/broken-run.ts";
import { applyChange } from "../../../src/domain/run/apply-change.ts";
import { runIdFromBytes } from "../../../src/domain/ids.ts";
import type { TaskLimits } from "../../../src/domain/limits/limit.ts";
import { BOOM, graphOf, passedArray, Play, RUN_ID, succeeded } from "../../support/run-play.ts";

const ONE: TaskLimits = { concurrency: { limit: 1, strategy: "queue", key: null }, rateLimit: null, priority: 0 };
const WATCHER = runIdFromBytes(new Uint8Array(16).fill(9));

function broken(play: Play) {
  const { change, effects } = brokenBy(play.run, BOOM, play.now);
  if (change === null) throw new Error("a broken run has ended");
  applyChange(play.run, change);
  return effects;
}

describe("the end of a run that is broken", () => {
  it("the end of a run that is broken is told to the task of on_failure, with the attempt that says why", () => {
    const play = new Play({ ...graphOf("a > b"), onFailure: "alert" });
    play.claim();
    const effects = broken(play);
    const message = {
      type: "alert",
      startedAt: play.now,
      finishedAt: play.now,
      failed: [{ ordinal: 0, reason: "broken", attempts: 2 }],
    };
    expect(effects).toContainEqual({ type: "deliver", entry: { id: 1, message, tries: 1, dueAt: play.now + 10_000 } });
    expect(play.run.outbox).toMatchObject([{ id: 1, message }]);
    expect(play.run.tasks[0]?.attempts[1]?.error).toEqual(BOOM);
  });

  it("the end of a run that is broken is told to runs that await it, until they have answered", () => {
    const play = new Play("a");
    play.event({ type: "subscribed", by: WATCHER });
    play.claim();
    expect(broken(play)).toContainEqual({ type: "notify", runIds: [WATCHER], revision: play.run.revision });
    expect(play.run.notification).toMatchObject({ sent: 1 });
  });

  it("the end of a run that is broken gives the slots of limits back, after the lease of a worker that may be at work", () => {
    const play = new Play("a > b", { a: { limits: ONE } });
    play.event({ type: "slot_granted", kind: "concurrency", ordinal: 0, attempt: 1 });
    play.claim();
    expect(broken(play)).toContainEqual({
      type: "release_slot",
      limit: { kind: "concurrency", task: "a", key: null },
      holder: { runId: RUN_ID, ordinal: 0, attempt: 1 },
      afterMs: 35_000,
    });
  });

  it("the end of a run that is broken ends the items of its tasks, and gives back the slots that they have", () => {
    const play = new Play("a > b", { b: { each: { maxParallel: 2, onError: "fail" }, limits: ONE } });
    play.claim();
    play.settle("a", passedArray(2));
    play.event({ type: "slot_granted", kind: "concurrency", ordinal: 2, attempt: 1 });
    expect(play.claim()).toEqual(["b[0]"]);
    const returned = broken(play).flatMap((effect) => (effect.type === "release_slot" ? [effect.holder.ordinal] : []));
    expect(returned).toEqual([2]);
    expect(play.stateOf("b")).toMatchObject({ status: "failed", reason: "broken" });
    expect(play.itemsOf("b")).toEqual(["cancelled", "pending"]);
    expect([...play.run.active]).toEqual([]);
  });

  it("the end of a run that is broken is the end of every attempt that is under way: a worker that ends later is heard of as of a cancelled one", () => {
    const play = new Play("a > b c");
    play.claim();
    play.settle("a", succeeded());
    play.claim();
    const late = { ...play.leaseOf("c"), outcome: succeeded(), logs: null };
    broken(play);
    expect([play.attemptsOf("b"), play.attemptsOf("c")]).toEqual([["cancelled", "failed"], ["cancelled"]]);
    play.event({ type: "settled", attempts: [{ ...late, children: [{ runId: WATCHER, task: "x" }] }], claim: null });
    expect(play.run.children).toEqual([{ runId: WATCHER, task: "x" }]);
  });

  it("the end of a run that is broken leaves what has succeeded as it is", () => {
    const play = new Play("a > b");
    play.claim();
    play.settle("a", succeeded());
    broken(play);
    expect(play.statuses).toEqual({ a: "succeeded", b: "failed" });
  });
});
