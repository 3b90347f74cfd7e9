import { describe, expect, it } from "vitest";
import { DRIVER_WIDTH } from "../../../src/domain/run/leasing.ts";
import { nextWakeAt } from "../../../src/domain/run/machine.ts";
import { BOOM, failed, FRESH_DRIVER, PAYLOAD, Play, succeeded, suspended, TIMED_OUT } from "../../support/run-play.ts";

/** Claims and settles the attempts of `a` with this outcome until it is final. Milliseconds waited before each further attempt. */
function exhaust(play: Play, outcome: Parameters<Play["settle"]>[1]): number[] {
  const waits: number[] = [];
  for (;;) {
    play.claim();
    play.settle("a", outcome);
    if (play.run.open === 0) return waits;
    waits.push(play.statuses["a"] === "retrying" ? play.wakeWhenDue() : 0);
  }
}

describe("retries", () => {
  it.each([
    [0, ["failed"]],
    [1, ["failed", "failed"]],
    [3, ["failed", "failed", "failed", "failed"]],
  ])("retries make at most limit + 1 attempts: limit %d", (limit, attempts) => {
    const play = new Play("a", { a: { retries: limit } });
    exhaust(play, failed());
    expect(play.attemptsOf("a")).toEqual(attempts);
    expect(play.stateOf("a")).toMatchObject({ status: "failed", reason: "error" });
  });

  it("retries wait as long as the policy says, doubling", () => {
    const play = new Play("a", { a: { retries: { limit: 4, delayMs: 1_000, maxDelayMs: 3_000 } } });
    expect(exhaust(play, failed())).toEqual([1_000, 2_000, 3_000, 3_000]);
  });

  it("retries spread the waits of the attempts of one task by jitter", () => {
    const settings = {
      a: { retries: { limit: 3, backoff: "constant", delayMs: 1_000_000, maxDelayMs: 1_000_000, jitter: true } },
    } as const;
    const waits = exhaust(new Play("a", settings), failed());
    expect(new Set(waits).size).toBe(3);
    for (const wait of waits) {
      expect(wait).toBeGreaterThanOrEqual(500_000);
      expect(wait).toBeLessThanOrEqual(1_000_000);
    }
  });

  it("retries count time-outs with the throws", () => {
    const play = new Play("a", { a: { retries: 2 } });
    for (const outcome of [failed(), TIMED_OUT, failed()]) {
      play.claim();
      play.settle("a", outcome);
      if (play.run.open > 0) play.wakeWhenDue();
    }
    expect(play.attemptsOf("a")).toEqual(["failed", "timed_out", "failed"]);
    expect(play.statuses["a"]).toBe("failed");
  });

  it("retries stop at once at an error that must not be retried", () => {
    const play = new Play("a", { a: { retries: 5 } });
    play.claim();
    play.settle("a", failed({ retryable: false }));
    expect(play.stateOf("a")).toMatchObject({ status: "failed", reason: "error" });
    expect(play.run.tasks[0]?.attempts[0]?.error).toEqual(BOOM);
  });

  it("retries end with the reason that the attempt gave", () => {
    const play = new Play("a", { a: { retries: 5 } });
    play.claim();
    play.settle("a", failed({ retryable: false, reason: "method_missing" }));
    expect(play.stateOf("a")).toMatchObject({ status: "failed", reason: "method_missing" });
  });

  it.each([
    [30_000, 30_000],
    [0, 0],
    [-5, 0],
    [Number.NaN, 1_000],
    [Number.POSITIVE_INFINITY, 2_592_000_000],
    [1e300, 2_592_000_000],
  ])("retries wait as long as the task asks, within reason: %d → %d", (retryAfterMs, waited) => {
    const play = new Play("a", { a: { retries: 1 } });
    play.claim();
    play.settle("a", failed({ retryAfterMs }));
    expect(play.statuses["a"]).toBe(waited === 0 ? "queued" : "retrying");
    if (waited > 0) expect(play.wakeWhenDue()).toBe(waited);
    expect(play.claim()).toEqual(["a"]);
  });

  it("the limit of retries is not raised when the task asks for a delay", () => {
    const play = new Play("a", { a: { retries: 1 } });
    exhaust(play, failed({ retryAfterMs: 10 }));
    expect(play.attemptsOf("a")).toEqual(["failed", "failed"]);
  });

  it("the next attempt is granted in the same call when there is no delay", () => {
    const play = new Play("a", { a: { retries: { limit: 1, delayMs: 0 } } });
    play.claim();
    const { leases, effects } = play.settle("a", failed(), FRESH_DRIVER);
    expect(leases).toEqual([{ ordinal: 0, attempt: 2, token: 2 }]);
    expect(effects).toEqual([]);
    expect(play.attemptsOf("a")).toEqual(["failed", "running"]);
  });

  it("the next attempt starts when its time has come, not before", () => {
    const play = new Play("a", { a: { retries: 1 } });
    play.claim();
    play.settle("a", failed());
    play.now += 999;
    expect(play.wake().rejections).toEqual(["not_due"]);
    play.now += 1;
    expect(play.wake().effects).toEqual([{ type: "dispatch", drivers: 1 }]);
    expect(play.claim()).toEqual(["a"]);
  });
});

describe("failures", () => {
  it("failures count since the last wait for another run: an orchestrator has its retries anew after each", () => {
    const play = new Play("a", { a: { retries: { limit: 1, delayMs: 0 } } });
    for (let wait = 0; wait < 5; wait += 1) {
      play.claim();
      play.settle("a", failed());
      play.claim();
      play.settle("a", suspended(play.now + 1_000));
      play.wakeWhenDue();
    }
    play.claim();
    play.settle("a", failed());
    play.claim();
    play.settle("a", failed());
    expect(play.stateOf("a")).toMatchObject({ status: "failed", reason: "error" });
  });

  it("failures count since the last step was recorded, the failure of that very attempt included", () => {
    const play = new Play("a", { a: { retries: { limit: 1, delayMs: 0 } } });
    for (const name of ["one", "two", "three"]) {
      play.claim();
      play.event({ type: "stepped", lease: play.leaseOf("a"), name, result: PAYLOAD });
      play.settle("a", failed());
      expect(play.statuses["a"]).toBe("queued");
    }
    play.claim();
    // It was recorded before: no progress.
    play.event({ type: "stepped", lease: play.leaseOf("a"), name: "three", result: PAYLOAD });
    play.settle("a", failed());
    expect(play.stateOf("a")).toMatchObject({ status: "failed", reason: "error" });
  });

  it("failures end a task without retries at the first, whatever progress it has made", () => {
    const play = new Play("a", { a: { retries: 0 } });
    play.claim();
    play.event({ type: "stepped", lease: play.leaseOf("a"), name: "one", result: PAYLOAD });
    play.settle("a", failed());
    expect(play.statuses["a"]).toBe("failed");
  });

  it("failures end a task after a thousand, although it makes progress each time", () => {
    const play = new Play("a", { a: { retries: { limit: 1, delayMs: 0 } } });
    for (let attempt = 1; attempt <= 1_001; attempt += 1) {
      expect(play.claim()).toEqual(["a"]);
      play.event({ type: "stepped", lease: play.leaseOf("a"), name: `step ${attempt}`, result: PAYLOAD });
      play.settle("a", failed());
    }
    expect(play.statuses["a"]).toBe("failed");
  });
});

describe("messages that are lost", () => {
  it("messages that are lost are sent again with growing pauses, as long as it takes", () => {
    const play = new Play("a");
    const pauses: number[] = [];
    for (let message = 0; message < 8; message += 1) {
      pauses.push(play.wakeWhenDue());
      expect(play.last.effects).toEqual([{ type: "dispatch", drivers: 1 }]);
    }
    expect(pauses).toEqual([10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000]);
    expect(play.claim()).toEqual(["a"]);
  });

  it("messages that are lost of wide runs are sent again in one decision, a driver for each few tasks", () => {
    const names = Array.from({ length: 20 }, (_, index) => `c${index}`);
    const play = new Play(`a > ${names.join(" ")}`);
    play.claim();
    play.settle("a", succeeded());
    expect(play.last.effects).toEqual([{ type: "dispatch", drivers: Math.ceil(20 / DRIVER_WIDTH) }]);
    play.wakeWhenDue();
    expect(play.last.effects).toEqual([{ type: "dispatch", drivers: Math.ceil(20 / DRIVER_WIDTH) }]);
  });
});

describe("one wake", () => {
  it("one wake looks at so many due tasks that its entry stays small, and is due again for the rest", () => {
    const names = Array.from({ length: 1_500 }, (_, index) => `c${index}`);
    const play = new Play(`a > ${names.join(" ")}`);
    play.claim();
    play.settle("a", succeeded());
    play.now = nextWakeAt(play.run);
    expect(play.wake().change?.tasks).toHaveLength(1_000);
    expect(nextWakeAt(play.run)).toBeLessThanOrEqual(play.now);
    expect(play.wake().change?.tasks).toHaveLength(500);
    expect(nextWakeAt(play.run)).toBeGreaterThan(play.now);
  });
});
