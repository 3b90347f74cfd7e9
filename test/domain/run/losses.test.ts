import { describe, expect, it } from "vitest";
import { LEASE_GRACE_MS } from "../../../src/domain/plan/run-graph.ts";
import { DEATHS, GIVEN_UP_AFTER } from "../../../src/domain/run/losses.ts";
import { runIdFromBytes } from "../../../src/domain/ids.ts";
import { nextWakeAt } from "../../../src/domain/run/machine.ts";
import type { RunGenesis } from "../../../src/domain/run/state.ts";
import {
  failed,
  FRESH_DRIVER,
  lost,
  passedArray,
  PAYLOAD,
  Play,
  RUN_ID,
  succeeded,
  suspended,
  TIMED_OUT,
} from "../../support/run-play.ts";

/** A run of one task that was lost with its worker, and is a suspect now. */
function suspect(settings: ConstructorParameters<typeof Play>[1] = {}): Play {
  const play = new Play("a", settings);
  play.claim();
  play.settle("a", lost("worker"));
  return play;
}

/** Lets time pass until the task may be begun. */
function untilReady(play: Play, task = "a"): void {
  while (play.stateOf(task).status === "retrying") play.wakeWhenDue();
}

describe("a lost attempt", () => {
  it("a lost attempt is found when its lease runs out, a while after the time-out, and started again within two seconds", () => {
    const play = new Play("a", { a: { timeoutMs: 5_000 } });
    play.claim();
    expect(nextWakeAt(play.run)).toBe(play.now + 5_000 + LEASE_GRACE_MS);
    play.wakeWhenDue();
    expect(play.run.tasks[0]?.attempts[0]).toMatchObject({
      status: "lost",
      lostTo: "worker",
      finishedAt: play.now,
      error: { name: "WorkerLostError" },
    });
    expect(play.stateOf("a").status).toBe("retrying");
    expect(play.wakeWhenDue()).toBeLessThanOrEqual(2_000);
    expect(play.last.effects).toEqual([{ type: "start_executor", ordinal: 0, name: `${RUN_ID}/0/2/1` }]);
    expect(play.begin("a", "x")).toEqual({ ordinal: 0, attempt: 2, token: 2 });
  });

  it("a lost attempt does not count against the retries", () => {
    const play = suspect({ a: { retries: 0 } });
    untilReady(play);
    play.begin("a", "x");
    play.settle("a", succeeded());
    expect(play.attemptsOf("a")).toEqual(["lost", "succeeded"]);
  });

  it("a lost attempt is recorded alone: those that were lost before it are not written again", () => {
    const play = suspect();
    untilReady(play);
    play.begin("a", "x");
    play.settle("a", lost("worker"));
    expect(play.last.change?.tasks.flatMap(({ attempts }) => attempts.map(({ attempt }) => attempt))).toEqual([2]);
  });

  it("a lost attempt settles nothing when it ends after all, before and after the next one has begun", () => {
    const play = new Play("a");
    play.claim();
    const late = { ...play.leaseOf("a"), outcome: succeeded("late"), children: [], logs: null };
    play.wakeWhenDue();
    expect(play.event({ type: "settled", attempts: [late], claim: null }).rejections).toEqual(["stale_lease"]);
    expect(play.statuses["a"]).toBe("retrying");
    untilReady(play);
    play.claim();
    expect(play.event({ type: "settled", attempts: [late], claim: null })).toMatchObject({
      change: null,
      rejections: ["stale_lease"],
    });
    play.settle("a", succeeded("kept"));
    expect(play.stateOf("a")).toMatchObject({ passed: { output: { key: "kept" } } });
  });

  it("a lost attempt starts at the latest 30 s after its time-out, however many were lost before", () => {
    const play = new Play("a", { a: { timeoutMs: 5_000 } });
    play.claim();
    for (let loss = 1; loss <= 8; loss += 1) {
      const startedAt = play.now;
      play.wakeWhenDue();
      untilReady(play);
      expect(play.now - startedAt - 5_000).toBeLessThanOrEqual(30_000);
      play.begin("a", `executor ${loss}`);
      // A failure ends the row, so that the task goes on.
      if (loss % 2 === 0) play.event({ type: "stepped", lease: play.leaseOf("a"), name: `${loss}`, result: PAYLOAD });
    }
    expect(play.statuses["a"]).toBe("running");
  });
});

describe("a task that was lost with its worker", () => {
  // root ─▶ poison, innocent: both in one driver
  const together = (): Play => {
    const play = new Play("root > poison innocent");
    play.claim();
    play.settle("root", succeeded(), FRESH_DRIVER);
    play.now += 35_000;
    play.wake();
    return play;
  };

  it("a task that was lost with its worker runs in an executor object of its own from then on, with nothing else, and in no driver", () => {
    const play = together();
    const started: string[] = [];
    for (let wake = 0; wake < 2; wake += 1) {
      play.wakeWhenDue();
      started.push(...play.effects("start_executor").map(({ ordinal }) => play.nameOf(ordinal)));
      expect(play.effects("dispatch")).toEqual([]);
    }
    expect(started.toSorted()).toEqual(["innocent", "poison"]);
    expect(play.claim()).toEqual([]);
    expect(play.begin("poison", "x")).not.toBeNull();
    expect(play.begin("innocent", "y")).not.toBeNull();
  });

  it("a task that was lost with its worker fails alone, and its neighbour succeeds", () => {
    const play = together();
    untilReady(play, "innocent");
    play.begin("innocent", "y");
    for (let death = 1; death <= DEATHS.sole; death += 1) play.dieAlone("poison");
    play.settle("innocent", succeeded());
    expect(play.stateOf("poison")).toMatchObject({ status: "failed", reason: "worker_lost" });
    expect(play.statuses["innocent"]).toBe("succeeded");
  });

  it("a task that was lost with its worker stays alone after an attempt that threw", () => {
    const play = suspect({ a: { retries: { limit: 1, delayMs: 0 } } });
    untilReady(play);
    play.begin("a", "x");
    play.settle("a", failed());
    expect(play.claim()).toEqual([]);
    expect(play.begin("a", "y")).not.toBeNull();
  });

  it("a task that was lost with its worker is no suspect any more once it is retried in place", () => {
    const play = suspect();
    play.cancel();
    play.event({ type: "retried" });
    expect(play.effects("dispatch")).toEqual([{ type: "dispatch", drivers: 1 }]);
    expect(play.claim()).toEqual(["a"]);
  });

  it("a task that was lost with its worker is no suspect any more once the attempt that was taken for dead has ended after all", () => {
    const play = new Play("a");
    play.claim();
    const late = { ...play.leaseOf("a"), outcome: failed(), children: [], logs: null };
    play.wakeWhenDue();
    play.event({ type: "settled", attempts: [late], claim: null });
    expect(play.run.tasks[0]?.attempts[0]?.lostTo).toBe("surroundings");
    untilReady(play);
    expect(play.claim()).toEqual(["a"]);
  });

  it("a task that was lost with its worker has an attempt of before its retry in place end late without any effect, also as an item that is not begun again", () => {
    const each = { maxParallel: 1_000, onError: "fail" } as const;
    const play = new Play("a > b", { b: { each } }, { claim: FRESH_DRIVER });
    play.settle("a", passedArray(3));
    play.claim();
    const late = { ...play.leaseOf("b[1]"), outcome: succeeded(), children: [], logs: null };
    play.wakeWhenDue();
    play.cancel();
    play.event({ type: "retried" });
    play.event({ type: "settled", attempts: [late], claim: null });
    expect(play.last).toMatchObject({ change: null, rejections: ["stale_lease"] });
    expect(play.claim()).toEqual(["b[0]", "b[1]", "b[2]"]);
  });

  it("a task that was lost with its worker is an item like any other: one of sixty kills its worker, and no other becomes null", () => {
    const each = { maxParallel: 1_000, onError: "continue" } as const;
    const play = new Play("a > b", { b: { each } }, { claim: FRESH_DRIVER });
    play.settle("a", passedArray(60));
    for (let granted = play.claim(); granted.length > 0; granted = play.claim())
      if (!granted.includes("b[3]")) for (const item of granted) play.settle(item, succeeded());
    play.wakeWhenDue();
    for (const index of [0, 1, 2, 4, 5]) {
      untilReady(play, `b[${index}]`);
      expect(play.claim()).toEqual([]);
      expect(play.begin(`b[${index}]`, `executor ${index}`)).not.toBeNull();
      play.settle(`b[${index}]`, succeeded());
    }
    for (let death = 1; death <= DEATHS.sole; death += 1) {
      untilReady(play, "b[3]");
      play.dieAlone("b[3]");
    }
    const items = play.itemsOf("b");
    expect(items[3]).toBe("failed");
    expect(items.filter((status) => status === "succeeded")).toHaveLength(59);
  });
});

describe("deaths of workers that a task had alone", () => {
  const rows: [string, Parameters<Play["settle"]>[1][], string][] = [
    ["three in a row", [lost("worker"), lost("worker"), lost("worker")], "worker_lost"],
    ["two", [lost("worker"), lost("worker")], "goes on"],
    ["a throw in between", [lost("worker"), lost("worker"), failed(), lost("worker"), lost("worker")], "goes on"],
    ["a time-out in between", [lost("worker"), lost("worker"), TIMED_OUT, lost("worker"), lost("worker")], "goes on"],
    ["a wait in between", [lost("worker"), lost("worker"), suspended(0), lost("worker"), lost("worker")], "goes on"],
    [
      "losses to the surroundings in between",
      [lost("worker"), lost("surroundings"), lost("worker"), lost("surroundings"), lost("worker")],
      "worker_lost",
    ],
    ["ten losses to the surroundings", Array.from({ length: 10 }, () => lost("surroundings")), "goes on"],
  ];

  it.each(rows)("%s: %s", (_name, outcomes, expected) => {
    const play = suspect({ a: { retries: 5 } });
    for (const [index, outcome] of outcomes.entries()) {
      while (play.stateOf("a").status !== "queued") play.wakeWhenDue();
      expect(play.begin("a", `executor ${index}`)).not.toBeNull();
      play.settle("a", outcome);
    }
    const state = play.stateOf("a");
    expect(state.status === "failed" ? state.reason : "goes on").toBe(expected);
  });

  it("deaths of workers that a task had alone do not count where others were in the worker, however often", () => {
    // A lease that a driver holds is never known to be alone.
    const play = suspect();
    expect(play.run.tasks[0]?.attempts[0]?.alone).toBeUndefined();
    for (let death = 1; death < DEATHS.sole; death += 1) {
      untilReady(play);
      play.dieAlone("a");
    }
    expect(play.run.tasks[0]?.attempts.map(({ alone }) => alone)).toEqual([undefined, true, true]);
    expect(play.run.finishedAt).toBeNull();
  });

  it("deaths of workers that a task had alone are counted from the step that the task has recorded last", () => {
    const play = suspect();
    for (const name of ["one", "two", "three", "four"]) {
      untilReady(play);
      play.begin("a", name);
      play.event({ type: "stepped", lease: play.leaseOf("a"), name, result: PAYLOAD });
      play.settle("a", lost("worker"));
    }
    // The last of these has died after its progress.
    untilReady(play);
    play.dieAlone("a");
    expect(play.statuses["a"]).toBe("retrying");
    untilReady(play);
    play.dieAlone("a");
    expect(play.stateOf("a")).toMatchObject({ status: "failed", reason: "worker_lost" });
  });

  it("deaths of workers that a task had alone of a long task count from the first, since it is alone from the first", () => {
    const play = new Play("a", { a: { timeoutMs: 60_000 } });
    for (let death = 1; death <= DEATHS.sole; death += 1) {
      untilReady(play);
      play.dieAlone("a");
    }
    expect(play.stateOf("a")).toMatchObject({ status: "failed", reason: "worker_lost" });
  });

  it("deaths of workers that a task had alone do not count while only their leases tell: the run may have been out of reach", () => {
    const play = suspect();
    for (let death = 1; death <= 2 * DEATHS.sole; death += 1) {
      untilReady(play);
      play.begin("a", `executor ${death}`);
      play.wakeWhenDue();
    }
    expect(play.run.finishedAt).toBeNull();
  });

  it("deaths of workers that a task had alone count when the executor object says so later than its lease, from the next loss on", () => {
    const play = suspect();
    for (let death = 1; death <= DEATHS.sole; death += 1) {
      untilReady(play);
      play.begin("a", `executor ${death}`);
      const late = { ...play.leaseOf("a"), outcome: lost("worker"), children: [], logs: null };
      play.wakeWhenDue();
      play.event({ type: "settled", attempts: [late], claim: null });
      // Said twice, it changes nothing more.
      expect(play.event({ type: "settled", attempts: [late], claim: null }).change).toBeNull();
    }
    expect(play.run.tasks[0]?.attempts.map(({ alone }) => alone)).toEqual([undefined, true, true, true]);
    untilReady(play);
    play.begin("a", "the last");
    play.wakeWhenDue();
    expect(play.stateOf("a")).toMatchObject({ status: "failed", reason: "worker_lost" });
  });

  it("deaths of workers that a task had alone do not count while others of the run die at the same time, until there are ten", () => {
    // An isolate dies with all that run in it: nobody can tell who has killed it.
    const tasks = ["a", "b", "c"];
    const play = new Play(
      `root > ${tasks.join(" ")}`,
      Object.fromEntries(tasks.map((task) => [task, { timeoutMs: 60_000 }])),
    );
    play.claim();
    play.settle("root", succeeded());
    for (let death = 1; death <= DEATHS.any; death += 1) {
      for (const task of tasks) untilReady(play, task);
      expect(play.run.finishedAt).toBeNull();
      for (const task of tasks) play.begin(task, `executor ${death} of ${task}`);
      play.now += 1_000;
      for (const task of tasks) play.settle(task, lost("worker"));
    }
    for (const task of tasks) expect(play.stateOf(task)).toMatchObject({ status: "failed", reason: "worker_lost" });
  });

  it("deaths of workers that a task had alone count three times where one of the run goes on to die alone, whatever died beside it before", () => {
    const play = new Play("root > a b", { a: { timeoutMs: 60_000 }, b: { timeoutMs: 60_000 } });
    play.claim();
    play.settle("root", succeeded());
    for (const task of ["a", "b"]) play.begin(task, task);
    for (const task of ["a", "b"]) play.settle(task, lost("worker"));
    for (let death = 1; death <= DEATHS.sole; death += 1) {
      expect(play.statuses["a"]).not.toBe("failed");
      play.now += 60_000;
      play.wake();
      play.dieAlone("a");
    }
    expect(play.stateOf("a")).toMatchObject({ status: "failed", reason: "worker_lost" });
  });

  describe("of which a witness knows, who hears of all runs,", () => {
    /** The task dies in its executor object, and the witness says which of its deaths were its own alone. */
    const die = (play: Play, ...sole: number[]): void => {
      untilReady(play);
      play.begin("a", `executor of ${play.now}`);
      play.settle("a", lost("worker", sole));
    };

    it("deaths of workers that a task had alone of which a witness knows, who hears of all runs, do not count while others die at the same time, until there are ten", () => {
      const play = new Play("a", { a: { timeoutMs: 60_000 } });
      for (let death = 1; death < DEATHS.any; death += 1) die(play);
      expect(play.run.finishedAt).toBeNull();
      expect(play.run.tasks[0]?.attempts.every(({ alone, beside }) => alone === true && beside === true)).toBe(true);
      die(play);
      expect(play.stateOf("a")).toMatchObject({ status: "failed", reason: "worker_lost" });
    });

    it("deaths of workers that a task had alone of which a witness knows, who hears of all runs, count from when it is known that nobody else has died", () => {
      const play = new Play("a", { a: { timeoutMs: 60_000 } });
      die(play);
      die(play, 1);
      expect(play.run.tasks[0]?.attempts.map(({ beside }) => beside)).toEqual([undefined, true]);
      // Others have died in the second, and the third.
      die(play, 1);
      die(play, 1);
      die(play, 1, 4);
      expect(play.statuses["a"]).toBe("retrying");
      die(play, 1, 4, 6);
      expect(play.stateOf("a")).toMatchObject({ status: "failed", reason: "worker_lost" });
    });

    it("deaths of workers that a task had alone of which a witness knows, who hears of all runs, do not count at all where one has died beside them that is known to kill, also if that is known later", () => {
      const play = new Play("a", { a: { timeoutMs: 60_000 } });
      for (let death = 1; death < DEATHS.any; death += 1) die(play);
      untilReady(play);
      play.begin("a", "the tenth");
      play.settle("a", { ...lost("worker", []), explained: [3, 10] });
      expect(play.statuses["a"]).toBe("retrying");
      expect(play.run.tasks[0]?.attempts.filter(({ alone }) => alone === true)).toHaveLength(8);
      die(play);
      expect(play.statuses["a"]).toBe("retrying");
      die(play);
      expect(play.stateOf("a")).toMatchObject({ status: "failed", reason: "worker_lost" });
    });

    it("deaths of workers that a task had alone of which a witness knows, who hears of all runs, do not end a long task that is there each time when a short one dies, which is ended for its own", () => {
      const idOf = (index: number): Partial<RunGenesis> => ({ id: runIdFromBytes(new Uint8Array(16).fill(index)) });
      const poison = new Play("p", {}, { genesis: idOf(0) });
      poison.claim();
      poison.settle("p", lost("worker"));
      const long = Array.from(
        { length: 50 },
        (_, index) => new Play("a", { a: { timeoutMs: 840_000 } }, { genesis: idOf(index + 1) }),
      );
      for (const play of long) play.begin("a", "the first");
      while (poison.run.finishedAt === null) {
        for (const play of long) if (play.statuses["a"] === "running") play.settle("a", lost("worker", []));
        untilReady(poison, "p");
        poison.begin("p", `executor of ${poison.now}`);
        poison.now += 20_000;
        for (const play of long) {
          if (play.statuses["a"] === "retrying" && nextWakeAt(play.run) <= poison.now) {
            untilReady(play);
            play.begin("a", `executor of ${play.now}`);
          }
          play.now = poison.now;
        }
        poison.settle("p", lost("worker", []));
      }
      expect(poison.stateOf("p")).toMatchObject({ status: "failed", reason: "worker_lost" });
      expect(long.filter((play) => play.statuses["a"] === "failed")).toHaveLength(0);
    });

    it("deaths of workers that a task had alone of which a witness knows, who hears of all runs, are judged as well when they are told of later than the lease", () => {
      const play = new Play("a", { a: { timeoutMs: 60_000 } });
      play.begin("a", "x");
      const late = { ...play.leaseOf("a"), outcome: lost("worker", []), children: [], logs: null };
      play.wakeWhenDue();
      play.event({ type: "settled", attempts: [late], claim: null });
      expect(play.run.tasks[0]?.attempts[0]).toMatchObject({ alone: true, beside: true });
    });
  });

  it("deaths of workers that a task had alone have the witness told of drivers that died, once a wake, and not of executor objects, which tell it by themselves", () => {
    const play = new Play("root > a b c", { c: { timeoutMs: 60_000 } });
    play.claim();
    play.settle("root", succeeded(), FRESH_DRIVER);
    play.begin("c", "x");
    const { startedAt, token } = { startedAt: play.now, token: play.leaseOf("a").token };
    play.now += 35_000;
    play.wake();
    expect(play.attemptsOf("a")).toEqual(["lost"]);
    expect(play.attemptsOf("b")).toEqual(["lost"]);
    expect(play.effects("note_death")).toEqual([{ type: "note_death", token, startedAt }]);
    play.now += 60_000;
    play.wake();
    expect(play.attemptsOf("c")).toEqual(["lost"]);
    expect(play.effects("note_death")).toEqual([]);
  });

  it("deaths of workers that a task had alone are followed by pauses out of a span that grows, and that differ from task to task, or a trial in that span", () => {
    const tasks = Array.from({ length: 50 }, (_, index) => `t${index}`);
    const play = new Play(
      `root > ${tasks.join(" ")}`,
      Object.fromEntries(tasks.map((task) => [task, { timeoutMs: 60_000 }])),
    );
    play.claim();
    play.settle("root", succeeded());
    for (const span of [2_000, 15_000, 45_000]) {
      for (const task of tasks) untilReady(play, task);
      for (const task of tasks) play.begin(task, `executor ${span} of ${task}`);
      const pauses = tasks.map((task) => {
        play.settle(task, lost("worker"));
        const state = play.stateOf(task);
        const atMost = state.status === "retrying" ? state.retryAt - play.now : 0;
        const [{ trial } = {}] = play.effects("start_executor");
        if (trial !== undefined) expect([atMost, trial.mostMs]).toEqual([span, span]);
        return trial?.drawnMs ?? atMost;
      });
      const mean = pauses.reduce((sum, pause) => sum + pause, 0) / tasks.length;
      expect(Math.max(...pauses)).toBeLessThanOrEqual(span);
      expect(mean).toBeGreaterThan(span * 0.35);
      expect(mean).toBeLessThan(span * 0.65);
      expect(new Set(pauses).size).toBeGreaterThan(45);
    }
  });
});

describe("losses to the surroundings", () => {
  it("losses to the surroundings never make a suspect, and are followed by growing pauses", () => {
    const play = new Play("a");
    const waits: number[] = [];
    for (let loss = 0; loss < 40; loss += 1) {
      expect(play.claim()).toEqual(["a"]);
      play.settle("a", lost("surroundings"));
      waits.push(play.statuses["a"] === "retrying" ? play.wakeWhenDue() : 0);
    }
    expect(waits.slice(0, 4)).toEqual([0, 250, 500, 1_000]);
    expect(Math.max(...waits)).toBe(300_000);
    play.claim();
    play.settle("a", succeeded());
    expect(play.run.status).toBe("succeeded");
  });

  it("losses to the surroundings end the task with a reason of its own when it has come to nothing for a day", () => {
    const play = new Play("a");
    const startedAt = play.now;
    while (play.run.finishedAt === null) {
      play.claim();
      play.settle("a", lost("surroundings"));
      if (play.statuses["a"] === "retrying") play.wakeWhenDue();
    }
    expect(play.stateOf("a")).toMatchObject({ status: "failed", reason: "unavailable" });
    expect(play.now - startedAt).toBeGreaterThanOrEqual(GIVEN_UP_AFTER.ms);
    expect(play.now - startedAt).toBeLessThan(GIVEN_UP_AFTER.ms + 600_000);
  });

  it("losses to the surroundings of a few attempts that were begun days apart end nothing", () => {
    const play = new Play("a");
    for (let loss = 1; loss < GIVEN_UP_AFTER.losses; loss += 1) {
      play.claim();
      play.now += GIVEN_UP_AFTER.ms;
      play.settle("a", lost("surroundings"));
      untilReady(play);
    }
    expect(play.statuses["a"]).toBe("queued");
  });
});
