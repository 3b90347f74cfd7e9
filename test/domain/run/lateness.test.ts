import { describe, expect, it } from "vitest";
import { isLate } from "../../../src/domain/run/lateness.ts";
import { nextWakeAt } from "../../../src/domain/run/machine.ts";
import { historyOf } from "../../../src/domain/run/run-history.ts";
import { runOf, stateOf } from "../../../src/domain/run/snapshot.ts";
import { matches, summarize } from "../../../src/domain/run/summary.ts";
import { failed, graphOf, Play, payloadRef, succeeded } from "../../support/run-play.ts";

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;
const LATE_AFTER = 30 * MINUTE;
// approve ─▶ after
const EXTERNAL = {
  approve: { external: true, timeoutMs: DAY, retries: 0 },
  after: { retries: 0 },
};

/** A run that is late half an hour after its trigger. */
function played(options: ConstructorParameters<typeof Play>[2] = {}): Play {
  const graph = { ...graphOf("approve > after", EXTERNAL), lateAfterMs: LATE_AFTER };
  return new Play(graph, {}, options);
}

/** Waits for its approval. */
function waiting(options: ConstructorParameters<typeof Play>[2] = {}): Play {
  const play = played(options);
  play.claim();
  play.settle("approve", { type: "waiting" });
  return play;
}

function approve(play: Play): void {
  const { attempt, token } = { attempt: 1, token: 1 };
  play.event({
    type: "completed",
    completion: {
      ordinal: 0,
      attempt,
      token,
      nonce: "n",
      outcome: { type: "succeeded", passed: { output: payloadRef("yes"), to: null } },
    },
  });
}

describe("a run with late_after", () => {
  it("a run with late_after is late when its alarm comes at that time, and goes on", () => {
    const play = waiting();
    expect(nextWakeAt(play.run)).toBe(play.run.createdAt + LATE_AFTER);
    const { revision } = play.run;
    play.now = play.run.createdAt + LATE_AFTER - 1;
    play.wake();
    expect(isLate(play.run)).toBe(false);
    play.wakeWhenDue();
    expect([isLate(play.run), play.run.status, play.run.revision]).toEqual([true, "running", revision + 1]);
    expect(summarize(play.run)).toMatchObject({ late: true, status: "running" });
    expect(nextWakeAt(play.run)).toBe(play.run.createdAt + DAY);
    expect(play.wake().change).toBeNull();
    approve(play);
    play.succeedAll();
    expect([isLate(play.run), play.run.status]).toEqual([true, "succeeded"]);
  });

  it("a run with late_after that is final in time is never late", () => {
    const play = waiting();
    play.now += MINUTE;
    approve(play);
    play.succeedAll();
    play.now += DAY;
    play.wake();
    expect([isLate(play.run), summarize(play.run).late]).toEqual([false, undefined]);
  });

  it("a run with late_after that ends too late, before any alarm has come, is late", () => {
    const play = waiting();
    approve(play);
    expect(play.claim()).toEqual(["after"]);
    play.now += DAY;
    play.settle("after", succeeded());
    expect([isLate(play.run), play.run.status]).toEqual([true, "succeeded"]);
  });

  it("a run with late_after and a delay counts from the end of its delay", () => {
    const play = played({ delayMs: DAY });
    expect(nextWakeAt(play.run)).toBe(play.run.createdAt + DAY);
    play.wakeWhenDue();
    play.claim();
    play.settle("approve", { type: "waiting" });
    expect(isLate(play.run)).toBe(false);
    expect(nextWakeAt(play.run)).toBe(play.run.createdAt + DAY + LATE_AFTER);
    play.wakeWhenDue();
    expect(isLate(play.run)).toBe(true);
  });

  it("a run with late_after that is postponed counts from the end of its new delay", () => {
    const play = played({ delayMs: MINUTE });
    play.now += 30_000;
    play.event({ type: "postponed", payload: payloadRef("later"), delayMs: 2 * MINUTE });
    play.now += 2 * MINUTE;
    play.wake();
    play.claim();
    play.settle("approve", { type: "waiting" });
    expect(nextWakeAt(play.run)).toBe(play.run.createdAt + 30_000 + 2 * MINUTE + LATE_AFTER);
  });

  it("a run with late_after that is retried has its time anew", () => {
    const play = waiting();
    play.now += DAY;
    play.wake();
    expect([isLate(play.run), play.run.status]).toEqual([true, "failed"]);
    play.now += DAY;
    play.event({ type: "retried", actor: "ben" });
    expect(historyOf(play.run)).toMatchObject([{ what: "triggered" }, { what: "retried", by: "ben" }]);
    expect(play.run.tasks[0]).toMatchObject({ round: 2, retriedAfter: 1 });
    expect(isLate(play.run)).toBe(false);
    play.claim();
    play.settle("approve", { type: "waiting" });
    expect(nextWakeAt(play.run)).toBe(play.now + LATE_AFTER);
    play.wakeWhenDue();
    expect(isLate(play.run)).toBe(true);
  });

  it("a run with late_after whose root was kept by the retry has its time anew as well", () => {
    const play = waiting();
    approve(play);
    play.claim();
    play.settle("after", failed());
    play.now += DAY;
    play.event({ type: "retried" });
    expect(play.statuses["approve"]).toBe("succeeded");
    play.now += LATE_AFTER;
    play.wake();
    expect(isLate(play.run)).toBe(true);
  });

  it("a run with late_after is the same when a snapshot of it is read back", () => {
    const play = waiting();
    play.wakeWhenDue();
    const text = JSON.stringify(stateOf(play.run, (keys) => keys));
    const back = runOf(JSON.parse(text), (keys) => keys);
    expect([isLate(back), nextWakeAt(back)]).toEqual([true, nextWakeAt(play.run)]);
  });

  it("a run without late_after has no such time", () => {
    const play = new Play("approve > after", EXTERNAL);
    play.claim();
    play.settle("approve", { type: "waiting" });
    expect(nextWakeAt(play.run)).toBe(play.run.createdAt + DAY);
    expect(play.changes.flatMap(({ tasks }) => tasks.filter((task) => "lateAt" in task))).toEqual([]);
  });

  it("a late run is found among late runs, and not among the others", () => {
    const play = waiting();
    const before = summarize(play.run);
    play.wakeWhenDue();
    const after = summarize(play.run);
    expect([true, false].map((late) => [matches({ late }, before), matches({ late }, after)])).toEqual([
      [false, true],
      [true, false],
    ]);
  });
});
