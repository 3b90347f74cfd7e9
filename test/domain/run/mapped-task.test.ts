import { describe, expect, it } from "vitest";
import { laneOfEntry } from "../../../src/domain/run/mapped-task.ts";
import { applyChange } from "../../../src/domain/run/apply-change.ts";
import { advance } from "../../../src/domain/run/machine.ts";
import { entryOf, newRun } from "../../../src/domain/run/state.ts";
import type { TransitionResult, Outcome, MachineEvent } from "../../../src/domain/run/machine-events.ts";
import {
  failed,
  FRESH_DRIVER,
  genesisOf,
  graphOf,
  lost,
  passedArray,
  payloadRef,
  Play,
  RUN_ID,
  succeeded,
  type TaskSettings,
} from "../../support/run-play.ts";

const EACH = { maxParallel: 1_000, onError: "fail" } as const;
const ALL: TaskSettings[string] = { each: EACH };
const CONTINUE: TaskSettings[string] = { each: { ...EACH, onError: "continue" } };

/** A run of `a > b > c`, where `b` runs once per item, after `a` has passed so many. */
function mapped(length: number, b: TaskSettings[string] = ALL): Play {
  const play = new Play("a > b, b > c", { b }, { claim: FRESH_DRIVER });
  play.settle("a", passedArray(length));
  return play;
}

describe("a task with `each`", () => {
  it("a task with `each` runs once per item, is gathered once, and its children follow", () => {
    const play = mapped(3);
    expect(play.statuses).toMatchObject({ a: "succeeded", b: "each", c: "pending" });
    expect(play.claim()).toEqual(["b[0]", "b[1]", "b[2]"]);
    for (const item of ["b[1]", "b[0]"]) play.settle(item, succeeded(item));
    expect(play.claim()).toEqual([]);
    play.settle("b[2]", succeeded("b[2]"), FRESH_DRIVER);
    expect(play.last.leases.map(({ ordinal }) => play.nameOf(ordinal))).toEqual(["b"]);
    expect(play.itemsOf("b")).toEqual(["succeeded", "succeeded", "succeeded"]);
    play.settle("b", passedArray(3), FRESH_DRIVER);
    expect(play.last.leases.map(({ ordinal }) => play.nameOf(ordinal))).toEqual(["c"]);
    play.settle("c", succeeded());
    expect(play.run.status).toBe("succeeded");
  });

  it("a task with `each` succeeds at once with what its parent passed, if that is an empty array", () => {
    const play = mapped(0);
    expect(play.stateOf("b")).toMatchObject({ status: "succeeded", passed: { output: payloadRef("array", 0) } });
    expect(play.claim()).toEqual(["c"]);
  });

  it.each([
    ["not_an_array", succeeded()],
    ["too_many_items", passedArray(10_001)],
  ] as const)("a task with `each` fails with the reason %s, and is not tried again", (reason, outcome) => {
    const play = new Play("a > b, b > c", { b: { ...ALL, retries: 3 } }, { claim: FRESH_DRIVER });
    play.settle("a", outcome);
    expect(play.stateOf("b")).toMatchObject({ status: "failed", reason });
    expect(play.statuses).toMatchObject({ c: "skipped" });
    expect(play.run.status).toBe("failed");
  });

  it("a task with `each` takes 10,000 items", () => {
    const play = mapped(10_000, { each: { maxParallel: 10_000, onError: "fail" } });
    expect(play.effects("dispatch")).toEqual([{ type: "dispatch", drivers: 100 }]);
    expect(play.claim({ items: 9_999 })).toHaveLength(9_999);
    expect(play.claim()).toEqual(["b[9999]"]);
  });

  it("a task with `each` has nothing to read if its parent has failed: not_an_array", () => {
    const play = new Play("a > b", { b: { ...ALL, runIf: "all_done" } }, { claim: FRESH_DRIVER });
    play.settle("a", failed({ retryable: false }));
    expect(play.stateOf("b")).toMatchObject({ status: "failed", reason: "not_an_array" });
  });

  it("a task with `each` as the root runs over what the trigger carried", () => {
    const play = new Play("b > c", { b: ALL }, { claim: FRESH_DRIVER });
    expect(play.last.leases.map(({ ordinal }) => play.nameOf(ordinal))).toEqual(["b[0]", "b[1]", "b[2]"]);
    expect(play.run.status).toBe("running");
  });

  it("a task with `each` as a root that waits for a delay has items only after that, those of the last payload", () => {
    const run = newRun(genesisOf(graphOf("b", { b: ALL })));
    const play = (event: MachineEvent, now: number): TransitionResult => {
      const decided = advance(run, event, now);
      if (decided.change !== null) applyChange(run, decided.change);
      return decided;
    };
    play({ type: "accepted", claim: null, delayMs: 50 }, 0);
    play({ type: "postponed", payload: payloadRef("later", 2), delayMs: 50 }, 10);
    expect(play({ type: "claimed", claim: FRESH_DRIVER }, 60).leases).toEqual([]);
    expect(play({ type: "woken" }, 60).effects).toEqual([{ type: "dispatch", drivers: 1 }]);
    expect(play({ type: "claimed", claim: FRESH_DRIVER }, 61).leases).toHaveLength(2);
  });

  it("a task with `each` follows an `each` task item by item, and two of them have items of their own", () => {
    const play = new Play("a > b c, b > d", { b: ALL, c: ALL, d: ALL }, { claim: FRESH_DRIVER });
    play.settle("a", passedArray(2));
    expect(play.claim()).toEqual(["b[0]", "b[1]", "c[0]", "c[1]"]);
    for (const item of ["b[0]", "c[1]", "b[1]", "c[0]"]) play.settle(item, succeeded(item));
    expect(play.claim()).toEqual(["b", "c"]);
    play.settle("b", passedArray(2));
    play.settle("c", passedArray(2));
    expect(play.claim()).toEqual(["d[0]", "d[1]"]);
    play.settle("d[0]", succeeded());
    play.settle("d[1]", succeeded());
    play.succeedAll();
    expect(play.run.status).toBe("succeeded");
  });

  it("a task with `each` has at most `maxParallel` items under way; one that waits for its next attempt keeps its place", () => {
    const play = mapped(4, { each: { ...EACH, maxParallel: 2 }, retries: 1 });
    expect(play.claim()).toEqual(["b[0]", "b[1]"]);
    expect(play.claim()).toEqual([]);
    play.settle("b[0]", failed(), FRESH_DRIVER);
    expect(play.last.leases).toEqual([]);
    play.settle("b[1]", succeeded(), FRESH_DRIVER);
    expect(play.last.leases.map(({ ordinal }) => play.nameOf(ordinal))).toEqual(["b[2]"]);
    play.wakeWhenDue();
    expect(play.claim()).toEqual(["b[0]"]);
    expect(play.attemptsOf("b[0]")).toEqual(["failed", "running"]);
  });

  it("a task with `each` tells so many drivers as its items need, and again while nobody comes for them", () => {
    const play = mapped(20);
    expect(play.effects("dispatch")).toEqual([{ type: "dispatch", drivers: 4 }]);
    expect(play.wakeWhenDue()).toBe(10_000);
    expect(play.effects("dispatch")).toEqual([{ type: "dispatch", drivers: 4 }]);
    play.claim({ items: 12 });
    expect(play.wakeWhenDue()).toBe(20_000);
    expect(play.effects("dispatch")).toEqual([]);
    play.claim({ items: 8 });
    expect(play.stateOf("b")).toMatchObject({ redispatchAt: null });
  });

  it("a task with `each` wakes nobody while each place is taken by an item that waits, and tells a driver when one is free", () => {
    const play = mapped(3, { each: { ...EACH, maxParallel: 1 }, retries: 1 });
    expect(play.claim()).toEqual(["b[0]"]);
    expect(play.stateOf("b")).toMatchObject({ redispatchAt: null });
    play.settle("b[0]", failed({ retryAfterMs: 2_592_000_000 }));
    expect(play.wakeWhenDue()).toBe(2_592_000_000);
    expect(play.claim()).toEqual(["b[0]"]);
    play.settle("b[0]", succeeded());
    expect(play.effects("dispatch")).toEqual([{ type: "dispatch", drivers: 1 }]);
    expect(play.stateOf("b")).toMatchObject({ dispatches: 1, redispatchAt: play.now + 10_000 });
    expect(play.wakeWhenDue()).toBe(10_000);
    expect(play.effects("dispatch")).toEqual([{ type: "dispatch", drivers: 1 }]);
    expect(play.claim()).toEqual(["b[1]"]);
    play.settle("b[1]", succeeded(), FRESH_DRIVER);
    expect(play.stateOf("b")).toMatchObject({ redispatchAt: null });
  });

  it("a task with `each` sends a driver in the place of one whose time is up", () => {
    const play = mapped(20);
    expect(play.claim({ budgetMs: 100 })).toEqual([]);
    expect(play.effects("dispatch")).toEqual([{ type: "dispatch", drivers: 1 }]);
  });

  it("a task with `each` has a lost item started again, with the others untouched", () => {
    const play = mapped(2);
    play.claim();
    play.settle("b[0]", succeeded());
    play.settle("b[1]", lost("surroundings"));
    expect(play.claim()).toEqual(["b[1]"]);
    expect(play.attemptsOf("b[0]")).toEqual(["succeeded"]);
  });
});

describe("when an item has failed for good", () => {
  it("`fail`: none is begun any more, those that run end, the task fails", () => {
    const play = mapped(8, { ...ALL, retries: 1 });
    play.claim({ items: 4 });
    play.settle("b[3]", failed());
    play.settle("b[0]", failed({ retryable: false }), FRESH_DRIVER);
    expect(play.last.leases).toEqual([]);
    expect(play.itemsOf("b").slice(0, 5)).toEqual(["failed", "running", "running", "cancelled", "pending"]);
    play.settle("b[1]", failed());
    expect(play.stateOf("b").status).toBe("each");
    play.settle("b[2]", succeeded(), FRESH_DRIVER);
    expect(play.stateOf("b")).toMatchObject({ status: "failed", reason: "item_failed" });
    expect(play.itemsOf("b")).toEqual(["failed", "failed", "succeeded", "cancelled", ...Array(4).fill("pending")]);
    expect(play.run.status).toBe("failed");
  });

  it("`continue`: all others run, and the task is gathered", () => {
    const play = mapped(3, CONTINUE);
    play.claim();
    play.settle("b[1]", failed());
    play.settle("b[0]", succeeded());
    play.settle("b[2]", succeeded());
    expect(play.claim()).toEqual(["b"]);
    expect(play.run.tasks[1]?.each).toMatchObject({ total: 3, succeeded: 2, failed: 1, running: 0 });
  });

  it("a task keeps a short error of each item when an item has failed for good", () => {
    const play = mapped(1, CONTINUE);
    play.claim();
    const error = { name: "Error", message: "m".repeat(4_000), stack: "s".repeat(8_000) };
    play.settle("b[0]", failed({ error }));
    expect(play.run.items[0]?.attempts[0]?.error).toEqual({
      name: "Error",
      message: "m".repeat(500),
      stack: "s".repeat(500),
    });
  });

  it("a task keeps the errors of an item's last five attempts when the item has failed for good", () => {
    const play = mapped(1, { ...CONTINUE, retries: 7 });
    for (let attempt = 1; attempt <= 8; attempt += 1) {
      play.wakeWhenDue();
      play.claim();
      play.settle("b[0]", failed({ retryAfterMs: 1 }));
    }
    const errors = play.run.items[0]?.attempts.map(({ error }) => error !== null);
    expect(errors).toEqual([false, false, false, true, true, true, true, true]);
  });
});

describe("cancelling", () => {
  it("cancelling cancels the items under way, in one change", () => {
    const play = mapped(4, { ...ALL, retries: 1 });
    play.claim({ items: 3 });
    play.settle("b[0]", succeeded());
    play.settle("b[1]", failed());
    const token = play.leaseOf("b[2]");
    play.cancel();
    expect(play.last.change?.tasks).toHaveLength(2);
    expect(play.itemsOf("b")).toEqual(["succeeded", "cancelled", "cancelled", "pending"]);
    expect(play.attemptsOf("b[2]")).toEqual(["cancelled"]);
    expect(play.run.status).toBe("cancelled");
    const late = { ...token, outcome: succeeded(), children: [], logs: null };
    expect(play.event({ type: "settled", attempts: [late], claim: null }).rejections).toEqual(["stale_lease"]);
    expect([...play.run.active]).toEqual([]);
  });
});

describe("items of the long lane", () => {
  const LONG: TaskSettings[string] = { each: { ...EACH, maxParallel: 2 }, timeoutMs: 60_000 };

  it("items of the long lane begin in executor objects of their own, as many as may run at a time", () => {
    const play = mapped(3, LONG);
    const names = play.effects("start_executor").map(({ ordinal }) => play.nameOf(ordinal));
    expect(names).toEqual(["b[0]", "b[1]"]);
    expect(play.claim()).toEqual([]);
    expect(play.begin("b[0]", "x")).toMatchObject({ attempt: 1 });
    play.settle("b[0]", succeeded());
    expect(play.effects("start_executor").map(({ ordinal }) => play.nameOf(ordinal))).toEqual(["b[2]"]);
  });

  it("items of the long lane begin 500 at a time where very many may run", () => {
    const play = mapped(1_200, { each: { ...EACH, maxParallel: 10_000 }, timeoutMs: 60_000 });
    expect(play.effects("start_executor")).toHaveLength(500);
    expect(play.wakeWhenDue()).toBe(100);
    expect(play.effects("start_executor")).toHaveLength(500);
    expect(play.effects("dispatch")).toEqual([]);
    play.claim();
    expect(play.last).toEqual({ change: null, effects: [], leases: [], rejections: ["no_work"] });
    play.wakeWhenDue();
    expect(play.effects("start_executor")).toHaveLength(200);
  });

  it("an executor object gathers what items of the long lane have passed if that is much, or lies in R2", () => {
    const play = mapped(101, CONTINUE);
    for (const item of play.claim({ items: 200 })) play.settle(item, succeeded());
    expect(play.effects("start_executor").map(({ ordinal }) => play.nameOf(ordinal))).toEqual(["b"]);
  });
});

describe("items that are cancelled with their run", () => {
  it("items that are cancelled with their run are those that wait, run or are to be tried again; the attempts of the latter stay as they ended", () => {
    const play = mapped(5, { each: { ...EACH, maxParallel: 4 }, retries: 1, timeoutMs: 60_000 });
    for (const item of ["b[0]", "b[1]", "b[2]"]) play.begin(item, item);
    play.settle("b[0]", failed({ retryAfterMs: 5_000 }));
    const awaits = [{ runId: RUN_ID, task: "other", call: "x", until: play.now + 60_000 }];
    play.settle("b[1]", { type: "suspended", awaits });
    expect(play.itemsOf("b")).toEqual(["retrying", "waiting", "running", "queued", "pending"]);
    expect(play.run.tasks[1]?.each?.cursor).toBe(4);
    play.now += 1_000;
    play.cancel();
    expect(play.itemsOf("b")).toEqual(["cancelled", "cancelled", "cancelled", "cancelled", "pending"]);
    expect(["b[0]", "b[1]", "b[2]", "b[3]"].map((item) => play.attemptsOf(item))).toEqual([
      ["failed"],
      ["suspended"],
      ["cancelled"],
      [],
    ]);
    expect(entryOf(play.run, play.ordinalOf("b[2]"))?.attempts[0]).toMatchObject({ finishedAt: play.now });
    play.event({ type: "retried" });
    expect(play.effects("start_executor").map(({ ordinal }) => play.nameOf(ordinal))).toEqual([
      "b[0]",
      "b[1]",
      "b[2]",
      "b[3]",
    ]);
  });
});

describe("what items passed is gathered", () => {
  const inline = (size: number): Outcome => ({
    type: "succeeded",
    passed: {
      output: { kind: "json", contentType: "application/json", size, at: "run", seq: 1, offset: 0 },
      to: null,
    },
  });
  const gathering = (items: number, outcome: Outcome): Play => {
    const play = mapped(items, { ...ALL, timeoutMs: 1_000 });
    for (const item of play.claim({ items })) {
      expect(play.stateOf(item)).toMatchObject({ expiresAt: play.now + 11_000 });
      play.settle(item, outcome);
    }
    return play;
  };

  it.each([
    ["100 objects of R2", 100, succeeded()],
    ["32 MB", 2, inline(16_000_000)],
    ["any number of short ones", 101, inline(2)],
  ])("what items passed is gathered by a driver up to %s, within 15 s", (_what, items, outcome) => {
    const play = gathering(items, outcome);
    expect(play.claim()).toEqual(["b"]);
    expect(play.stateOf("b")).toMatchObject({ expiresAt: play.now + 25_000 });
  });

  it.each([
    ["101 objects of R2", 101, succeeded()],
    ["more than 32 MB", 2, inline(16_000_001)],
  ])("what items passed is gathered in an executor object if it is %s, within 14 minutes", (_what, items, outcome) => {
    const play = gathering(items, outcome);
    expect(play.effects("start_executor")).toHaveLength(1);
    expect(play.run.tasks.map((entry) => laneOfEntry(entry))).toEqual(["driver", "executor", "driver"]);
    expect(play.claim()).toEqual([]);
    play.begin("b", "x");
    expect(play.stateOf("b")).toMatchObject({ expiresAt: play.now + 850_000 });
  });

  it("what items passed is gathered without those that a limit has skipped", () => {
    const limits = { concurrency: { limit: 2, strategy: "skip", key: null }, rateLimit: null, priority: 0 } as const;
    const play = mapped(2, { ...ALL, limits });
    play.event({ type: "slot_denied", ordinal: play.ordinalOf("b[0]"), attempt: 1 });
    play.event({ type: "slot_granted", kind: "concurrency", ordinal: play.ordinalOf("b[1]"), attempt: 1 });
    expect(play.claim()).toEqual(["b[1]"]);
    play.settle("b[1]", succeeded());
    expect(play.itemsOf("b")).toEqual(["skipped", "succeeded"]);
    expect(play.claim()).toEqual(["b"]);
  });
});

describe("items of several tasks that become known at once", () => {
  it("items of several tasks that become known at once have the limits and the lane of their own task", () => {
    const limits = { concurrency: { limit: 5, strategy: "queue", key: null }, rateLimit: null, priority: 0 } as const;
    const settings = { b: { ...ALL, limits }, c: { ...ALL, timeoutMs: 60_000 }, d: { ...ALL, limits } };
    const play = new Play("a > b c d", settings, { claim: FRESH_DRIVER });
    play.settle("a", passedArray(2));
    expect(play.effects("acquire_slot").map(({ request }) => play.nameOf(request.holder.ordinal))).toEqual([
      "b[0]",
      "b[1]",
      "d[0]",
      "d[1]",
    ]);
    expect(play.effects("start_executor").map(({ ordinal }) => play.nameOf(ordinal))).toEqual(["c[0]", "c[1]"]);
    expect(["b", "c", "d"].map((task) => play.itemsOf(task).length)).toEqual([2, 2, 2]);
  });

  it("items of several tasks that become known at once have what the payload says of their limits, each its own", () => {
    const key = ["group"];
    const limits = { concurrency: { limit: 5, strategy: "queue", key }, rateLimit: null, priority: 0 } as const;
    const genesis = genesisOf(graphOf("b", { b: { ...ALL, limits } }));
    const limitKeys = ["x", "y", "z"].map((concurrency) => ({ concurrency }));
    const { effects } = advance(newRun({ ...genesis, limitKeys }), { type: "accepted", claim: null }, 0);
    expect(effects.map((effect) => effect.type === "acquire_slot" && effect.limit.key)).toEqual(["x", "y", "z"]);
  });

  it("items of several tasks that become known at once never begin where others are", () => {
    const { run } = mapped(2);
    const state = { status: "each", first: 99, total: 1, dispatches: 0, redispatchAt: null } as const;
    expect(() => applyChange(run, { tasks: [{ ordinal: 2, state, attempts: [] }] })).toThrow(
      "begin at 99, after others",
    );
  });
});

describe("a retry in place", () => {
  it("a retry in place begins the items of a run that was cancelled once more", () => {
    const play = mapped(3);
    play.claim({ items: 2 });
    play.cancel();
    play.event({ type: "retried" });
    expect(play.itemsOf("b")).toEqual(["pending", "pending", "pending"]);
    expect(play.claim()).toEqual(["b[0]", "b[1]", "b[2]"]);
  });

  it("a retry in place sends so many drivers as the items need that have not succeeded", () => {
    const play = mapped(20);
    const items = play.claim({ items: 20 });
    for (const item of items.slice(1, 11)) play.settle(item, succeeded());
    for (const item of items.slice(11)) play.settle(item, failed());
    play.settle("b[0]", failed());
    expect(play.run.status).toBe("failed");
    play.event({ type: "retried" });
    expect(play.effects("dispatch")).toEqual([{ type: "dispatch", drivers: 2 }]);
  });

  it("a retry in place begins again the items that have not succeeded, and no other", () => {
    const play = mapped(4, { ...ALL, each: { ...EACH, maxParallel: 3 } });
    play.claim();
    play.settle("b[0]", succeeded());
    play.settle("b[1]", failed());
    play.settle("b[2]", lost("worker"));
    expect(play.itemsOf("b")).toEqual(["succeeded", "failed", "cancelled", "pending"]);
    play.event({ type: "retried" });
    expect(play.effects("dispatch")).toEqual([{ type: "dispatch", drivers: 1 }]);
    expect(play.claim()).toEqual(["b[1]", "b[2]", "b[3]"]);
    for (const item of ["b[1]", "b[2]", "b[3]"]) play.settle(item, succeeded());
    play.succeedAll();
    expect(play.run.status).toBe("succeeded");
    expect(play.attemptsOf("b[1]")).toEqual(["failed", "succeeded"]);
    expect(play.attemptsOf("b[0]")).toEqual(["succeeded"]);
  });

  it("a retry in place has it read again what its upstream task passes, if that runs again", () => {
    const play = new Play("a > b", { b: { ...ALL, runIf: "all_done" } }, { claim: FRESH_DRIVER });
    play.settle("a", failed({ retryable: false }));
    expect(play.stateOf("b")).toMatchObject({ reason: "not_an_array" });
    play.event({ type: "retried" });
    play.claim();
    play.settle("a", passedArray(1));
    expect(play.claim()).toEqual(["b[0]"]);
  });
});
