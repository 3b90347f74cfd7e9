import { describe, expect, it } from "vitest";
import { DRIVER_WIDTH } from "../../../src/domain/run/leasing.ts";
import { DRIVER_LANE_MAX_TIMEOUT_MS, LEASE_GRACE_MS } from "../../../src/domain/plan/run-graph.ts";
import { failed, FRESH_DRIVER, Play, RUN_ID, succeeded } from "../../support/run-play.ts";

const WIDE = `a > ${Array.from({ length: 8 }, (_, index) => `c${index}`).join(" ")}`;
const LONG = { timeoutMs: DRIVER_LANE_MAX_TIMEOUT_MS + 1 };

/** `a` has succeeded; its eight children are queued. */
function wide(settings: ConstructorParameters<typeof Play>[1] = {}): Play {
  const play = new Play(WIDE, settings);
  play.claim();
  play.settle("a", succeeded());
  return play;
}

describe("what a driver is granted", () => {
  it("what a driver is granted is at most its width, counting what it still runs", () => {
    expect(wide().claim()).toHaveLength(DRIVER_WIDTH);
    expect(wide().claim({ holding: DRIVER_WIDTH - 2 })).toEqual(["c0", "c1"]);
    expect(wide().claim({ holding: DRIVER_WIDTH })).toEqual([]);
  });

  it("what a driver is granted is the earliest queued first, and what is left goes to the next one", () => {
    const play = wide();
    expect(play.claim()).toEqual(["c0", "c1", "c2", "c3", "c4", "c5"]);
    expect(play.claim()).toEqual(["c6", "c7"]);
    expect(play.claim()).toEqual([]);
    expect(play.last.rejections).toEqual(["no_work"]);
  });

  it("what a driver is granted is what was queued before, then what this settle readies", () => {
    const play = wide({ c0: { retries: { limit: 1, delayMs: 0 } } });
    expect(play.claim()).toEqual(["c0", "c1", "c2", "c3", "c4", "c5"]);
    const oneMore = { holding: DRIVER_WIDTH - 1, budgetMs: 28_000 };
    expect(play.settle("c0", failed(), oneMore).leases.map(({ ordinal }) => play.nameOf(ordinal))).toEqual(["c6"]);
    expect(play.effects("dispatch")).toEqual([{ type: "dispatch", drivers: 1 }]);
    expect(play.claim()).toEqual(["c0", "c7"]);
  });

  it("what a driver is granted is nothing where a settle leaves nothing to do, which is no reason to complain", () => {
    const play = wide();
    play.claim();
    play.claim();
    expect(play.settle("c0", succeeded(), FRESH_DRIVER)).toMatchObject({ effects: [], leases: [], rejections: [] });
  });

  it("what a driver is granted fits into what is left of its time", () => {
    const play = wide({ c1: { timeoutMs: 2_000 }, c3: { timeoutMs: 1_000 } });
    // Room for one: what does not fit does not keep it from what does.
    expect(play.claim({ budgetMs: 1_500, holding: DRIVER_WIDTH - 1 })).toEqual(["c3"]);
    expect(play.claim({ budgetMs: 2_000 })).toEqual(["c1"]);
  });

  it("what a driver is granted is nothing of the executor lane, and nothing that is pending", () => {
    const play = wide({ c0: LONG });
    expect(play.claim()).toEqual(["c1", "c2", "c3", "c4", "c5", "c6"]);
    expect(new Play("a > b").claim()).toEqual(["a"]);
  });

  it("what a driver is granted comes with tokens that grow over the whole run", () => {
    const play = wide();
    expect(play.event({ type: "claimed", claim: FRESH_DRIVER }).leases.map(({ token }) => token)).toEqual([
      2, 3, 4, 5, 6, 7,
    ]);
    expect(play.run.lastToken).toBe(7);
  });
});

describe("who is told", () => {
  it("one driver is told for each few ready tasks, less what the settling one takes", () => {
    const play = new Play(WIDE);
    play.claim();
    expect(play.settle("a", succeeded(), FRESH_DRIVER).effects).toEqual([{ type: "dispatch", drivers: 1 }]);
    expect(wide().last.effects).toEqual([{ type: "dispatch", drivers: 2 }]);
  });

  it("at most one batch of the queue is told, however wide the run", () => {
    const play = new Play(`a > ${Array.from({ length: 1_000 }, (_, index) => `c${index}`).join(" ")}`);
    play.claim();
    play.settle("a", succeeded());
    expect(play.last.effects).toEqual([{ type: "dispatch", drivers: 100 }]);
  });

  it("a driver that leaves queued work behind because its time is up has one successor told", () => {
    const play = wide();
    play.claim({ budgetMs: 1 });
    expect(play.last).toEqual({
      change: null,
      effects: [{ type: "dispatch", drivers: 1 }],
      leases: [],
      rejections: [],
    });
  });

  it("nobody is told while the driver that leaves something behind was granted something", () => {
    const play = wide();
    expect(play.claim()).toHaveLength(DRIVER_WIDTH);
    expect(play.last.effects).toEqual([]);
  });

  it("nobody is told while the driver whose time is up still runs something, or leaves nothing behind", () => {
    const play = wide();
    play.claim({ budgetMs: 1, holding: 1 });
    expect(play.last.effects).toEqual([]);
    const done = new Play("a");
    done.claim();
    done.settle("a", succeeded(), { holding: 0, budgetMs: 1 });
    expect(done.last.effects).toEqual([{ type: "finished" }]);
  });

  it("an executor object of its own is told for each long task, by a name that no other dispatch has", () => {
    const play = wide({ c0: LONG, c4: LONG });
    const started = play.effects("start_executor");
    expect(started).toEqual([
      { type: "start_executor", ordinal: 1, name: `${RUN_ID}/1/1/1` },
      { type: "start_executor", ordinal: 5, name: `${RUN_ID}/5/1/1` },
    ]);
    play.now += 10_000;
    play.wake();
    expect(play.effects("start_executor").map(({ name }) => name)).toEqual([`${RUN_ID}/1/1/2`, `${RUN_ID}/5/1/2`]);
    play.begin("c0", "x");
    play.now += LONG.timeoutMs + LEASE_GRACE_MS;
    play.wake();
    expect(play.effects("start_executor").map(({ name }) => name)).toEqual([`${RUN_ID}/5/1/3`]);
    play.wakeWhenDue();
    expect(play.effects("start_executor").map(({ name }) => name)).toEqual([`${RUN_ID}/1/2/1`]);
  });
});

describe("direct dispatch", () => {
  it("direct dispatch gives the recording invocation the root, and the queue nothing", () => {
    const play = new Play("a > b", {}, { claim: FRESH_DRIVER });
    expect(play.last.leases).toEqual([{ ordinal: 0, attempt: 1, token: 1 }]);
    expect(play.last.effects).toEqual([]);
  });

  it("direct dispatch sends a root that does not fit into the invocation's time to the queue", () => {
    const play = new Play("a", {}, { claim: { holding: 0, budgetMs: 10 } });
    expect(play.last.leases).toEqual([]);
    expect(play.last.effects).toEqual([{ type: "dispatch", drivers: 1 }]);
  });

  it("direct dispatch starts a long root in an executor object all the same", () => {
    const play = new Play("a", { a: LONG }, { claim: FRESH_DRIVER });
    expect(play.last.leases).toEqual([]);
    expect(play.last.effects).toEqual([{ type: "start_executor", ordinal: 0, name: `${RUN_ID}/0/1/1` }]);
  });
});

describe("the executor lane", () => {
  it("the executor lane gives the lease to the first holder that asks, and again to the same one", () => {
    const play = new Play("a", { a: LONG });
    const lease = play.begin("a", "first");
    expect(lease).toEqual({ ordinal: 0, attempt: 1, token: 1 });
    expect(play.begin("a", "first")).toEqual(lease);
    expect(play.last.change).toBeNull();
    expect(play.begin("a", "second")).toBeNull();
    expect(play.last.rejections).toEqual(["stale_lease"]);
    expect(play.attemptsOf("a")).toEqual(["running"]);
  });

  it("the executor lane gives a new lease for a new attempt, also to a holder that comes late", () => {
    const play = new Play("a", { a: LONG });
    play.begin("a", "first");
    play.wakeWhenDue();
    play.wakeWhenDue();
    expect(play.begin("a", "first")).toEqual({ ordinal: 0, attempt: 2, token: 2 });
  });

  it("the executor lane gives nothing once the task is final, or before it may start", () => {
    const play = new Play("a > b", { a: LONG, b: LONG });
    expect(play.begin("b", "early")).toBeNull();
    play.begin("a", "x");
    play.settle("a", succeeded());
    expect(play.begin("a", "x")).toBeNull();
    expect(play.begin("b", "y")).toEqual({ ordinal: 1, attempt: 1, token: 2 });
  });
});
