import { describe, expect, it } from "vitest";
import { DEATHS } from "../../../src/domain/run/losses.ts";
import { nextWakeAt } from "../../../src/domain/run/machine.ts";
import {
  failed,
  FRESH_DRIVER,
  lost,
  passedArray,
  Play,
  succeeded,
  TIMED_OUT,
  type TaskSettings,
} from "../../support/run-play.ts";

/** Runs everything that can run; the tasks named fail for good. */
function playOut(play: Play, ...failing: readonly string[]): void {
  for (let granted = play.claim(); granted.length > 0; granted = play.claim())
    for (const task of granted)
      play.settle(task, failing.includes(task) ? failed({ retryable: false }) : succeeded(task));
}

function played(dag: string, settings: TaskSettings, ...failing: readonly string[]): Play {
  const play = new Play(dag, settings);
  playOut(play, ...failing);
  expect(play.run.open).toBe(0);
  return play;
}

/** Tasks that run from now on until the run is final, in order. */
function runsUntilFinal(play: Play, ...failing: readonly string[]): string[] {
  const ran: string[] = [];
  for (let granted = play.claim(); granted.length > 0; granted = play.claim())
    for (const task of granted) {
      ran.push(task);
      play.settle(task, failing.includes(task) ? failed({ retryable: false }) : succeeded(task));
    }
  expect(play.run.open).toBe(0);
  return ran;
}

const SEVEN = "t1 > t2, t2 > t3, t3 > t4, t4 > t5, t5 > t6, t6 > t7";

describe("a run that is retried in place", () => {
  it("a run that is retried in place of seven tasks that failed at the fifth runs 5, 6 and 7, and nothing else", () => {
    const play = played(SEVEN, {}, "t5");
    expect(play.statuses).toMatchObject({ t4: "succeeded", t5: "failed", t6: "skipped", t7: "skipped" });
    play.event({ type: "retried" });
    expect(play.run).toMatchObject({ status: "running", finishedAt: null, open: 3 });
    expect(play.statuses).toMatchObject({ t4: "succeeded", t5: "queued", t6: "pending", t7: "pending" });
    expect(play.effects("dispatch")).toEqual([{ type: "dispatch", drivers: 1 }]);
    expect(runsUntilFinal(play)).toEqual(["t5", "t6", "t7"]);
    expect(play.run.status).toBe("succeeded");
    expect(play.attemptsOf("t5")).toEqual(["failed", "succeeded"]);
    expect(play.attemptsOf("t4")).toEqual(["succeeded"]);
  });

  it("a run that is retried in place has a join run again with what made it impossible, whatever its other upstream tasks have done", () => {
    const play = played("a > b c, b > d, c > d", {}, "c");
    play.event({ type: "retried" });
    expect(runsUntilFinal(play)).toEqual(["c", "d"]);
  });

  it("a run that is retried in place adds no attempt to what runs again before that begins", () => {
    const play = played("a > b", {}, "a");
    const { change } = play.event({ type: "retried" });
    expect(change?.tasks.map(({ ordinal, attempts }) => [ordinal, attempts])).toEqual([
      [0, []],
      [1, []],
    ]);
  });

  it("a run that is retried in place skips again what another skipped task forbids, and no longer because of the failure that is gone", () => {
    const play = new Play("a > x f, x > d, f > d, d > alarm", { alarm: { runIf: "one_failed" } });
    play.claim();
    play.settle("a", succeeded("a", ["f"]));
    playOut(play, "f");
    expect(play.statuses).toMatchObject({ x: "skipped", f: "failed", d: "skipped", alarm: "succeeded" });
    expect(play.stateOf("d")).toMatchObject({ reason: "upstream_failed" });
    play.event({ type: "retried" });
    expect(play.last.change?.tasks.map(({ ordinal }) => play.nameOf(ordinal))).toEqual(["f", "d"]);
    expect(play.last.change).not.toHaveProperty("cancelsChildren");
    expect(runsUntilFinal(play)).toEqual(["f"]);
    expect(play.stateOf("d")).toMatchObject({ status: "skipped", reason: "upstream_skipped" });
    expect(play.run.status).toBe("succeeded");
  });

  it("a run that is retried in place opens its tasks in the order of their ordinals", () => {
    const play = played("a > b c, c > b", {}, "c");
    play.event({ type: "retried" });
    expect(play.last.change?.tasks.map(({ ordinal }) => play.nameOf(ordinal))).toEqual(["b", "c"]);
  });

  it("a run that is retried in place does not cancel any more what it triggers", () => {
    const play = new Play("a");
    play.event({ type: "cancelled", children: true });
    expect(play.run.cancelsChildren).toBe(true);
    play.event({ type: "retried" });
    expect(play.run.cancelsChildren).toBe(false);
  });

  it("a run that is retried in place is due soon, not at the end of its retention", () => {
    const play = played("a", {}, "a");
    const retention = nextWakeAt(play.run);
    play.event({ type: "retried" });
    expect(nextWakeAt(play.run)).toBeLessThanOrEqual(play.now + 10_000);
    play.succeedAll();
    expect(nextWakeAt(play.run)).toBe(retention);
  });

  it("a run that is retried in place keeps when it was started, and ends anew", () => {
    const play = played("a", {}, "a");
    const { startedAt } = play.run;
    play.now += 60_000;
    play.event({ type: "retried" });
    play.succeedAll();
    expect(play.run).toMatchObject({ startedAt, finishedAt: play.now, status: "succeeded" });
  });

  it("a run that is retried in place fails again if it fails again, and can be retried again", () => {
    const play = played("a > b", {}, "a");
    play.event({ type: "retried" });
    expect(runsUntilFinal(play, "a")).toEqual(["a"]);
    expect(play.run.status).toBe("failed");
    expect(play.statuses).toEqual({ a: "failed", b: "skipped" });
    play.event({ type: "retried" });
    expect(runsUntilFinal(play)).toEqual(["a", "b"]);
    expect(play.attemptsOf("a")).toEqual(["failed", "failed", "succeeded"]);
  });

  it("a run that is retried in place runs what was cancelled, and what was running then", () => {
    const play = new Play("a > b c, b > d, c > d");
    play.claim();
    play.settle("a", succeeded());
    play.claim({ holding: 5 });
    play.cancel();
    expect(play.run.status).toBe("cancelled");
    play.event({ type: "retried" });
    expect(play.statuses).toEqual({ a: "succeeded", b: "queued", c: "queued", d: "pending" });
    expect(runsUntilFinal(play)).toEqual(["b", "c", "d"]);
    expect(play.attemptsOf("b")).toEqual(["cancelled", "succeeded"]);
  });

  it("a run that is retried in place of a run that was cancelled before it began is queued again", () => {
    const play = new Play("a");
    play.cancel();
    play.event({ type: "retried" });
    expect(play.run).toMatchObject({ status: "queued", startedAt: null, finishedAt: null });
  });

  it("a run that is retried in place tells an executor object of a task of the long lane, by the number of its next attempt", () => {
    const play = new Play("a", { a: { timeoutMs: 60_000 } });
    play.begin("a", "x");
    play.settle("a", failed({ retryable: false }));
    play.event({ type: "retried" });
    expect(play.effects("start_executor")).toMatchObject([{ ordinal: 0, name: `${play.run.id}/0/2/1` }]);
  });
});

describe("a retry in place is refused, and changes nothing", () => {
  it("a retry in place is refused, and changes nothing while the run is not final: of two at once, one counts", () => {
    const play = played("a", {}, "a");
    play.event({ type: "retried" });
    expect(play.event({ type: "retried" })).toMatchObject({ change: null, rejections: ["run_not_final"] });
  });

  it("a retry in place is refused, and changes nothing if everything succeeded, or was skipped by choice", () => {
    const play = new Play("a > b c");
    play.claim();
    play.settle("a", succeeded("a", ["b"]), FRESH_DRIVER);
    play.settle("b", succeeded());
    expect(play.statuses).toEqual({ a: "succeeded", b: "succeeded", c: "skipped" });
    expect(play.event({ type: "retried" })).toMatchObject({ change: null, rejections: ["nothing_to_retry"] });
  });
});

describe("what a retry runs again, by run_if", () => {
  it("a retry keeps what ran because its upstream task had failed, and did what it had to", () => {
    const play = played("a > alert", { alert: { runIf: "one_failed" } }, "a");
    expect(play.statuses).toEqual({ a: "failed", alert: "succeeded" });
    play.event({ type: "retried" });
    expect(runsUntilFinal(play)).toEqual(["a"]);
    expect(play.run.status).toBe("succeeded");
  });

  it("a retry skips what ran and failed because its upstream task had failed, if that succeeds now", () => {
    const play = played("a > alert", { alert: { runIf: "one_failed" } }, "a", "alert");
    play.event({ type: "retried" });
    expect(play.statuses).toEqual({ a: "queued", alert: "pending" });
    expect(runsUntilFinal(play)).toEqual(["a"]);
    expect(play.stateOf("alert")).toMatchObject({ status: "skipped", reason: "no_upstream_failure" });
    expect(play.run.status).toBe("succeeded");
  });

  it("a retry leaves skipped what was skipped because nothing had failed", () => {
    const play = played("a > b alert", { alert: { runIf: "one_failed" } }, "b");
    play.event({ type: "retried" });
    expect(play.statuses).toEqual({ a: "succeeded", b: "queued", alert: "skipped" });
    expect(runsUntilFinal(play)).toEqual(["b"]);
  });

  it("a retry leaves skipped what an upstream task did not choose, though another one runs again", () => {
    // a ─▶ b c ─▶ d; b chooses nobody, c fails.
    const play = new Play("a > b c, b > d, c > d", { d: { runIf: "all_done" } });
    play.claim();
    play.settle("a", succeeded(), FRESH_DRIVER);
    play.settle("b", succeeded("b", []));
    play.settle("c", failed({ retryable: false }));
    play.event({ type: "retried" });
    expect(runsUntilFinal(play)).toEqual(["c"]);
    expect(play.stateOf("d")).toMatchObject({ status: "skipped", reason: "not_chosen" });
  });

  it("a retry leaves a task of all_done that has succeeded, and what follows it", () => {
    const play = played("a > b, b > clean, clean > last", { clean: { runIf: "all_done" } }, "b");
    expect(play.statuses).toMatchObject({ clean: "succeeded", last: "succeeded" });
    play.event({ type: "retried" });
    expect(runsUntilFinal(play)).toEqual(["b"]);
  });

  it("a retry runs what was skipped over several tasks, whichever way led there first", () => {
    // root ─▶ x, y; x ─▶ s; y ─▶ q ─▶ s: s has a smaller ordinal than q, its upstream task.
    const play = played("root > x y, x > s, y > q, q > s", { s: { runIf: "all_success" } }, "x", "y");
    play.event({ type: "retried" });
    expect(runsUntilFinal(play)).toEqual(["x", "y", "q", "s"]);
  });

  it("a retry runs a join of one_success that had none", () => {
    const play = played("r > a b, a > j, b > j", { j: { runIf: "one_success" } }, "a", "b");
    expect(play.stateOf("j")).toMatchObject({ reason: "upstream_failed" });
    play.event({ type: "retried" });
    expect(runsUntilFinal(play, "b")).toEqual(["a", "b", "j"]);
    expect(play.statuses).toMatchObject({ b: "failed", j: "succeeded" });
  });
});

describe("what a retry makes of a failure further up", () => {
  const BRANCH: TaskSettings = {
    join: { runIf: "none_failed_min_one_success" },
    rescue: { runIf: "all_failed" },
    alarm: { runIf: "one_failed" },
  };

  it("a retry lets the join after a branch run, keeps what the failure had started, and skips what needs one", () => {
    // a ─▶ b ─▶ c ─▶ join, rescue, alarm ─▶ last: b fails, and rescue too.
    const play = played("a > b, b > c, c > join rescue alarm, rescue > last", BRANCH, "b", "rescue");
    expect(play.statuses).toMatchObject({ c: "skipped", join: "skipped", rescue: "failed", alarm: "succeeded" });
    play.event({ type: "retried" });
    expect(runsUntilFinal(play)).toEqual(["b", "c", "join"]);
    expect(play.stateOf("rescue")).toMatchObject({ status: "skipped", reason: "upstream_succeeded" });
    expect(play.stateOf("last")).toMatchObject({ status: "skipped", reason: "upstream_skipped" });
    expect(play.run.status).toBe("succeeded");
  });

  it("a retry leaves a task of all_failed skipped whose other upstream task had succeeded", () => {
    const play = played("a > b c, b > rescue, c > rescue", { rescue: { runIf: "all_failed" } }, "c");
    expect(play.stateOf("rescue")).toMatchObject({ reason: "upstream_succeeded" });
    play.event({ type: "retried" });
    expect(play.last.change?.tasks.map(({ ordinal }) => play.nameOf(ordinal))).toEqual(["c"]);
  });
});

describe("a task with `each` that is retried", () => {
  const EACH = { each: { maxParallel: 10, onError: "continue" } } as const;

  function failedItems(settings: NonNullable<TaskSettings[string]>, ...failing: readonly string[]): Play {
    const play = new Play("a > b, b > c", { b: settings }, { claim: FRESH_DRIVER });
    play.settle("a", passedArray(4));
    for (const item of play.claim())
      play.settle(item, failing.includes(item) ? failed({ retryable: false }) : succeeded(item));
    return play;
  }

  it("a task with `each` that is retried runs the items again that have not succeeded, and those alone", () => {
    const play = failedItems({ each: { ...EACH.each, onError: "fail" } }, "b[1]", "b[3]");
    expect(play.statuses).toMatchObject({ b: "failed", c: "skipped" });
    play.event({ type: "retried" });
    expect(play.effects("dispatch")).toEqual([{ type: "dispatch", drivers: 1 }]);
    expect(play.claim()).toEqual(["b[1]", "b[3]"]);
    for (const item of ["b[1]", "b[3]"]) play.settle(item, succeeded(item));
    expect(play.claim()).toEqual(["b"]);
    play.settle("b", passedArray(4));
    play.succeedAll();
    expect(play.statuses).toEqual({ a: "succeeded", b: "succeeded", c: "succeeded" });
    expect(play.attemptsOf("b[0]")).toEqual(["succeeded"]);
    expect(play.attemptsOf("b[1]")).toEqual(["failed", "succeeded"]);
  });

  it("a task with `each` that is retried gives its items their retries again", () => {
    const play = failedItems({ each: { ...EACH.each, onError: "fail" }, retries: { limit: 1, delayMs: 0 } }, "b[1]");
    play.event({ type: "retried" });
    expect(play.claim()).toEqual(["b[1]"]);
    play.settle("b[1]", failed());
    expect(play.claim()).toEqual(["b[1]"]);
  });

  it("a task with `each` that is retried gathers again what its items have passed, if that is what failed", () => {
    const play = failedItems(EACH);
    expect(play.claim()).toEqual(["b"]);
    play.settle("b", failed({ retryable: false }));
    play.event({ type: "retried" });
    expect(play.claim()).toEqual(["b"]);
  });

  it("a task with `each` that is retried lets a join run once all that it waits for has failed again at once", () => {
    const settings = { b: EACH, c: EACH, d: { runIf: "all_done" } } as const;
    const play = new Play("a > b c, b > d, c > d", settings, { claim: FRESH_DRIVER });
    play.settle("a", succeeded(), FRESH_DRIVER);
    play.settle("d", failed({ retryable: false }));
    play.event({ type: "retried" });
    expect(play.statuses).toEqual({ a: "succeeded", b: "failed", c: "failed", d: "queued" });
    expect(play.claim()).toEqual(["d"]);
  });

  it("a task with `each` that is retried fails again at once if it still reads no array, and so does not its child", () => {
    const play = new Play("a > b, b > c", { b: EACH }, { claim: FRESH_DRIVER });
    play.settle("a", succeeded());
    expect(play.stateOf("b")).toMatchObject({ status: "failed", reason: "not_an_array" });
    play.now += 5_000;
    play.event({ type: "retried" });
    expect(play.run).toMatchObject({ status: "failed", finishedAt: play.now, open: 0 });
    expect(play.stateOf("c")).toMatchObject({ status: "skipped", reason: "upstream_failed", finishedAt: play.now });
    expect(play.effects("finished")).toHaveLength(1);
  });
});

describe("the budgets of a task that runs again", () => {
  it("the budgets of a task that runs again are whole: its retries count anew", () => {
    const play = new Play("a", { a: { retries: { limit: 1, delayMs: 0 } } });
    for (let attempt = 0; attempt < 2; attempt += 1) {
      play.claim();
      play.settle("a", failed());
    }
    expect(play.run.status).toBe("failed");
    play.event({ type: "retried" });
    play.claim();
    play.settle("a", TIMED_OUT);
    expect(play.stateOf("a").status).toBe("queued");
    play.claim();
    play.settle("a", failed());
    expect(play.run.status).toBe("failed");
    expect(play.attemptsOf("a")).toEqual(["failed", "failed", "timed_out", "failed"]);
  });

  it("the budgets of a task that runs again begin with the policy's first delay", () => {
    const play = new Play("a", { a: { retries: { limit: 1, delayMs: 1_000 } } });
    play.claim();
    play.settle("a", failed());
    play.wakeWhenDue();
    play.claim();
    play.settle("a", failed());
    play.event({ type: "retried" });
    play.claim();
    play.settle("a", failed());
    expect(play.stateOf("a")).toEqual({ status: "retrying", retryAt: play.now + 1_000 });
  });

  it("the budgets of a task that runs again allow as many lost workers as at first", () => {
    const play = new Play("a");
    const loseAll = (): void => {
      expect(play.claim()).toEqual(["a"]);
      play.settle("a", lost("worker"));
      for (let deaths = 1; deaths <= DEATHS.sole; deaths += 1) {
        if (play.stateOf("a").status === "retrying") play.wakeWhenDue();
        play.dieAlone("a");
      }
      expect(play.stateOf("a")).toMatchObject({ status: "failed", reason: "worker_lost" });
    };
    loseAll();
    play.event({ type: "retried" });
    loseAll();
    expect(play.attemptsOf("a")).toHaveLength(2 * (1 + DEATHS.sole));
  });
});

describe("an attempt of before the retry", () => {
  it("an attempt of before the retry settles nothing: its lease is stale", () => {
    const play = new Play("a");
    play.claim();
    const old = play.leaseOf("a");
    play.cancel();
    play.event({ type: "retried" });
    play.claim();
    const settled = { ...old, outcome: succeeded(), children: [], logs: null };
    expect(play.event({ type: "settled", attempts: [settled], claim: null })).toMatchObject({
      change: null,
      rejections: ["stale_lease"],
    });
    expect(play.leaseOf("a").token).toBeGreaterThan(old.token);
  });
});
