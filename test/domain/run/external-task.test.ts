import { describe, expect, it } from "vitest";
import type { Completion } from "../../../src/domain/run/machine-events.ts";
import { completionStatusOf } from "../../../src/domain/run/external-task.ts";
import { laneOf, methodMs } from "../../../src/domain/plan/run-graph.ts";
import { nextWakeAt } from "../../../src/domain/run/machine.ts";
import { runIdFromBytes } from "../../../src/domain/ids.ts";
import { changeEvent } from "../../../src/objects/run/public-events.ts";
import { BOOM, failed, graphOf, lost, payloadRef, Play, succeeded, type TaskSettings } from "../../support/run-play.ts";

const DAY = 86_400_000;
const EXTERNAL: TaskSettings = { a: { external: true, timeoutMs: DAY, retries: { limit: 1, delayMs: 0 } } };
const DONE = { type: "succeeded", passed: { output: payloadRef("completed"), to: null } } as const;
const REPORTED = { type: "failed", error: BOOM } as const;

/** A run of an external task whose method has handed the work over. */
function waitingPlay(dag = "a > b"): { play: Play; lease: { ordinal: number; attempt: number; token: number } } {
  const play = new Play(dag, EXTERNAL);
  play.claim();
  const lease = play.leaseOf("a");
  play.now += 1_000;
  play.settle("a", { type: "waiting" });
  return { play, lease };
}

function complete(play: Play, completion: Partial<Completion> & Pick<Completion, "attempt" | "token">) {
  return play.event({ type: "completed", completion: { ordinal: 0, nonce: "n", outcome: DONE, ...completion } });
}

describe("an external task", () => {
  it("an external task waits when its method has returned, for as long as its timeout since it began, with its attempt under way", () => {
    const { play, lease } = waitingPlay();
    expect(play.stateOf("a")).toEqual({
      status: "waiting",
      for: "completion",
      attempt: 1,
      token: lease.token,
      expiresAt: play.now - 1_000 + DAY,
    });
    expect(play.attemptsOf("a")).toEqual(["running"]);
    expect(play.claim()).toEqual([]);
    expect(nextWakeAt(play.run)).toBe(play.now - 1_000 + DAY);
  });

  it("an external task tells the listeners of its run who completed it, while the run goes on", () => {
    const { play, lease } = waitingPlay();
    const told = (): unknown => {
      const change = play.changes.at(-1);
      if (change === undefined) throw new Error("nothing has changed");
      return JSON.parse(changeEvent(play.run, change, 1, () => null).data).run;
    };
    expect(told()).not.toHaveProperty("history");
    complete(play, { attempt: 1, token: lease.token, by: "ben" });
    const at = new Date(play.now).toISOString();
    expect(told()).toMatchObject({
      status: "running",
      history: [{ what: "triggered" }, { what: "completed", at, by: "ben", task: "a" }],
    });
  });

  it("an external task is over for the holders of a round before the last retry in place, also for a lost attempt", () => {
    const play = new Play("a > b", EXTERNAL);
    play.claim();
    const { token } = play.leaseOf("a");
    play.settle("a", lost("surroundings"));
    play.cancel();
    play.event({ type: "retried" });
    play.claim();
    expect(completionStatusOf(play.run, 0, 1, token)).toBe("over");
    expect(completionStatusOf(play.run, 0, 2, play.leaseOf("a").token)).toBe("open");
  });

  it("an external task runs its method in a driver, for at most 25 s, however long it may wait", () => {
    const [task] = graphOf("a", EXTERNAL).tasks;
    if (task === undefined) throw new Error("no task");
    expect([laneOf(task), methodMs(task)]).toEqual(["driver", 25_000]);
    const play = new Play("a", EXTERNAL);
    play.claim();
    expect(play.stateOf("a")).toMatchObject({ expiresAt: play.now + 35_000 });
  });

  it("an external task passes what completes it", () => {
    const { play, lease } = waitingPlay();
    complete(play, lease);
    expect(play.stateOf("a")).toEqual({ status: "succeeded", finishedAt: play.now, passed: DONE.passed });
    expect(play.run.tasks[0]?.attempts).toMatchObject([
      { status: "succeeded", completedBy: "n", finishedAt: play.now, error: null },
    ]);
    expect(play.claim()).toEqual(["b"]);
    expect(play.effects("dispatch")).toEqual([]);
  });

  it("an external task may be completed before its method has returned, which then changes nothing but what it has triggered", () => {
    const play = new Play("a > b", EXTERNAL);
    play.claim();
    const lease = play.leaseOf("a");
    complete(play, lease);
    expect(play.effects("dispatch")).toHaveLength(1);
    const child = { runId: runIdFromBytes(new Uint8Array(16).fill(1)), task: "child" };
    const settled = { ...lease, outcome: { type: "waiting" } as const, children: [child], logs: null };
    play.event({ type: "settled", attempts: [settled], claim: null });
    expect(play.stateOf("a").status).toBe("succeeded");
    expect(play.run.children).toEqual([child]);
  });

  it("an external task is completed once: each further report changes nothing", () => {
    const { play, lease } = waitingPlay();
    complete(play, lease);
    for (const nonce of ["n", "other"])
      expect(complete(play, { ...lease, nonce })).toMatchObject({ change: null, rejections: ["not_open"] });
  });

  it("an external task is completed by its present attempt and token only", () => {
    const { play, lease } = waitingPlay();
    for (const wrong of [{ attempt: 2 }, { token: lease.token + 1 }, { ordinal: 1 }, { ordinal: 9 }])
      expect(complete(play, { ...lease, ...wrong })).toMatchObject({ change: null, rejections: ["not_open"] });
    expect(play.stateOf("a").status).toBe("waiting");
  });

  it("an external task is tried again, with another token, when it is reported as failed, as often as its retries allow", () => {
    const { play, lease } = waitingPlay();
    complete(play, { ...lease, outcome: REPORTED });
    expect(play.stateOf("a").status).toBe("queued");
    play.claim();
    const second = play.leaseOf("a");
    expect([second.attempt, second.token]).toEqual([2, lease.token + 1]);
    play.settle("a", { type: "waiting" });
    expect(complete(play, lease)).toMatchObject({ change: null });
    complete(play, { ...second, nonce: "m", outcome: REPORTED });
    expect(play.statuses).toEqual({ a: "failed", b: "skipped" });
    expect(play.stateOf("a")).toMatchObject({ reason: "error" });
    expect(play.run.tasks[0]?.attempts).toMatchObject([
      { status: "failed", error: BOOM, completedBy: "n" },
      { status: "failed", error: BOOM, completedBy: "m" },
    ]);
  });

  it("an external task times out when nobody completes it, which is a failure like any other", () => {
    const { play, lease } = waitingPlay();
    play.wakeWhenDue();
    expect(play.attemptsOf("a")).toEqual(["timed_out"]);
    expect(play.run.tasks[0]?.attempts[0]).toMatchObject({
      finishedAt: play.now,
      error: { message: `nobody has completed the task within its timeout of ${DAY} ms` },
    });
    expect(play.stateOf("a").status).toBe("queued");
    expect(complete(play, lease)).toMatchObject({ change: null, rejections: ["not_open"] });
    play.claim();
    play.settle("a", { type: "waiting" });
    play.wakeWhenDue();
    expect(play.stateOf("a")).toMatchObject({ status: "failed", reason: "error" });
    expect(play.run.tasks[0]?.attempts[1]?.error?.name).toBe("TimeoutError");
  });

  it("an external task fails and is lost before it waits as every task does", () => {
    const play = new Play("a", EXTERNAL);
    play.claim();
    play.settle("a", failed());
    expect(play.stateOf("a").status).toBe("queued");
    play.claim();
    play.now += 100_000;
    play.wake();
    expect(play.attemptsOf("a")).toEqual(["failed", "lost"]);
    expect(play.stateOf("a").status).toBe("queued");
  });

  it("an external task is cancelled while it waits, and waits anew when that is retried", () => {
    const { play, lease } = waitingPlay();
    play.cancel();
    expect(play.attemptsOf("a")).toEqual(["cancelled"]);
    expect(complete(play, lease)).toMatchObject({ change: null });
    play.event({ type: "retried" });
    play.claim();
    const again = play.leaseOf("a");
    play.settle("a", { type: "waiting" });
    complete(play, again);
    expect(play.claim()).toEqual(["b"]);
    play.settle("b", succeeded());
    expect(play.run.status).toBe("succeeded");
  });

  it("an external task says how an attempt stands, to whoever reports on it", () => {
    const { play, lease } = waitingPlay();
    const standing = ({ attempt, token } = lease): string => completionStatusOf(play.run, 0, attempt, token);
    expect(standing()).toBe("open");
    expect(standing({ ...lease, token: lease.token + 1 })).toBe("over");
    expect(completionStatusOf(play.run, 1, 1, lease.token)).toBe("over");
    play.wakeWhenDue();
    expect(standing()).toBe("timed_out");
    play.claim();
    const second = play.leaseOf("a");
    expect(standing(second)).toBe("open");
    complete(play, second);
    expect([standing(), standing(second)]).toEqual(["timed_out", "completed"]);
    expect(standing({ ...second, attempt: 3 })).toBe("over");
  });

  it("an external task says of an attempt that is over otherwise how it has ended", () => {
    const { play, lease } = waitingPlay();
    play.cancel();
    expect(completionStatusOf(play.run, 0, lease.attempt, lease.token)).toBe("over");
  });

  it("an external task does not mind the end of a run that it does not await", () => {
    const { play } = waitingPlay();
    play.event({
      type: "awaited",
      runs: [{ runId: runIdFromBytes(new Uint8Array(16).fill(1)), status: "succeeded" }],
    });
    expect(play.last).toMatchObject({ change: null, rejections: ["not_awaited"] });
  });

  it("an external task is the only kind of task that can be completed by others", () => {
    const play = new Play("a");
    play.claim();
    expect(complete(play, play.leaseOf("a"))).toMatchObject({ change: null, rejections: ["not_open"] });
  });
});

describe("the completion URL of an attempt that was lost after it had told somebody", () => {
  /** A run whose first attempt is lost; nobody has begun the second. */
  function lostPlay(): { play: Play; lease: { ordinal: number; attempt: number; token: number } } {
    const play = new Play("a > b", EXTERNAL);
    play.claim();
    const lease = play.leaseOf("a");
    play.now += 100_000;
    play.wake();
    expect(play.attemptsOf("a")).toEqual(["lost"]);
    return { play, lease };
  }

  function beginAgain(play: Play, waits: boolean): { ordinal: number; attempt: number; token: number } {
    if (play.begin("a", "alone") === null) play.claim();
    const lease = play.leaseOf("a");
    if (waits) play.settle("a", { type: "waiting" });
    return lease;
  }

  it("the completion URL of an attempt that was lost after it had told somebody completes the task that waits by now, and closes the attempt that is open with it", () => {
    const { play, lease } = lostPlay();
    const second = beginAgain(play, true);
    complete(play, lease);
    expect(play.stateOf("a")).toEqual({ status: "succeeded", finishedAt: play.now, passed: DONE.passed });
    expect(play.run.tasks[0]?.attempts).toMatchObject([
      { attempt: 1, status: "lost", completedBy: "n" },
      { attempt: 2, status: "succeeded", completedBy: "n", finishedAt: play.now },
    ]);
    expect(play.claim()).toEqual(["b"]);
    for (const late of [lease, second]) {
      expect(completionStatusOf(play.run, 0, late.attempt, late.token)).toBe("completed");
      expect(complete(play, { ...late, nonce: "m" })).toMatchObject({ change: null, rejections: ["not_open"] });
    }
  });

  it.each([
    ["its method runs again", (play: Play) => void beginAgain(play, false)],
    ["nobody has begun it again", () => undefined],
  ] as const)(
    "the completion URL of an attempt that was lost after it had told somebody completes the task while %s",
    (_, goOn) => {
      const { play, lease } = lostPlay();
      goOn(play);
      complete(play, lease);
      expect(play.stateOf("a").status).toBe("succeeded");
      expect(play.run.tasks[0]?.attempts.at(-1)).toMatchObject({ status: "succeeded", completedBy: "n" });
      expect(play.claim()).toEqual(["b"]);
      play.settle("b", succeeded());
      expect(play.run).toMatchObject({ status: "succeeded", open: 0 });
    },
  );

  it("the completion URL of an attempt that was lost after it had told somebody counts as too late once the URL of a later attempt has completed the task", () => {
    const { play, lease } = lostPlay();
    complete(play, beginAgain(play, true));
    expect(completionStatusOf(play.run, 0, lease.attempt, lease.token)).toBe("completed");
    expect(complete(play, { ...lease, nonce: "m" })).toMatchObject({ change: null, rejections: ["not_open"] });
  });

  it("the completion URL of an attempt that was lost after it had told somebody may say that it failed, once: the task is tried again", () => {
    const { play, lease } = lostPlay();
    beginAgain(play, true);
    complete(play, { ...lease, outcome: REPORTED });
    expect(play.attemptsOf("a")).toEqual(["lost", "failed"]);
    expect(play.stateOf("a").status).toBe("queued");
    const third = beginAgain(play, true);
    expect(complete(play, { ...lease, nonce: "m", outcome: REPORTED })).toMatchObject({ change: null });
    complete(play, { ...third, nonce: "o" });
    expect(play.stateOf("a").status).toBe("succeeded");
  });

  it("the completion URL of an attempt that was lost after it had told somebody is good for nothing with another token, or once its task has failed, was cancelled or retried in place", () => {
    const { play, lease } = lostPlay();
    beginAgain(play, true);
    expect(complete(play, { ...lease, token: lease.token + 7 })).toMatchObject({ change: null });
    play.cancel();
    expect(completionStatusOf(play.run, 0, lease.attempt, lease.token)).toBe("over");
    play.event({ type: "retried" });
    beginAgain(play, true);
    expect(completionStatusOf(play.run, 0, lease.attempt, lease.token)).toBe("over");
    expect(complete(play, lease)).toMatchObject({ change: null, rejections: ["not_open"] });
  });

  it("the completion URL of an attempt that was lost after it had told somebody counts too if the attempt was suspended, and its step with the mail is found again", () => {
    const play = new Play("a > b", EXTERNAL);
    play.claim();
    const lease = play.leaseOf("a");
    const child = runIdFromBytes(new Uint8Array(16).fill(1));
    const awaits = [{ runId: child, task: "child", call: `${child}/0`, until: play.now + DAY }];
    play.settle("a", { type: "suspended", awaits });
    expect(completionStatusOf(play.run, 0, lease.attempt, lease.token)).toBe("open");
    complete(play, lease);
    expect(play.stateOf("a").status).toBe("succeeded");
    expect(play.claim()).toEqual(["b"]);
  });
});
