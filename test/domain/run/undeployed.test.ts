import { describe, expect, it } from "vitest";
import { nextWakeAt } from "../../../src/domain/run/machine.ts";
import type { MachineEvent } from "../../../src/domain/run/machine-events.ts";
import { BOOM, FRESH_DRIVER, graphOf, passedArray, Play, RUN_ID, succeeded } from "../../support/run-play.ts";

const DAY = 86_400_000;
const OLD = { deployment: "old" };
const NEW = { deployment: "new" };

/** The deployment does not have the method. */
function undeployed({ deployment }: { readonly deployment: string }) {
  return { type: "undeployed", deployment, error: BOOM } as const;
}

/** Its one task was given back by the old code. */
function givenBack(settings: ConstructorParameters<typeof Play>[1] = {}): Play {
  const play = new Play("a", settings);
  play.claim(OLD);
  play.settle("a", undeployed(OLD));
  return play;
}

/** What an executor object of this deployment is granted. */
function begin(play: Play, task: string, claimant: { readonly deployment: string }): number {
  const event: MachineEvent = { type: "begun", ordinal: play.ordinalOf(task), holder: "x", ...claimant };
  return play.event(event).leases.length;
}

describe("a task whose method the code lacks", () => {
  it("a task whose method the code lacks is given back: it waits for a deploy, and no attempt of it counts", () => {
    const play = givenBack({ a: { retries: 0 } });
    expect(play.stateOf("a")).toMatchObject({ status: "queued", blockedBy: { for: "deploy", since: play.now } });
    expect(play.run.tasks[0]?.attempts).toMatchObject([{ status: "lost", lostTo: "deploy", lackedBy: "old" }]);
    play.now += 60_000;
    expect(play.claim(NEW)).toEqual(["a"]);
    play.settle("a", succeeded());
    expect(play.run.status).toBe("succeeded");
  });

  it("a task whose method the code lacks is not granted again to that deployment, which changes nothing by asking", () => {
    const play = givenBack();
    expect(play.claim(OLD)).toEqual([]);
    expect(play.last).toMatchObject({ change: null, effects: [], rejections: ["no_work"] });
  });

  it("a task whose method the code lacks is not granted in the same call either that gives it back", () => {
    const play = new Play("a");
    play.claim(OLD);
    play.settle("a", undeployed(OLD), { ...FRESH_DRIVER, ...OLD });
    expect(play.last.leases).toEqual([]);
    expect(play.effects("dispatch")).toEqual([]);
  });

  it("a task whose method the code lacks has a message sent after up to half of the time it has waited, 2 s to 15 min: about 110 in a day", () => {
    const play = givenBack();
    const began = play.now;
    const pauses: number[] = [];
    while (play.now - began < DAY / 2) {
      pauses.push(play.wakeWhenDue());
      expect(play.effects("dispatch")).toEqual([{ type: "dispatch", drivers: 1 }]);
    }
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(1_000);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(900_000);
    expect(pauses.length).toBeLessThan(48 * 2 + 30);
  });

  it("a task whose method the code lacks is found again by code that has it wherever that asks for other work of the run", () => {
    const play = new Play("a > b c");
    play.claim(OLD);
    play.settle("a", succeeded(), { ...FRESH_DRIVER, ...OLD });
    play.settle("b", undeployed(OLD));
    play.settle("c", undeployed(OLD));
    expect(play.claim(NEW)).toEqual(["b", "c"]);
  });

  it("a task whose method the code lacks waits on through a second deployment without it, since the first gave it back", () => {
    const play = givenBack();
    const since = play.now;
    play.now += 60_000;
    play.claim(NEW);
    play.settle("a", undeployed(NEW));
    expect(play.stateOf("a")).toMatchObject({ blockedBy: { for: "deploy", since } });
    expect([play.claim(OLD), play.claim(NEW), play.claim({ deployment: "third" })]).toEqual([[], [], ["a"]]);
  });

  it("a task whose method the code lacks fails with method_missing when it has waited for the run's retention, and can be retried", () => {
    const play = givenBack();
    const began = play.now;
    while (play.run.finishedAt === null) play.wakeWhenDue();
    expect(play.now - began).toBe(DAY);
    expect(play.stateOf("a")).toMatchObject({ status: "failed", reason: "method_missing" });
    play.event({ type: "retried" });
    expect(play.claim(NEW)).toEqual(["a"]);
  });

  it("a task whose method the code lacks is not granted to that deployment after a retry in place either, but waits at once", () => {
    const play = givenBack();
    play.cancel();
    play.event({ type: "retried" });
    expect(play.claim(OLD)).toEqual([]);
    expect(play.stateOf("a")).toMatchObject({ status: "queued", blockedBy: { for: "deploy" } });
  });

  it("a task whose method the code lacks does not start while it is paused", () => {
    const play = givenBack();
    expect(play.claim({ ...NEW, paused: ["a"] })).toEqual([]);
    expect(play.stateOf("a")).toMatchObject({ blockedBy: { for: "deploy" } });
    expect(play.claim(NEW)).toEqual(["a"]);
  });

  it("a task whose method the code lacks is cancelled like any that waits", () => {
    const play = givenBack();
    play.cancel();
    expect(play.statuses).toEqual({ a: "cancelled" });
    expect(nextWakeAt(play.run)).toBe(play.now + DAY);
  });

  it("a task of the long lane whose method the code lacks is offered to further executor objects, each of another name", () => {
    const play = new Play("a", { a: { timeoutMs: 60_000 } });
    expect(begin(play, "a", OLD)).toBe(1);
    play.settle("a", undeployed(OLD));
    play.wakeWhenDue();
    const [first] = play.effects("start_executor");
    expect(begin(play, "a", OLD)).toBe(0);
    play.wakeWhenDue();
    const [second] = play.effects("start_executor");
    play.wakeWhenDue();
    const [third] = play.effects("start_executor");
    expect([first, second, third].map((one) => one?.name)).toEqual([2, 3, 4].map((nth) => `${RUN_ID}/0/2/${nth}`));
    expect(begin(play, "a", NEW)).toBe(1);
  });

  it("a task whose method the code lacks keeps no slot of a limit while it waits, and asks for one when there is code for it", () => {
    const concurrency = { limit: 1, strategy: "queue", key: null } as const;
    const play = new Play("a", { a: { limits: { concurrency, rateLimit: null, priority: 0 } } });
    const permit = (attempt: number): void =>
      void play.event({ type: "slot_granted", kind: "concurrency", ordinal: 0, attempt });
    permit(1);
    play.claim(OLD);
    play.settle("a", undeployed(OLD));
    expect(play.effects("release_slot")).toMatchObject([{ holder: { attempt: 1 } }]);
    expect(play.effects("acquire_slot")).toEqual([]);
    expect(play.claim(NEW)).toEqual([]);
    expect(play.effects("acquire_slot")).toMatchObject([{ request: { holder: { attempt: 2 } } }]);
    permit(2);
    // The old code comes first: the slot goes back with an attempt that never began.
    expect(play.claim(OLD)).toEqual([]);
    expect(play.effects("release_slot")).toMatchObject([{ holder: { attempt: 2 } }]);
    play.claim(NEW);
    permit(3);
    expect(play.claim(NEW)).toEqual(["a"]);
  });
});

describe("items whose method the code lacks", () => {
  /** `a` passes three items to `b`, and the old code has begun all of them. */
  function begun(): Play {
    const play = new Play(graphOf("a > b", { b: { each: { maxParallel: 2, onError: "fail" } } }));
    play.claim(OLD);
    play.settle("a", passedArray(3), { ...FRESH_DRIVER, ...OLD });
    return play;
  }

  it("items whose method the code lacks are given back one by one, and no further ones are begun by that deployment", () => {
    const play = begun();
    play.settle("b[0]", undeployed(OLD), { ...FRESH_DRIVER, ...OLD });
    play.settle("b[1]", undeployed(OLD), { ...FRESH_DRIVER, ...OLD });
    expect(play.itemsOf("b")).toEqual(["queued", "queued", "pending"]);
    expect(play.claim(OLD)).toEqual([]);
    expect(play.claim(NEW)).toEqual(["b[0]", "b[1]"]);
    play.settle("b[0]", succeeded(), { ...FRESH_DRIVER, ...NEW });
    play.settle("b[1]", succeeded(), { ...FRESH_DRIVER, ...NEW });
    play.settle("b[2]", succeeded());
    // To put together what they passed needs no method.
    expect(play.claim(OLD)).toEqual(["b"]);
  });

  it("items whose method the code lacks do not end a running one, which has found code, nor their task", () => {
    const each = { maxParallel: 2, onError: "continue" } as const;
    const play = new Play(graphOf("a > b", { b: { timeoutMs: 60_000, each } }));
    play.claim(OLD);
    play.settle("a", passedArray(2), { ...FRESH_DRIVER, ...OLD });
    begin(play, "b[0]", OLD);
    play.settle("b[0]", undeployed(OLD));
    play.now += DAY - 1_000;
    expect(begin(play, "b[1]", NEW)).toBe(1);
    play.now += 2_000;
    play.wake();
    expect(play.itemsOf("b")).toEqual(["failed", "running"]);
    play.settle("b[1]", succeeded());
    expect(play.itemsOf("b")).toEqual(["failed", "succeeded"]);
  });

  /** Nobody has code for it: what is due is looked at, and the old code asks for work, until the run ends. Milliseconds that it took. */
  function waitInVain(play: Play): number {
    const began = play.now;
    for (let wakes = 0; play.run.finishedAt === null; wakes += 1) {
      if (wakes > 400) throw new Error(`b is ${play.statuses["b"]}, its items are ${play.itemsOf("b").join(", ")}`);
      play.wakeWhenDue();
      play.claim(OLD);
    }
    return play.now - began;
  }

  /** `a` passes five items to `b`, two of which the old code has begun. */
  function begunOfFive(): Play {
    const play = new Play(graphOf("a > b", { b: { each: { maxParallel: 2, onError: "continue" } } }));
    play.claim(OLD);
    play.settle("a", passedArray(5), { ...FRESH_DRIVER, ...OLD });
    return play;
  }

  it("items whose method the code lacks end their task when they have waited for the run's retention, with those that nobody has begun", () => {
    const play = begunOfFive();
    play.settle("b[0]", undeployed(OLD), { ...FRESH_DRIVER, ...OLD });
    play.now += 60_000;
    play.settle("b[1]", undeployed(OLD), { ...FRESH_DRIVER, ...OLD });
    expect(waitInVain(play)).toBeLessThanOrEqual(DAY);
    expect(play.stateOf("b")).toMatchObject({ status: "failed", reason: "method_missing" });
    play.event({ type: "retried" });
    expect(play.claim(NEW)).toEqual(["b[0]", "b[1]"]);
  });

  it("items whose method the code lacks end with their task, once, when an alarm comes so late that all of them and the task are due", () => {
    const play = new Play(graphOf("a > b", { b: { each: { maxParallel: 3, onError: "continue" } } }));
    play.claim(OLD);
    play.settle("a", passedArray(5), { ...FRESH_DRIVER, ...OLD });
    play.settle("b[0]", undeployed(OLD));
    play.settle("b[1]", undeployed(OLD));
    // Now there is a place for the next item, and the task is due when nobody comes for it.
    play.settle("b[2]", succeeded());
    expect(play.stateOf("b")).toMatchObject({ status: "each", redispatchAt: expect.any(Number) });
    play.now += 2 * DAY;
    play.wake();
    expect(play.stateOf("b")).toMatchObject({ status: "failed", reason: "method_missing" });
    expect(play.itemsOf("b")).toEqual(["failed", "failed", "succeeded", "pending", "pending"]);
    expect(play.run).toMatchObject({ status: "failed", open: 0 });
    expect(play.run.tasks[1]?.each).toMatchObject({ failed: 2, succeeded: 1, pending: 2 });
  });

  it("items that nobody has begun wait for a deploy too once none is under way whose method the code lacks", () => {
    const play = begunOfFive();
    play.settle("b[0]", undeployed(OLD), { ...FRESH_DRIVER, ...OLD });
    play.settle("b[1]", undeployed(OLD), { ...FRESH_DRIVER, ...OLD });
    // Code that has the method comes, and is gone again before all have begun.
    expect(play.claim(NEW)).toEqual(["b[0]", "b[1]"]);
    play.settle("b[0]", succeeded());
    play.settle("b[1]", succeeded());
    expect(play.itemsOf("b")).toEqual(["succeeded", "succeeded", "pending", "pending", "pending"]);
    expect(waitInVain(play)).toBeLessThan(DAY + 1_800_000);
    expect(play.stateOf("b")).toMatchObject({ status: "failed", reason: "method_missing" });
  });

  it("items whose method the code lacks that wait are begun with all others by code that has the method", () => {
    const play = begunOfFive();
    play.settle("b[0]", undeployed(OLD), { ...FRESH_DRIVER, ...OLD });
    play.settle("b[1]", undeployed(OLD), { ...FRESH_DRIVER, ...OLD });
    play.claim(NEW);
    play.settle("b[0]", succeeded());
    play.settle("b[1]", succeeded());
    for (let wakes = 0; wakes < 20; wakes += 1) {
      play.wakeWhenDue();
      play.claim(OLD);
    }
    expect(play.claim(NEW).length).toBe(2);
  });

  it("items whose method the code lacks are asked after by one message, however many wait", () => {
    const play = begun();
    play.settle("b[0]", undeployed(OLD));
    play.settle("b[1]", undeployed(OLD));
    play.now += 10_000;
    play.wake();
    expect(play.effects("dispatch")).toEqual([{ type: "dispatch", drivers: 1 }]);
  });
});
