import { describe, expect, it } from "vitest";
import { isKeptForOthers, nextWakeAt } from "../../../src/domain/run/machine.ts";
import type { GrantedLease } from "../../../src/domain/run/machine-events.ts";
import { failed, FRESH_DRIVER, graphOf, Play, RUN_ID, succeeded } from "../../support/run-play.ts";
import { runIdFromBytes, type RunId } from "../../../src/domain/ids.ts";

const HOUR_MS = 3_600_000;
const FATAL = failed({ retryable: false });
const child = (number: number): { runId: RunId; task: string } => ({
  runId: runIdFromBytes(new Uint8Array(16).fill(number)),
  task: "child",
});

function alerting(dag: string): Play {
  return new Play({ ...graphOf(dag), onFailure: "alert" });
}

/** The debts that are to be paid now. */
function delivered(play: Play) {
  return play.effects("deliver").map(({ entry: owed }) => owed);
}

describe("a run that fails, where somebody is to be told", () => {
  it("a run that fails, where somebody is to be told, owes an alert with what failed, from the commit in which it ends", () => {
    const play = alerting("a > b c");
    play.claim();
    play.settle("a", succeeded());
    play.claim();
    play.settle("b", FATAL);
    expect(play.run.outbox).toEqual([]);
    play.settle("c", FATAL);
    const owed = {
      id: 1,
      tries: 1,
      dueAt: play.now + 10_000,
      message: {
        type: "alert",
        startedAt: play.now,
        finishedAt: play.now,
        failed: [
          { ordinal: 1, reason: "error", attempts: 1 },
          { ordinal: 2, reason: "error", attempts: 1 },
        ],
      },
    };
    expect(play.run.outbox).toEqual([owed]);
    expect(delivered(play)).toEqual([owed]);
  });

  it("a run that fails, where somebody is to be told, owes none if it succeeds, is cancelled, or nobody is to be told", () => {
    const fine = alerting("a");
    fine.succeedAll();
    const cancelled = alerting("a");
    cancelled.cancel();
    const quiet = new Play("a");
    quiet.claim();
    quiet.settle("a", FATAL);
    for (const play of [fine, cancelled, quiet]) expect([play.run.outbox, delivered(play)]).toEqual([[], []]);
  });

  it("a run that fails, where somebody is to be told, pays it again, with growing pauses, until somebody has acknowledged it, and outlives its retention", () => {
    const play = alerting("a");
    play.claim();
    play.settle("a", FATAL);
    const end = play.now;
    const pauses = [];
    for (let times = 0; times < 9; times += 1) {
      pauses.push(play.wakeWhenDue());
      expect(delivered(play)).toHaveLength(1);
    }
    expect(pauses.map((ms) => ms / 1_000)).toEqual([10, 20, 40, 80, 160, 320, 640, 900, 900]);
    play.now = end + 2 * play.run.graph.retentionMs;
    play.wake();
    expect(nextWakeAt(play.run)).toBe(play.now + 900_000);
    play.event({ type: "entry_acknowledged", id: 1, next: null });
    expect(play.run.outbox).toEqual([]);
    expect(nextWakeAt(play.run)).toBe(end + play.run.graph.retentionMs);
    expect(play.event({ type: "entry_acknowledged", id: 1, next: null })).toMatchObject({
      change: null,
      rejections: ["already_acknowledged"],
    });
  });

  it("a run that fails, where somebody is to be told, is a dead letter after a day in vain, and nothing at all once that is recorded", () => {
    const play = alerting("a");
    play.claim();
    play.settle("a", FATAL);
    const end = play.now;
    while (play.effects("park").length === 0 && play.now < end + 48 * HOUR_MS) {
      expect(delivered(play)).toHaveLength(1);
      play.wakeWhenDue();
    }
    expect((play.now - end) / HOUR_MS).toBeCloseTo(23.6, 1);
    expect([delivered(play), play.effects("park")]).toMatchObject([
      [],
      [{ entry: { id: 1, message: { type: "alert" } } }],
    ]);
    play.event({ type: "entry_parked", id: 1 });
    expect(play.run.outbox).toMatchObject([{ id: 1, parked: true }]);
    expect([isKeptForOthers(play.run), nextWakeAt(play.run)]).toEqual([false, end + play.run.graph.retentionMs]);
    expect(play.event({ type: "entry_parked", id: 1 })).toMatchObject({
      change: null,
      rejections: ["already_acknowledged"],
    });
  });

  it("a run that fails, where somebody is to be told, is paid after all when a person has its dead letter redriven", () => {
    const play = alerting("a");
    play.claim();
    play.settle("a", FATAL);
    expect(play.event({ type: "entry_redriven", id: 1 })).toMatchObject({
      change: null,
      rejections: ["already_acknowledged"],
    });
    while (play.effects("park").length === 0) play.wakeWhenDue();
    play.event({ type: "entry_parked", id: 1 });
    play.event({ type: "entry_redriven", id: 1 });
    expect(delivered(play)).toMatchObject([{ id: 1, tries: 1 }]);
    expect(nextWakeAt(play.run)).toBe(play.now + 10_000);
    play.event({ type: "entry_acknowledged", id: 1, next: null });
    expect(play.run.outbox).toEqual([]);
  });

  it("a run that fails, where somebody is to be told, ends in the log alone if no dead letter can be recorded either", () => {
    const play = alerting("a");
    play.claim();
    play.settle("a", FATAL);
    let parked = 0;
    for (let wakes = 0; isKeptForOthers(play.run); wakes += 1) {
      play.wakeWhenDue();
      parked += play.effects("park").length;
      expect(wakes).toBeLessThan(110);
    }
    expect(parked).toBe(6);
    expect(play.run.outbox).toMatchObject([{ parked: true }]);
  });

  it("a run that fails, where somebody is to be told, owes another one when it fails again after a retry, and keeps the first as it was", () => {
    const play = alerting("a");
    play.claim();
    play.settle("a", FATAL);
    const [first] = play.run.outbox;
    play.now += 1_000;
    play.event({ type: "retried" });
    expect(play.run.outbox).toEqual([first]);
    expect(nextWakeAt(play.run)).toBe(first?.dueAt);
    play.claim();
    play.settle("a", FATAL);
    expect(play.run.outbox).toMatchObject([
      first ?? {},
      { id: 2, message: { finishedAt: play.now, failed: [{ attempts: 2 }] } },
    ]);
    play.event({ type: "entry_acknowledged", id: 1, next: null });
    expect(play.run.outbox).toMatchObject([{ id: 2 }]);
  });

  it("a run that fails, where somebody is to be told, pays what is due and nothing else, of a run that goes on too", () => {
    const play = alerting("a");
    play.claim();
    play.settle("a", FATAL);
    play.now += 1_000;
    play.event({ type: "retried" });
    play.claim();
    play.now += 9_000;
    play.wake();
    expect(delivered(play)).toMatchObject([{ id: 1, tries: 2 }]);
    expect(play.last.rejections).toEqual([]);
    play.settle("a", FATAL);
    expect(delivered(play)).toMatchObject([{ id: 2, tries: 1 }]);
    play.wakeWhenDue();
    expect(delivered(play)).toMatchObject([{ id: 2, tries: 2 }]);
  });

  it("a run that fails, where somebody is to be told, takes a payment for nothing but the debt that it names, all of it", () => {
    const play = alerting("a > b");
    play.claim();
    play.settle("a", succeeded(), FRESH_DRIVER, [child(1), child(2)]);
    play.settle("b", FATAL);
    expect(play.event({ type: "entry_acknowledged", id: 2, next: null })).toMatchObject({
      change: null,
      rejections: ["already_acknowledged"],
    });
    expect(play.run.outbox).toHaveLength(1);
    play.event({ type: "entry_acknowledged", id: 1, next: 0 });
    expect(play.run.outbox).toEqual([]);
  });
});

describe("a run that is cancelled with its children", () => {
  it("a run that is cancelled with its children owes it to those that it has triggered, and says how far it has come", () => {
    const play = new Play("a > b");
    play.claim();
    play.settle("a", succeeded(), null, [child(1), child(2), child(3)]);
    play.event({ type: "cancelled", children: true });
    expect(play.run.status).toBe("cancelled");
    expect(delivered(play)).toMatchObject([{ id: 1, message: { type: "cancel_children", next: 0 } }]);
    play.event({ type: "entry_acknowledged", id: 1, next: 2 });
    expect(delivered(play)).toMatchObject([{ id: 1, message: { type: "cancel_children", next: 2 } }]);
    play.event({ type: "entry_acknowledged", id: 1, next: 3 });
    expect(play.run.outbox).toEqual([]);
  });

  it("a run that is cancelled with its children owes nothing more once it is paid as a whole", () => {
    const play = new Play("a > b");
    play.claim();
    play.settle("a", succeeded(), null, [child(1), child(2)]);
    play.event({ type: "cancelled", children: true });
    play.event({ type: "entry_acknowledged", id: 1, next: null });
    expect(play.run.outbox).toEqual([]);
  });

  it("a run that is cancelled with its children that is final and has none changes nothing", () => {
    const play = new Play("a");
    play.succeedAll();
    expect(play.event({ type: "cancelled", children: true })).toMatchObject({
      change: null,
      rejections: ["run_final"],
    });
    expect(play.run.cancelsChildren).toBe(false);
  });

  it("a run that is cancelled with its children owes it once to those of attempts that end late, beside what else it owes", () => {
    const play = alerting("a > b c");
    play.claim();
    play.settle("a", succeeded());
    play.claim();
    play.settle("b", FATAL);
    play.settle("c", FATAL);
    play.event({ type: "retried" });
    play.claim();
    const [b, c] = [play.leaseOf("b"), play.leaseOf("c")];
    play.event({ type: "cancelled", children: true });
    const ended = (lease: GrantedLease, ...children: ReturnType<typeof child>[]): void => {
      const late = { ...lease, outcome: succeeded(), children, logs: null };
      play.event({ type: "settled", attempts: [late], claim: null });
    };
    ended(b);
    expect(play.run.outbox).toMatchObject([{ id: 1, message: { type: "alert" } }]);
    ended(b, child(7));
    expect(delivered(play)).toMatchObject([{ id: 2, message: { type: "cancel_children", next: 0 } }]);
    ended(c, child(8));
    expect(play.run.outbox.map(({ id }) => id)).toEqual([1, 2]);
    play.event({ type: "entry_acknowledged", id: 2, next: null });
    ended(c, child(8));
    expect(play.run.outbox.map(({ id }) => id)).toEqual([1]);
    ended(c, child(8), child(9));
    expect(delivered(play)).toMatchObject([{ id: 3, message: { type: "cancel_children", next: 2 } }]);
  });

  it("a run that is cancelled with its children cancels also what an attempt had triggered that was still running, once that has ended", () => {
    const play = new Play("a");
    play.claim();
    const lease = play.leaseOf("a");
    play.event({ type: "cancelled", children: true });
    expect(delivered(play)).toEqual([]);
    const late = { ...lease, outcome: succeeded(), children: [child(7)], logs: null };
    play.event({ type: "settled", attempts: [late], claim: null });
    expect(play.run.children).toEqual([child(7)]);
    expect(play.run.status).toBe("cancelled");
    expect(delivered(play)).toMatchObject([{ message: { type: "cancel_children", next: 0 } }]);
    expect(play.event({ type: "settled", attempts: [late], claim: null }).change).toBeNull();
  });

  it("a run that is cancelled with its children cancels a child that says so itself, since the attempt that triggered it died unsettled", () => {
    const play = new Play("a");
    play.claim();
    play.event({ type: "cancelled", children: true });
    play.event({ type: "triggered", child: child(7) });
    expect(play.run.children).toEqual([child(7)]);
    expect(delivered(play)).toMatchObject([{ message: { type: "cancel_children", next: 0, until: 1 } }]);
    expect(play.event({ type: "triggered", child: child(7) })).toMatchObject({
      change: null,
      rejections: ["already_known"],
    });
  });

  it("a run that is cancelled with its children leaves a child alone that says so itself once the run was retried", () => {
    const play = new Play("a");
    play.claim();
    play.event({ type: "cancelled", children: true });
    play.event({ type: "retried" });
    play.event({ type: "triggered", child: child(7) });
    expect(play.run.children).toEqual([child(7)]);
    expect(delivered(play)).toEqual([]);
  });

  it("a run that is cancelled with its children records the children of an attempt that ends late, and leaves them alone if nobody wants them cancelled", () => {
    const play = new Play("a");
    play.claim();
    const lease = play.leaseOf("a");
    play.cancel();
    play.event({
      type: "settled",
      attempts: [{ ...lease, outcome: succeeded(), children: [child(7)], logs: null }],
      claim: null,
    });
    expect(play.run.children).toEqual([child(7)]);
    expect(delivered(play)).toEqual([]);
  });

  it("a run that is cancelled with its children takes nothing from a late attempt that was not cancelled", () => {
    const play = new Play("a", { a: { retries: 1 } });
    play.claim();
    const lease = play.leaseOf("a");
    play.now += 100_000;
    play.wake();
    const late = { ...lease, outcome: succeeded(), children: [child(7)], logs: null };
    expect(play.event({ type: "settled", attempts: [late], claim: null }).change?.children).toBeUndefined();
  });

  it("a run that is cancelled with its children may be final already: then only its children are cancelled, once", () => {
    const play = new Play("a");
    play.claim();
    play.settle("a", succeeded(), null, [child(1)]);
    expect(play.event({ type: "cancelled", children: true }).change).not.toBeNull();
    expect(play.run.status).toBe("succeeded");
    expect(delivered(play)).toHaveLength(1);
    expect(play.event({ type: "cancelled", children: true }).change).toBeNull();
  });

  it("a run that is cancelled with its children cancels nobody but the runs that were there then, when it goes on by a retry before they could be told", () => {
    const play = new Play("a > b");
    play.claim();
    play.settle("a", succeeded(), FRESH_DRIVER, [child(1)]);
    play.event({ type: "cancelled", children: true });
    expect(delivered(play)).toMatchObject([{ id: 1, message: { next: 0, until: 1 } }]);
    play.event({ type: "retried" });
    play.claim();
    play.settle("b", succeeded(), null, [child(2), child(3)]);
    play.wakeWhenDue();
    expect(delivered(play)).toMatchObject([{ id: 1, message: { next: 0, until: 1 } }]);
    play.event({ type: "entry_acknowledged", id: 1, next: 1 });
    expect(play.run.outbox).toEqual([]);
  });

  it("a run that is cancelled with its children goes on to those that became known while it was told, with the same debt", () => {
    const play = new Play("a > b c");
    play.claim();
    play.settle("a", succeeded(), FRESH_DRIVER, [child(1)]);
    const [b, c] = [play.leaseOf("b"), play.leaseOf("c")];
    play.event({ type: "cancelled", children: true });
    const late = (lease: GrantedLease, children: ReturnType<typeof child>[]) => ({
      ...lease,
      outcome: succeeded(),
      children,
      logs: null,
    });
    play.event({ type: "settled", attempts: [late(b, [child(2)]), late(c, [child(1), child(3)])], claim: null });
    expect(play.run.outbox).toMatchObject([{ id: 1, message: { next: 0, until: 3 } }]);
    expect(delivered(play)).toEqual([]);
    play.event({ type: "entry_acknowledged", id: 1, next: 1 });
    expect(delivered(play)).toMatchObject([{ id: 1, message: { next: 1, until: 3 } }]);
    // An answer of before: nothing is told twice for it.
    play.event({ type: "entry_acknowledged", id: 1, next: 0 });
    expect(delivered(play)).toMatchObject([{ id: 1, message: { next: 1 } }]);
    play.event({ type: "entry_acknowledged", id: 1, next: 3 });
    expect(play.run.outbox).toEqual([]);
  });

  it("a run that is cancelled with its children leaves alone what it triggers after a retry", () => {
    const play = new Play("a");
    play.claim();
    play.event({ type: "cancelled", children: true });
    play.event({ type: "retried" });
    play.claim();
    play.settle("a", succeeded(), null, [child(1)]);
    expect(delivered(play)).toEqual([]);
    expect(play.run.id).toBe(RUN_ID);
  });
});
