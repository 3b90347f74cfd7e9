import { describe, expect, it } from "vitest";
import type { TaskLimits } from "../../../src/domain/limits/limit.ts";
import { historyOf } from "../../../src/domain/run/run-history.ts";
import { durationOf, roundsOf, timesOf } from "../../../src/domain/run/run-times.ts";
import { runOf, stateOf } from "../../../src/domain/run/snapshot.ts";
import type { Run } from "../../../src/domain/run/state.ts";
import {
  BOOM,
  failed,
  lost,
  passedArray,
  payloadRef,
  Play,
  RUN_ID,
  succeeded,
  suspended,
} from "../../support/run-play.ts";

const ONE: TaskLimits = {
  concurrency: { limit: 1, strategy: "queue", key: null },
  rateLimit: null,
  priority: 0,
};
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const EXTERNAL = { a: { external: true, timeoutMs: DAY, retries: 0 } };
const COMPLETED = {
  type: "succeeded",
  passed: { output: payloadRef("completed"), to: null },
} as const;

/** Work, waits and duration as a reader of the run at `play.now` sees them. */
function told(play: Play): {
  work: number;
  waited: number;
  duration: number | null;
  rounds: number;
} {
  const { workMs, waitedMs } = timesOf(play.run, play.now);
  return {
    work: workMs,
    waited: waitedMs,
    duration: durationOf(play.run),
    rounds: roundsOf(play.run),
  };
}

/** Claims the task, and ends its attempt after so long. */
function work(play: Play, task: string, ms: number, outcome = succeeded()): void {
  expect(play.claim()).toContain(task);
  play.now += ms;
  play.settle(task, outcome);
}

function completed(play: Play, by?: string): void {
  const state = play.stateOf("a");
  if (state.status !== "waiting" || state.for !== "completion") throw new Error(state.status);
  const { attempt, token } = state;
  play.event({
    type: "completed",
    completion: {
      ordinal: 0,
      attempt,
      token,
      nonce: "n",
      outcome: COMPLETED,
      ...(by !== undefined && { by }),
    },
  });
}

/** The run as code that knows nothing of these fields has recorded it. */
function recordedBefore(run: Run): Run {
  const text = JSON.stringify(
    stateOf(run, (keys) => keys),
    (key: string, value: unknown) => (["waitedMs", "round", "actions", "returnedAt"].includes(key) ? undefined : value),
  );
  return runOf(JSON.parse(text), (keys) => keys);
}

describe("the times of a run", () => {
  it("a run tells the work of attempts side by side as a sum, and its duration as the time in which any was at work", () => {
    const play = new Play("a > b c");
    work(play, "a", 1_000);
    expect(play.claim()).toEqual(["b", "c"]);
    play.now += 2_000;
    play.settle("b", succeeded());
    play.now += 3_000;
    play.settle("c", succeeded());
    expect(told(play)).toEqual({ work: 1_000 + 2_000 + 5_000, waited: 0, duration: 6_000, rounds: 1 });
  });

  it("a run tells what goes on up to now, and no duration before its end", () => {
    const play = new Play("a");
    play.claim();
    play.now += 700;
    expect(told(play)).toEqual({ work: 700, waited: 0, duration: null, rounds: 1 });
    play.settle("a", succeeded());
    play.now += DAY;
    expect(timesOf(play.run, play.run.finishedAt ?? 0).workMs).toBe(700);
  });

  it("a run that waited for a limit tells the wait apart from the work, while it waits and after", () => {
    const play = new Play("a", { a: { limits: ONE } });
    play.now += 5_000;
    expect(told(play)).toMatchObject({ work: 0, waited: 5_000 });
    play.wakeWhenDue();
    play.now += HOUR;
    const waited = play.now - play.run.createdAt;
    play.event({ type: "slot_granted", kind: "concurrency", ordinal: 0, attempt: 1 });
    play.now += 30;
    work(play, "a", 200);
    expect(told(play)).toEqual({ work: 200, waited, duration: 200, rounds: 1 });
  });

  it("a run that is cancelled while a limit holds it back keeps the wait", () => {
    const play = new Play("a", { a: { limits: ONE } });
    play.now += HOUR;
    play.cancel();
    play.now += HOUR;
    expect(told(play)).toMatchObject({ work: 0, waited: HOUR, duration: null });
  });

  it("a run with an approval works until the method has returned, and waits from then on", () => {
    const play = new Play("a > b", EXTERNAL);
    play.claim();
    play.now += 400;
    play.settle("a", { type: "waiting" });
    play.now += 3 * HOUR;
    expect(told(play)).toMatchObject({ work: 400, waited: 3 * HOUR });
    completed(play);
    work(play, "b", 600);
    expect(told(play)).toEqual({ work: 1_000, waited: 3 * HOUR, duration: 1_000, rounds: 1 });
  });

  it("a run whose approval nobody gives has waited to its end", () => {
    const play = new Play("a", EXTERNAL);
    play.claim();
    play.now += 400;
    play.settle("a", { type: "waiting" });
    play.wakeWhenDue();
    expect(play.run.status).toBe("failed");
    expect(told(play)).toMatchObject({ work: 400, waited: DAY - 400, duration: 400 });
  });

  it("a run that awaited another one tells the wait, and both of its attempts as work", () => {
    const play = new Play("a");
    play.claim();
    play.now += 100;
    play.settle("a", suspended(play.now + DAY));
    play.now += 2 * HOUR;
    expect(told(play)).toMatchObject({ work: 100, waited: 2 * HOUR });
    play.wakeWhenDue();
    const waited = play.now - play.run.createdAt - 100;
    play.event({ type: "awaited", runs: [{ runId: RUN_ID, status: "succeeded" }] });
    work(play, "a", 50);
    expect(told(play)).toEqual({ work: 150, waited, duration: 150, rounds: 1 });
  });

  it("a run whose worker was killed tells the lost attempt as long as it was not known to be lost; the pause before the next is neither", () => {
    const play = new Play("a");
    play.claim();
    play.now += 900;
    play.settle("a", lost("worker"));
    play.wakeWhenDue();
    play.begin("a", "executor");
    play.now += 100;
    play.settle("a", succeeded());
    expect(told(play)).toMatchObject({ work: 1_000, waited: 0, duration: 1_000 });
  });

  it("a run with items sums the work of its items, and its duration counts those side by side once", () => {
    const play = new Play("a > b", { b: { each: { maxParallel: 3, onError: "fail" } } });
    work(play, "a", 10, passedArray(3));
    expect(play.claim()).toEqual(["b[0]", "b[1]", "b[2]"]);
    play.now += 1_000;
    for (const item of ["b[0]", "b[1]", "b[2]"]) play.settle(item, succeeded(item));
    work(play, "b", 5);
    expect(told(play)).toEqual({ work: 3_015, waited: 0, duration: 1_015, rounds: 1 });
  });

  it("items that a limit holds back when their run is cancelled keep their waits", () => {
    const play = new Play("a > b", {
      b: {
        each: { maxParallel: 2, onError: "fail" },
        limits: { ...ONE, concurrency: { limit: 2, strategy: "queue", key: null } },
      },
    });
    work(play, "a", 10, passedArray(2));
    play.now += HOUR;
    play.cancel();
    play.now += HOUR;
    expect(told(play)).toMatchObject({ work: 10, waited: 2 * HOUR });
  });

  it("a run that is retried tells the duration of its last round, without the time until it was retried and without what was kept", () => {
    const play = new Play("a > b", { b: { retries: 0 } });
    work(play, "a", 5_000);
    work(play, "b", 300, failed());
    expect(told(play)).toEqual({ work: 5_300, waited: 0, duration: 5_300, rounds: 1 });
    play.now += DAY;
    play.event({ type: "retried" });
    expect(told(play)).toMatchObject({ duration: null, rounds: 2 });
    work(play, "b", 40, failed());
    play.event({ type: "retried" });
    work(play, "b", 70);
    expect(told(play)).toEqual({ work: 5_410, waited: 0, duration: 70, rounds: 3 });
  });

  it("a run of which one task was retried at first and another later counts the later one for its last round", () => {
    const play = new Play("a > b c", { b: { retries: 0 }, c: { retries: 0 } });
    work(play, "a", 10);
    expect(play.claim()).toEqual(["b", "c"]);
    play.settle("b", failed());
    play.settle("c", failed());
    play.event({ type: "retried" });
    expect(play.claim()).toEqual(["b", "c"]);
    play.now += 50;
    play.settle("b", succeeded());
    play.settle("c", failed());
    play.event({ type: "retried" });
    work(play, "c", 7);
    expect(told(play)).toMatchObject({ work: 117, duration: 7, rounds: 3 });
  });

  it("a run whose failed items are retried counts the attempts of these items alone for its last round", () => {
    const play = new Play("a > b", {
      b: { retries: 0, each: { maxParallel: 3, onError: "fail" } },
    });
    work(play, "a", 10, passedArray(2));
    expect(play.claim()).toEqual(["b[0]", "b[1]"]);
    play.now += 100;
    play.settle("b[0]", succeeded());
    play.settle("b[1]", failed());
    play.event({ type: "retried" });
    work(play, "b[1]", 30);
    work(play, "b", 4);
    expect(told(play)).toMatchObject({ work: 244, duration: 34, rounds: 2 });
  });

  it("a run is the same when a snapshot of it is read back", () => {
    const play = new Play("a > b", { ...EXTERNAL, b: { retries: 0 } });
    play.claim();
    play.now += 400;
    play.settle("a", { type: "waiting" });
    play.now += HOUR;
    completed(play, "anna");
    work(play, "b", 10, failed());
    play.event({ type: "retried", actor: "ben" });
    const text = JSON.stringify(stateOf(play.run, (keys) => keys));
    const back = runOf(JSON.parse(text), (keys) => keys);
    expect(timesOf(back, play.now)).toEqual(timesOf(play.run, play.now));
    expect(historyOf(back)).toEqual(historyOf(play.run));
    expect(roundsOf(back)).toBe(2);
  });
});

describe("a run that older code has recorded", () => {
  it("a run that older code has recorded tells its approval as a wait, not as work", () => {
    const play = new Play("a > b", EXTERNAL);
    play.claim();
    play.now += 400;
    play.settle("a", { type: "waiting" });
    play.now += 3 * HOUR;
    expect(timesOf(recordedBefore(play.run), play.now)).toEqual({ workMs: 0, waitedMs: 3 * HOUR + 400 });
    completed(play);
    work(play, "b", 600);
    const old = recordedBefore(play.run);
    expect(timesOf(old, play.now)).toEqual({ workMs: 600, waitedMs: 3 * HOUR + 400 });
    expect(durationOf(old)).toBe(600);
  });

  it("a run that older code has recorded, and whose approval comes now, counts the wait once", () => {
    const before = new Play("a", EXTERNAL);
    before.claim();
    before.settle("a", { type: "waiting" });
    const play = new Play("a", EXTERNAL);
    Object.assign(play.run, recordedBefore(before.run));
    play.now += HOUR;
    completed(play);
    expect(timesOf(play.run, play.now)).toEqual({ workMs: 0, waitedMs: HOUR });
  });

  it("a run that older code has retried has two rounds, and the retried tasks in the last one", () => {
    const play = new Play("a > b", { b: { retries: 0 } });
    work(play, "a", 5_000);
    work(play, "b", 300, failed());
    play.now += DAY;
    play.event({ type: "retried", actor: "anna" });
    work(play, "b", 40);
    const old = recordedBefore(play.run);
    expect([roundsOf(old), durationOf(old)]).toEqual([2, 40]);
    expect(historyOf(old)).toEqual([{ what: "triggered", at: play.run.createdAt, by: "test" }]);
  });
});

describe("the history of a run", () => {
  it("the history of a run tells who triggered, completed, retried and cancelled it, and when", () => {
    const play = new Play("a > b", { ...EXTERNAL, b: { retries: 0 } });
    const triggered = play.now;
    play.claim();
    play.settle("a", { type: "waiting" });
    play.now += 10;
    completed(play, "anna");
    play.now += 10;
    work(play, "b", 10, failed({ error: BOOM }));
    play.now += 10;
    play.event({ type: "retried", actor: "ben" });
    play.now += 10;
    play.event({ type: "cancelled", actor: "access:carl@example.org" });
    expect(historyOf(play.run)).toEqual([
      { what: "triggered", at: triggered, by: "test" },
      { what: "completed", at: triggered + 10, by: "anna", task: "a" },
      { what: "retried", at: triggered + 40, by: "ben" },
      { what: "cancelled", at: triggered + 50, by: "access:carl@example.org" },
    ]);
  });

  it("the history of a run tells nobody for a completion by its URL", () => {
    const play = new Play("a", EXTERNAL);
    play.claim();
    play.settle("a", { type: "waiting" });
    completed(play);
    expect(historyOf(play.run).at(-1)).toMatchObject({ what: "completed", by: null, task: "a" });
  });

  it("the history of a run tells of a pause that held back one of its tasks once, and who paused it", () => {
    const play = new Play("a");
    const paused = { paused: ["a"], pausedBy: { a: "dora" } };
    expect(play.claim(paused)).toEqual([]);
    expect(play.claim(paused)).toEqual([]);
    play.now += HOUR;
    play.event({ type: "task_resumed", task: "a" });
    work(play, "a", 5);
    expect(historyOf(play.run).slice(1)).toEqual([{ what: "paused", at: play.run.createdAt, by: "dora", task: "a" }]);
    expect(told(play)).toMatchObject({ work: 5, waited: HOUR });
  });

  it("the history of a run tells of a pause that holds back many items once", () => {
    const play = new Play("a > b", {
      b: { each: { maxParallel: 2, onError: "fail" }, limits: ONE },
    });
    work(play, "a", 10, passedArray(5));
    for (const item of ["b[0]", "b[1]"])
      play.event({ type: "slot_granted", kind: "concurrency", ordinal: play.ordinalOf(item), attempt: 1 });
    play.claim({ paused: ["b"], pausedBy: { b: "dora" } });
    expect(historyOf(play.run).filter(({ what }) => what === "paused")).toHaveLength(1);
  });

  it("a cancellation or a retry that is refused leaves no history", () => {
    const play = new Play("a");
    play.event({ type: "retried", actor: "ben" });
    work(play, "a", 10);
    play.event({ type: "cancelled", actor: "ben" });
    play.event({ type: "retried", actor: "ben" });
    expect(historyOf(play.run)).toHaveLength(1);
  });
});
