import { describe, expect, it } from "vitest";
import { nextWakeAt } from "../../src/domain/run/machine.ts";
import { passedArray, PAYLOAD, Play } from "../support/run-play.ts";

const HOUR_MS = 3_600_000;

/** Consumers that have come to what was sent then; messages wait so long. */
function cameTo(play: Play, deliveredUntil: number): void {
  play.queue = { deliveredUntil, lagMs: Math.max(0, play.now - deliveredUntil) };
}

describe("the message of a run that nobody has claimed", () => {
  it("the message of a run that nobody has claimed was lost once consumers have received what was sent five seconds after it: another is sent", () => {
    const play = new Play("a");
    const sentAt = play.now;
    play.now = nextWakeAt(play.run);
    expect(play.now).toBe(sentAt + 10_000);
    cameTo(play, sentAt + 5_000);
    play.wake();
    expect(play.effects("dispatch")).toEqual([{ type: "dispatch", drivers: 1 }]);
    // Twice as long as before, and twice the five seconds that messages wait now.
    expect(nextWakeAt(play.run)).toBe(play.now + 20_000 + 10_000);
  });

  it("the message of a run that nobody has claimed is late while consumers have not come so far: none is sent, and the run looks again", () => {
    const play = new Play("a");
    const sentAt = play.now;
    play.now += 10_000;
    cameTo(play, sentAt + 4_999);
    expect(play.wake().effects).toEqual([]);
    expect(play.stateOf("a")).toMatchObject({ status: "queued", dispatches: 1, sentAt });
    play.now = nextWakeAt(play.run);
    cameTo(play, sentAt + 5_000);
    play.wake();
    expect(play.effects("dispatch")).toHaveLength(1);
  });

  it("the message of a run that nobody has claimed is sent again where nothing is known of the queue, however late it may be", () => {
    const play = new Play("a");
    play.now += 10_000;
    play.wake();
    expect(play.effects("dispatch")).toHaveLength(1);
  });

  it("the message of a run that nobody has claimed is not sent again during an hour in which no consumer comes, and the run wakes six times", () => {
    const play = new Play("a");
    const sentAt = play.now;
    let wakes = 0;
    for (; nextWakeAt(play.run) < sentAt + HOUR_MS; wakes += 1) {
      play.now = nextWakeAt(play.run);
      cameTo(play, sentAt - 1);
      expect(play.wake().effects).toEqual([]);
    }
    expect(wakes).toBe(6);
    play.now = sentAt + HOUR_MS;
    expect(play.claim()).toEqual(["a"]);
  });

  it("the message of a run that nobody has claimed is looked for after twice the time that messages wait when it is sent", () => {
    const before = new Play("a");
    before.queue = { deliveredUntil: before.now - 60_000, lagMs: 60_000 };
    before.claim();
    before.settle("a", { type: "lost", to: "surroundings", error: { name: "Error", message: "", stack: null } });
    expect(before.stateOf("a")).toEqual({
      status: "queued",
      dispatches: 1,
      redispatchAt: before.now + 10_000 + 120_000,
      sentAt: before.now,
    });
  });

  it("the message of a run that nobody has claimed counts as lost after six hours, since the oldest message of a queue may be one that nobody can process", () => {
    const play = new Play("a");
    const sentAt = play.now;
    play.now = sentAt + 6 * HOUR_MS + 1;
    cameTo(play, sentAt - 1);
    play.wake();
    expect(play.effects("dispatch")).toHaveLength(1);
  });
});

describe("what waits for several drivers", () => {
  const WIDE = `a > ${Array.from({ length: 60 }, (_, task) => `b${task}`).join(" ")}`;

  it("what waits for several drivers is sent again for as many drivers as are not at work yet", () => {
    const play = new Play(WIDE);
    play.claim();
    play.settle("a", { type: "succeeded", passed: { output: PAYLOAD, to: null } });
    expect(play.effects("dispatch")).toEqual([{ type: "dispatch", drivers: 10 }]);
    for (let driver = 0; driver < 3; driver += 1) play.claim();
    play.now += 10_000;
    play.queue = { deliveredUntil: play.now, lagMs: 0 };
    play.wake();
    // 42 tasks wait for 7 drivers, and 3 are at work.
    expect(play.effects("dispatch")).toEqual([{ type: "dispatch", drivers: 4 }]);
  });

  it("what waits for several drivers is asked for again in any case if it has an executor object: that does not wait in the queue", () => {
    const play = new Play("a", { a: { timeoutMs: 600_000 } });
    const startedAt = play.now;
    play.now = nextWakeAt(play.run);
    expect(play.now).toBe(startedAt + 10_000);
    cameTo(play, startedAt - 60_000);
    play.wake();
    expect(play.effects("start_executor")).toHaveLength(1);
  });

  it("what waits for several drivers is not sent again for the items of a task while consumers are behind", () => {
    const play = new Play("a > b", { b: { each: { maxParallel: 1_000, onError: "fail" } } });
    play.claim();
    play.settle("a", passedArray(30));
    expect(play.effects("dispatch")).toEqual([{ type: "dispatch", drivers: 5 }]);
    const sentAt = play.now;
    play.now += 10_000;
    cameTo(play, sentAt);
    expect(play.wake().effects).toEqual([]);
    play.now = nextWakeAt(play.run);
    cameTo(play, sentAt + 5_000);
    play.wake();
    expect(play.effects("dispatch")).toEqual([{ type: "dispatch", drivers: 5 }]);
  });
});
