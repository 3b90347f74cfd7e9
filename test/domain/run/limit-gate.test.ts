import { describe, expect, it } from "vitest";
import { applyChange } from "../../../src/domain/run/apply-change.ts";
import { slotStatusOf } from "../../../src/domain/run/limit-gate.ts";
import type { LimitKind, TaskLimits } from "../../../src/domain/limits/limit.ts";
import { nextWakeAt } from "../../../src/domain/run/machine.ts";
import { replayInputs } from "../../../src/domain/run/task-inputs.ts";
import { limitCalls as calls } from "../../support/limit-calls.ts";
import { failed, graphOf, lost, Play, RUN_ID, succeeded } from "../../support/run-play.ts";

const FIVE: TaskLimits = { concurrency: { limit: 5, strategy: "queue", key: null }, rateLimit: null, priority: 0 };
const RATED: TaskLimits = { concurrency: null, rateLimit: { limit: 100, perMs: 60_000, key: null }, priority: 0 };
const BOTH: TaskLimits = { ...FIVE, rateLimit: RATED.rateLimit, priority: 7 };
const LEASE_MS = 25_000 + 10_000;

function limited(limits: TaskLimits, dag = "a"): Play {
  return new Play(dag, { a: { limits, retries: { limit: 1, delayMs: 1_000 } } });
}

function permit(play: Play, attempt = 1, kind: LimitKind = "concurrency"): void {
  play.event({ type: "slot_granted", kind, ordinal: 0, attempt });
}

describe("a task with a limit", () => {
  it("a task with a limit is held until it is permitted, and gives its slot back when its attempt ends", () => {
    const play = limited(FIVE);
    expect(play.statuses["a"]).toBe("queued");
    expect(calls(play)).toEqual(["ask concurrency for attempt 1"]);
    expect(play.effects("dispatch")).toEqual([]);
    expect(play.claim()).toEqual([]);
    permit(play);
    expect(play.effects("dispatch")).toHaveLength(1);
    expect(play.claim()).toEqual(["a"]);
    expect(calls(play)).toEqual([]);
    play.settle("a", succeeded());
    expect(calls(play)).toEqual(["give concurrency of attempt 1 back"]);
  });

  it("a task with a limit asks with what peach.conf says, and since when it is ready", () => {
    const play = limited(BOTH);
    expect(play.effects("acquire_slot")).toEqual([
      {
        type: "acquire_slot",
        limit: { kind: "concurrency", task: "a", key: null },
        request: {
          holder: { runId: RUN_ID, ordinal: 0, attempt: 1 },
          rule: { limit: 5, perMs: null, planAt: 1_000_000 },
          strategy: "queue",
          since: play.now,
          priority: 7,
        },
      },
    ]);
  });

  it("a task with a limit asks with the time of the deployment that has accepted its run", () => {
    const play = new Play({ ...graphOf("a", { a: { limits: FIVE } }), madeAt: 900_000 });
    expect(play.effects("acquire_slot")[0]?.request.rule).toEqual({
      limit: 5,
      perMs: null,
      planAt: 1_000_000,
      madeAt: 900_000,
    });
  });

  it("a task with a limit asks for a place in the window with its own limit", () => {
    const [asked] = limited(RATED).effects("acquire_slot");
    expect([asked?.limit.kind, asked?.request.rule]).toEqual([
      "rate_limit",
      { limit: 100, perMs: 60_000, planAt: 1_000_000 },
    ]);
  });

  it("a task with a limit asks again, ever more rarely, for as long as it is held", () => {
    const play = limited(FIVE);
    const pauses = Array.from({ length: 6 }, () => {
      const pause = play.wakeWhenDue();
      expect(calls(play)).toEqual(["ask concurrency for attempt 1"]);
      return pause;
    });
    expect(pauses).toEqual([10_000, 40_000, 160_000, 640_000, 900_000, 900_000]);
  });

  it("a task with a limit waits for its place in the window last, and counts in it from its start", () => {
    const play = limited(BOTH);
    permit(play);
    expect(calls(play)).toEqual(["ask rate_limit for attempt 1"]);
    expect(play.claim()).toEqual([]);
    permit(play, 1, "rate_limit");
    expect(play.claim()).toEqual(["a"]);
    expect(calls(play)).toEqual(["spend rate_limit of attempt 1"]);
    play.settle("a", succeeded());
    expect(calls(play)).toEqual(["give concurrency of attempt 1 back"]);
  });

  it("a task with a limit holds no slot while it waits to be tried again, and asks for another then", () => {
    const play = limited(FIVE);
    permit(play);
    play.claim();
    play.settle("a", failed());
    expect(play.statuses["a"]).toBe("retrying");
    expect(calls(play)).toEqual(["give concurrency of attempt 1 back"]);
    play.wakeWhenDue();
    expect(calls(play)).toEqual(["ask concurrency for attempt 2"]);
    permit(play, 1);
    expect(play.last.rejections).toEqual(["not_blocked"]);
    permit(play, 2);
    expect(play.claim()).toEqual(["a"]);
  });

  it("a task with a limit keeps the slot of a lost attempt until its lease is over", () => {
    const play = limited(FIVE);
    permit(play);
    play.claim();
    expect(play.wakeWhenDue()).toBe(LEASE_MS);
    expect(calls(play)).toEqual(["give concurrency of attempt 1 back"]);
    play.wakeWhenDue();
    expect(calls(play)).toEqual(["ask concurrency for attempt 2"]);
  });

  it("a task with a limit gives the slot of an attempt back that its worker reports lost", () => {
    const play = limited(FIVE);
    permit(play);
    play.claim();
    play.settle("a", lost("surroundings"));
    expect(calls(play)).toEqual(["give concurrency of attempt 1 back", "ask concurrency for attempt 2"]);
  });

  it("a task with a limit keeps its permission, however long no driver comes", () => {
    const play = limited(FIVE);
    permit(play);
    play.wakeWhenDue();
    expect(play.last.effects).toEqual([{ type: "dispatch", drivers: 1 }]);
    expect(play.claim()).toEqual(["a"]);
  });

  it("a task with a limit gives nothing back when a lost attempt reports late: that was done when it was lost", () => {
    const play = limited(FIVE);
    permit(play);
    play.claim();
    const lease = play.leaseOf("a");
    play.wakeWhenDue();
    play.event({
      type: "settled",
      attempts: [{ ...lease, outcome: succeeded(), children: [], logs: null }],
      claim: null,
    });
    expect(play.last).toMatchObject({ effects: [], rejections: ["stale_lease"] });
  });

  it("a task with a limit keeps the slot of a cancelled attempt until it has ended, and of one that goes on until its lease is over", () => {
    const settledLate = (outcome: ReturnType<typeof lost>): readonly string[] => {
      const play = limited(FIVE);
      permit(play);
      play.claim();
      const lease = play.leaseOf("a");
      play.cancel();
      expect(play.effects("release_slot")).toMatchObject([{ afterMs: LEASE_MS }]);
      play.event({ type: "settled", attempts: [{ ...lease, outcome, children: [], logs: null }], claim: null });
      return calls(play);
    };
    const given = lost("surroundings");
    expect(settledLate(given)).toEqual(["give concurrency of attempt 1 back"]);
    expect(settledLate({ ...given, goesOn: true })).toEqual([]);
  });

  it("a task with a limit asks for a further attempt also where the journal has no record of the one that was lost", () => {
    const play = limited(FIVE);
    const running = { status: "running", attempt: 1, token: 1, expiresAt: play.now + LEASE_MS } as const;
    applyChange(play.run, { tasks: [{ ordinal: 0, state: running, attempts: [] }] });
    play.wakeWhenDue();
    expect(calls(play)).toEqual(["give concurrency of attempt 1 back"]);
    play.wakeWhenDue();
    expect(calls(play)).toEqual(["ask concurrency for attempt 2"]);
  });

  it("a task with a limit asks when its delay is over, not before", () => {
    const play = new Play("a", { a: { limits: FIVE } }, { delayMs: 5_000 });
    expect(calls(play)).toEqual([]);
    play.now += 5_000;
    expect(play.claim()).toEqual([]);
    play.wake();
    expect(calls(play)).toEqual(["ask concurrency for attempt 1"]);
  });

  it("a task with a limit that is downstream asks for the key of what its parent passed", () => {
    const keyed: TaskLimits = { ...FIVE, concurrency: { limit: 1, strategy: "queue", key: ["user"] } };
    const play = new Play("a > b", { b: { limits: keyed } });
    play.claim();
    const passed = succeeded();
    if (passed.type !== "succeeded") throw new Error("made so");
    play.settle("a", { ...passed, passed: { ...passed.passed, limitKeys: { b: { concurrency: '"ann"' } } } });
    expect(play.effects("acquire_slot").map(({ limit }) => limit.key)).toEqual(['"ann"']);
    expect(play.effects("dispatch")).toEqual([]);
  });
});

describe("a cancelled run", () => {
  it("a cancelled run calls no limit for a task that never was ready", () => {
    const play = new Play("a > b", { b: { limits: BOTH } });
    play.cancel();
    expect(play.last.effects).toEqual([{ type: "finished" }]);
  });

  it("a cancelled run takes its place among those who wait back", () => {
    const play = limited(FIVE);
    play.cancel();
    expect(calls(play)).toEqual(["give concurrency of attempt 1 back"]);
  });

  it("a cancelled run keeps the slot of an attempt that may still run until its lease is over, or its worker says that it has ended", () => {
    const play = limited(FIVE);
    permit(play);
    play.claim();
    const lease = play.leaseOf("a");
    play.now += 5_000;
    play.cancel();
    expect(calls(play)).toEqual([`give concurrency of attempt 1 back after ${LEASE_MS - 5_000}`]);
    play.event({
      type: "settled",
      attempts: [{ ...lease, outcome: succeeded(), children: [], logs: null }],
      claim: null,
    });
    expect(play.last.change).toBeNull();
    expect(calls(play)).toEqual(["give concurrency of attempt 1 back"]);
  });

  it("a cancelled run frees the place in the window of an attempt that never began", () => {
    const play = limited(RATED);
    permit(play, 1, "rate_limit");
    play.cancel();
    expect(calls(play)).toEqual(["give rate_limit of attempt 1 back"]);
  });
});

describe("a task that does not wait", () => {
  it("a task that does not wait is skipped with the reason, and its children by their rules", () => {
    const play = limited(FIVE, "a > b c");
    play.event({ type: "slot_denied", ordinal: 0, attempt: 1 });
    expect(play.statuses).toEqual({ a: "skipped", b: "skipped", c: "skipped" });
    expect(play.stateOf("a")).toMatchObject({ reason: "concurrency" });
    expect(play.run.status).toBe("succeeded");
    expect(calls(play)).toEqual([]);
  });

  it("a task that does not wait can be replayed as the root of a skipped run, with what the trigger carried", () => {
    const play = limited(FIVE, "a > b");
    play.event({ type: "slot_denied", ordinal: 0, attempt: 1 });
    const trigger = { parent: "", ref: play.run.payload };
    expect(replayInputs(play.run, "a", []).own).toMatchObject({ shape: "trigger", inputs: [trigger] });
    expect(replayInputs(play.run, "b", []).own).toBeNull();
  });

  it("a task that does not wait waits once it has begun", () => {
    const skip: TaskLimits = { ...FIVE, concurrency: { limit: 1, strategy: "skip", key: null } };
    const play = limited(skip);
    expect(play.effects("acquire_slot")[0]?.request.strategy).toBe("skip");
    permit(play);
    play.claim();
    play.settle("a", failed());
    play.wakeWhenDue();
    expect(play.effects("acquire_slot")[0]?.request.strategy).toBe("queue");
  });
});

describe("a task that gives way", () => {
  it("a task that gives way is cancelled with the reason, whether it waits or runs, and its run with it", () => {
    for (const begun of [false, true]) {
      const play = limited(FIVE, "a > b");
      permit(play);
      if (begun) play.claim();
      play.event({ type: "preempted", ordinal: 0, attempt: 1 });
      expect(play.statuses).toEqual({ a: "cancelled", b: "skipped" });
      expect(play.stateOf("a")).toMatchObject({ reason: "concurrency" });
      expect(play.run.status).toBe("cancelled");
      expect(play.attemptsOf("a")).toEqual(begun ? ["cancelled"] : []);
      expect(calls(play)).toEqual([`give concurrency of attempt 1 back${begun ? ` after ${LEASE_MS}` : ""}`]);
    }
  });

  it("a task that gives way has its attempt end when it gives way", () => {
    const play = limited(FIVE);
    permit(play);
    play.claim();
    play.now += 1_000;
    play.event({ type: "preempted", ordinal: 0, attempt: 1 });
    expect(play.run.tasks[0]?.attempts[0]).toMatchObject({ startedAt: play.now - 1_000, finishedAt: play.now });
  });

  it("a task that gives way leaves alone what does not depend on it", () => {
    const play = new Play("r > a b", { a: { limits: FIVE } });
    play.claim();
    play.settle("r", succeeded());
    play.event({ type: "preempted", ordinal: 1, attempt: 1 });
    expect(play.claim()).toEqual(["b"]);
    play.settle("b", succeeded());
    expect(play.run.status).toBe("cancelled");
  });

  it("a task that gives way is left as it is when its attempt has ended", () => {
    const play = limited(FIVE);
    permit(play);
    play.claim();
    play.settle("a", failed());
    play.event({ type: "preempted", ordinal: 0, attempt: 1 });
    expect(play.last.rejections).toEqual(["not_blocked"]);
    expect(play.statuses["a"]).toBe("retrying");
  });
});

describe("what a limit says", () => {
  it.each([
    ["of no task", { type: "slot_granted", kind: "concurrency", ordinal: 9, attempt: 1 }],
    ["of another attempt", { type: "slot_granted", kind: "concurrency", ordinal: 0, attempt: 2 }],
    ["of another limit", { type: "slot_granted", kind: "rate_limit", ordinal: 0, attempt: 1 }],
  ] as const)("%s changes nothing", (_what, event) => {
    expect(limited(FIVE).event(event)).toMatchObject({ change: null, rejections: ["not_blocked"] });
  });

  it("what a limit says too late, when it refuses what it has permitted, changes nothing", () => {
    const play = limited(FIVE);
    permit(play);
    play.event({ type: "slot_denied", ordinal: 0, attempt: 1 });
    expect(play.last).toMatchObject({ change: null, rejections: ["not_blocked"] });
    expect(play.claim()).toEqual(["a"]);
  });
});

describe("how an attempt stands to its slot", () => {
  const holder = { runId: RUN_ID, ordinal: 0, attempt: 1 };
  const standing = (play: Play, kind: LimitKind = "concurrency") => slotStatusOf(play.run, kind, holder, play.now);

  it("an attempt holds its slot from its permission to its end", () => {
    const play = limited(FIVE);
    permit(play);
    expect(standing(play)).toEqual({ type: "holding" });
    play.claim();
    expect(standing(play)).toEqual({ type: "holding" });
    play.settle("a", failed());
    expect(standing(play)).toEqual({ type: "over", afterMs: 0 });
  });

  it("an attempt is over for its slot after its lease, once cancelled", () => {
    const play = limited(FIVE);
    permit(play);
    play.claim();
    play.now += 1_000;
    play.cancel();
    expect(standing(play)).toEqual({ type: "over", afterMs: LEASE_MS - 1_000 });
  });

  it("an attempt is spent in a window from its start", () => {
    const play = limited(RATED);
    permit(play, 1, "rate_limit");
    expect(standing(play, "rate_limit")).toEqual({ type: "holding" });
    play.claim();
    expect(standing(play, "rate_limit")).toEqual({ type: "spent", perMs: 60_000 });
    play.settle("a", failed());
    expect(standing(play, "rate_limit")).toEqual({ type: "spent", perMs: 60_000 });
  });

  it("an attempt is over for a window where it waits for the other limit, is of another attempt, or has none", () => {
    const over = { type: "over", afterMs: 0 };
    expect(standing(limited(BOTH), "rate_limit")).toEqual(over);
    const rated = limited(RATED);
    expect(slotStatusOf(rated.run, "rate_limit", { ...holder, attempt: 2 }, rated.now)).toEqual(over);
    for (const play of [limited(FIVE), new Play("a")]) {
      permit(play);
      play.claim();
      play.settle("a", failed({ retryable: false }));
      expect(standing(play, "rate_limit")).toEqual(over);
    }
  });

  it("an attempt that never began is over for its slot", () => {
    const play = limited(FIVE);
    play.cancel();
    expect(standing(play)).toEqual({ type: "over", afterMs: 0 });
  });

  it("an attempt is over for its slot where there is no such run", () => {
    expect(slotStatusOf(null, "concurrency", holder, 0)).toEqual({ type: "over", afterMs: 0 });
  });

  it("a held task is always due at some time", () => {
    const play = limited(BOTH);
    expect(nextWakeAt(play.run)).toBe(play.now + 10_000);
    permit(play);
    expect(nextWakeAt(play.run)).toBe(play.now + 10_000);
  });
});
