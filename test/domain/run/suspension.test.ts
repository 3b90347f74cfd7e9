import { describe, expect, it } from "vitest";
import { runIdFromBytes, type RunId } from "../../../src/domain/ids.ts";
import { nextWakeAt } from "../../../src/domain/run/machine.ts";
import type { FinalRun } from "../../../src/domain/run/task-state.ts";
import type { Outcome } from "../../../src/domain/run/machine-events.ts";
import { failed, Play, succeeded } from "../../support/run-play.ts";

const HOUR_MS = 3_600_000;
const [CHILD, OTHER] = [runIdOf(1), runIdOf(2)];

function runIdOf(byte: number): RunId {
  return runIdFromBytes(new Uint8Array(16).fill(byte));
}

function ended(runId: RunId, status: FinalRun["status"] = "succeeded"): FinalRun {
  return { runId, status };
}

function suspended(...awaits: (readonly [RunId, number])[]): Outcome {
  return {
    type: "suspended",
    awaits: awaits.map(([runId, until]) => ({ runId, task: "child", call: `${runId}/0`, until })),
  };
}

/** A task that awaits CHILD for an hour. */
function waiting(retries = 0): Play {
  const play = new Play("only > next", { only: { retries } });
  play.claim();
  play.settle("only", suspended([CHILD, play.now + HOUR_MS]));
  return play;
}

describe("a task that is suspended", () => {
  it("a task that is suspended waits, holds no lease, and has the run that it awaits asked to tell", () => {
    const play = waiting();
    expect(play.statuses).toEqual({ only: "waiting", next: "pending" });
    expect(play.attemptsOf("only")).toEqual(["suspended"]);
    expect(play.effects("subscribe")).toEqual([{ type: "subscribe", runIds: [CHILD] }]);
    expect(play.claim()).toEqual([]);
    expect(play.run.status).toBe("running");
  });

  it("a task that is suspended asks again with growing pauses, up to an hour, and within the wait only", () => {
    const play = new Play("only");
    play.claim();
    play.settle("only", suspended([CHILD, play.now + 4.5 * HOUR_MS]));
    const pauses = Array.from({ length: 8 }, () => {
      const passed = play.wakeWhenDue() / 60_000;
      expect(play.effects("subscribe")).toHaveLength(play.stateOf("only").status === "waiting" ? 1 : 0);
      return passed;
    });
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    expect(play.stateOf("only")).toMatchObject({ status: "waiting", asks: 8 });
  });

  it("a task that is suspended waits as long as ever once an attempt has failed, and not for what was left of a wait before", () => {
    const play = waiting(1);
    play.event({ type: "awaited", runs: [ended(CHILD)] });
    play.claim();
    expect(play.run.tasks[0]?.waits).toEqual({ [`${CHILD}/0`]: expect.any(Number) });
    play.settle("only", failed());
    play.wakeWhenDue();
    expect(play.claim()).toEqual(["only"]);
    expect(play.run.tasks[0]?.waits).toBeUndefined();
  });

  it("a task that is suspended keeps its deadline over an attempt that was lost", () => {
    const play = waiting(1);
    play.event({ type: "awaited", runs: [ended(CHILD)] });
    play.claim();
    play.settle("only", { type: "lost", to: "surroundings", error: { name: "E", message: "m", stack: null } });
    expect(play.claim()).toEqual(["only"]);
    expect(play.run.tasks[0]?.waits).toEqual({ [`${CHILD}/0`]: expect.any(Number) });
  });

  it("a task that is suspended is started again when the run is final; the attempt before was no failure", () => {
    const play = waiting(0);
    play.event({ type: "awaited", runs: [ended(CHILD)] });
    expect(play.last.rejections).toEqual([]);
    expect(play.statuses["only"]).toBe("queued");
    expect(play.effects("dispatch")).toHaveLength(1);
    play.claim();
    play.settle("only", failed({ retryable: true }));
    expect(play.attemptsOf("only")).toEqual(["suspended", "failed"]);
    expect(play.statuses["only"]).toBe("failed");
  });

  it("a task that is suspended may be suspended as often as it takes, without using up its retries", () => {
    const play = new Play("only", { only: { retries: { limit: 1, delayMs: 0 } } });
    for (let turn = 0; turn < 20; turn += 1) {
      play.claim();
      play.settle("only", suspended([CHILD, play.now + HOUR_MS]));
      play.event({ type: "awaited", runs: [ended(CHILD)] });
    }
    play.claim();
    play.settle("only", failed());
    expect(play.statuses["only"]).toBe("queued");
  });

  it("a task that is suspended is started again when the wait is over, and the next attempt knows its deadline", () => {
    const play = waiting();
    const until = play.now + HOUR_MS;
    while (play.stateOf("only").status === "waiting") play.wakeWhenDue();
    expect(play.now).toBe(until);
    expect(play.statuses["only"]).toBe("queued");
    expect(play.run.tasks[0]?.waits).toEqual({ [`${CHILD}/0`]: until });
  });

  it("a task that is suspended goes on once when the last of several is final, keeps the deadline of each, and what the others have said", () => {
    const play = new Play("only");
    play.claim();
    const [soon, late] = [play.now + 1_000, play.now + HOUR_MS];
    play.settle("only", suspended([CHILD, late], [OTHER, soon]));
    expect(play.effects("subscribe")).toEqual([{ type: "subscribe", runIds: [CHILD, OTHER] }]);
    expect(nextWakeAt(play.run)).toBe(soon);
    play.event({ type: "awaited", runs: [ended(CHILD, "failed")] });
    expect(play.statuses["only"]).toBe("waiting");
    play.event({ type: "awaited", runs: [ended(OTHER)] });
    expect(play.statuses["only"]).toBe("queued");
    expect(play.effects("dispatch")).toHaveLength(1);
    expect(play.run.tasks[0]?.waits).toEqual({ [`${CHILD}/0`]: late, [`${OTHER}/0`]: soon });
    expect(play.run.tasks[0]?.arrived).toEqual({ [CHILD]: ended(CHILD, "failed"), [OTHER]: ended(OTHER) });
  });

  it("a task that is suspended goes on when the first of several waits is over, and not when one would be that has its answer", () => {
    const play = new Play("only");
    play.claim();
    const [soon, late] = [play.now + 1_000, play.now + 30_000];
    play.settle("only", suspended([CHILD, soon], [OTHER, late]));
    play.event({ type: "awaited", runs: [ended(CHILD)] });
    expect(play.wakeWhenDue()).toBe(1_000);
    expect(play.statuses["only"]).toBe("waiting");
    expect(play.wakeWhenDue()).toBe(29_000);
    expect(play.statuses["only"]).toBe("queued");
  });

  it("a task that is suspended goes on at once when a run fails whose output it awaits", () => {
    const play = new Play("only");
    play.claim();
    const until = play.now + HOUR_MS;
    const awaits = [CHILD, OTHER].map(
      (runId) => ({ runId, task: "child", call: `${runId}/0`, until, needsSuccess: true }) as const,
    );
    play.settle("only", { type: "suspended", awaits });
    play.event({ type: "awaited", runs: [ended(CHILD, "cancelled")] });
    expect(play.statuses["only"]).toBe("queued");
  });

  it("a task that is suspended asks again those only that have not answered", () => {
    const play = new Play("only");
    play.claim();
    play.settle("only", suspended([CHILD, play.now + HOUR_MS], [OTHER, play.now + HOUR_MS]));
    play.event({ type: "awaited", runs: [ended(CHILD)] });
    play.wakeWhenDue();
    expect(play.effects("subscribe")).toEqual([{ type: "subscribe", runIds: [OTHER] }]);
  });

  it("a task that is suspended resumes once for a thousand runs that end one by one, and writes for each as much as for the first", () => {
    const play = new Play("fan");
    play.claim();
    const kids = Array.from({ length: 1_000 }, (_, number) =>
      runIdFromBytes(Uint8Array.from({ length: 16 }, (_, byte) => (number >> (8 * byte)) & 255)),
    );
    play.settle("fan", suspended(...kids.map((runId) => [runId, play.now + 7 * 24 * HOUR_MS] as const)));
    let watches = play.effects("subscribe").flatMap(({ runIds }) => runIds).length;
    for (const runId of kids) {
      expect(play.claim()).toEqual([]);
      for (const end = play.now + 10_000; play.now < end;) {
        play.now = Math.min(end, Math.max(play.now + 1, nextWakeAt(play.run)));
        play.wake();
        watches += play.effects("subscribe").flatMap(({ runIds }) => runIds).length;
      }
      play.event({ type: "awaited", runs: [ended(runId)] });
      const [entry] = play.changes.slice(-1);
      if (runId !== kids.at(-1)) expect(JSON.stringify(entry).length).toBeLessThan(150);
    }
    expect(play.claim()).toEqual(["fan"]);
    expect(play.attemptsOf("fan")).toEqual(["suspended", "running"]);
    // Each is asked when it is awaited, and those that are left a few times in nearly three hours.
    expect(watches).toBeLessThan(10 * kids.length);
    expect(JSON.stringify(play.changes).length).toBeLessThan(500_000);
  });

  it("a task that is suspended asks a run once that it awaits twice", () => {
    const play = new Play("only");
    play.claim();
    play.settle("only", suspended([CHILD, play.now + 1], [CHILD, play.now + 2]));
    expect(play.effects("subscribe")).toEqual([{ type: "subscribe", runIds: [CHILD] }]);
  });

  it("a task that is suspended in the long lane begins again in an executor object of another name", () => {
    const play = new Play("only", { only: { timeoutMs: 60_000 } });
    const [{ name: first } = { name: "" }] = play.effects("start_executor");
    play.begin("only", first);
    play.settle("only", suspended([CHILD, play.now + HOUR_MS]));
    play.event({ type: "awaited", runs: [ended(CHILD)] });
    const [{ name: second } = { name: "" }] = play.effects("start_executor");
    expect(second).not.toBe(first);
    expect(play.begin("only", second)).toMatchObject({ attempt: 2 });
  });

  it("a task that is suspended that awaits nothing goes on at once", () => {
    const play = new Play("only");
    play.claim();
    play.settle("only", suspended());
    expect(play.attemptsOf("only")).toEqual(["suspended"]);
    expect(play.effects("dispatch")).toHaveLength(1);
    expect(play.claim()).toEqual(["only"]);
  });

  it("a task that is suspended is cancelled with its run, and stays so when the other run ends", () => {
    const play = waiting();
    play.cancel();
    expect(play.statuses).toEqual({ only: "cancelled", next: "cancelled" });
    expect(play.attemptsOf("only")).toEqual(["suspended"]);
    expect(play.last.change?.tasks.map(({ attempts }) => attempts)).toEqual([[], []]);
    play.event({ type: "awaited", runs: [ended(CHILD)] });
    expect(play.last).toMatchObject({ change: null, rejections: ["not_awaited"] });
  });

  it("a task that is suspended does not mind the end of a run that it does not await, nor the end of one twice", () => {
    const play = waiting();
    play.event({ type: "awaited", runs: [ended(OTHER)] });
    expect(play.last).toMatchObject({ change: null, rejections: ["not_awaited"] });
    play.event({ type: "awaited", runs: [ended(CHILD)] });
    play.event({ type: "awaited", runs: [ended(CHILD)] });
    expect(play.last).toMatchObject({ change: null, rejections: ["not_awaited"] });
  });
});

describe("a run that another one awaits", () => {
  it("a run that another one awaits tells it when it is final, once more after a pause until it has answered, and then no more", () => {
    const play = new Play("only");
    play.event({ type: "subscribed", by: OTHER });
    expect(play.last.effects).toEqual([]);
    play.claim();
    play.settle("only", succeeded());
    expect(play.effects("notify")).toEqual([{ type: "notify", runIds: [OTHER], revision: play.run.revision }]);
    const pauses = Array.from({ length: 3 }, () => {
      const passed = play.wakeWhenDue();
      expect(play.effects("notify")).toEqual([{ type: "notify", runIds: [OTHER], revision: play.run.revision }]);
      return passed;
    });
    expect(pauses).toEqual([10_000, 20_000, 40_000]);
    play.event({ type: "waiters_acknowledged", waiters: [OTHER], revision: play.run.revision });
    expect(play.run).toMatchObject({ waiters: [], notification: null, status: "succeeded" });
    expect(nextWakeAt(play.run)).toBe((play.run.finishedAt ?? 0) + play.run.graph.retentionMs);
    play.wake();
    expect(play.last).toMatchObject({ change: null, effects: [], rejections: ["not_due"] });
  });

  it("a run that another one awaits tells again those only that have not answered, at most an hour apart", () => {
    const play = new Play("only");
    play.event({ type: "subscribed", by: OTHER });
    play.event({ type: "subscribed", by: CHILD });
    play.cancel();
    expect(play.effects("notify")).toEqual([{ type: "notify", runIds: [OTHER, CHILD], revision: play.run.revision }]);
    play.event({ type: "waiters_acknowledged", waiters: [CHILD], revision: play.run.revision });
    const pauses = Array.from({ length: 11 }, () => play.wakeWhenDue());
    expect(play.effects("notify")).toEqual([{ type: "notify", runIds: [OTHER], revision: play.run.revision }]);
    expect(Math.max(...pauses)).toBe(HOUR_MS);
  });

  it("a run that another one awaits gives up a watcher that has not answered for a day, and is deleted in the end", () => {
    const play = new Play("only");
    play.event({ type: "subscribed", by: OTHER });
    play.succeedAll();
    const { finishedAt } = play.run;
    while (play.run.notification !== null && play.now < (finishedAt ?? 0) + 48 * HOUR_MS) play.wakeWhenDue();
    expect(play.effects("unnotified")).toEqual([{ type: "unnotified", runIds: [OTHER] }]);
    expect(play.run).toMatchObject({ waiters: [], notification: null });
    expect((play.now - (finishedAt ?? 0)) / HOUR_MS).toBeCloseTo(24.4, 1);
    expect(nextWakeAt(play.run)).toBe((finishedAt ?? 0) + play.run.graph.retentionMs);
  });

  it("a run that another one awaits tells a watcher of its next ending too that hears only after a retry of the one before", () => {
    const play = new Play("only");
    play.event({ type: "subscribed", by: OTHER });
    play.claim();
    play.settle("only", failed({ retryable: false }));
    const { revision } = play.run;
    play.event({ type: "retried" });
    // The watcher has looked, found the run going on, and waits again; now its answer of before arrives.
    expect(play.event({ type: "subscribed", by: OTHER }).rejections).toEqual(["already_subscribed"]);
    expect(play.event({ type: "waiters_acknowledged", waiters: [OTHER], revision })).toMatchObject({
      rejections: ["retried_since"],
    });
    play.claim();
    play.settle("only", succeeded());
    expect(play.effects("notify")).toMatchObject([{ runIds: [OTHER] }]);
    expect(play.event({ type: "waiters_acknowledged", waiters: [OTHER], revision }).rejections).toEqual([
      "retried_since",
    ]);
    expect(play.wakeWhenDue()).toBe(10_000);
    expect(play.effects("notify")).toMatchObject([{ runIds: [OTHER] }]);
  });

  it("a run that another one awaits does not tell before it is due, nor write anything for who asks twice", () => {
    const play = new Play("only");
    play.event({ type: "subscribed", by: OTHER });
    play.event({ type: "subscribed", by: OTHER });
    expect(play.last).toMatchObject({ change: null, rejections: ["already_subscribed"] });
    play.succeedAll();
    play.now += 9_999;
    play.wake();
    expect(play.last).toMatchObject({ change: null, effects: [], rejections: ["not_due"] });
  });

  it("a run that another one awaits answers who asks when it is final, and writes nothing", () => {
    const play = new Play("only");
    play.succeedAll();
    expect(play.effects("notify")).toEqual([]);
    play.event({ type: "subscribed", by: OTHER });
    expect(play.last).toMatchObject({ change: null, effects: [], rejections: ["run_final"] });
    play.event({ type: "waiters_acknowledged", waiters: [OTHER], revision: play.run.revision });
    expect(play.last).toMatchObject({ change: null, rejections: ["already_notified"] });
  });
});
