import { describe, expect, it } from "vitest";
import {
  isNothing,
  metricsOfAttempts,
  metricsOfEnd,
  NO_METRICS,
  subtractMetrics,
  sumOfMetrics,
} from "../../../src/domain/run/metrics.ts";
import { failed, passedArray, graphOf, Play, succeeded } from "../../support/run-play.ts";

const ENDED = { status: "succeeded", source: "api", createdAt: 1_000, startedAt: 1_010, finishedAt: 1_110 } as const;

describe("the metrics of a run that has ended", () => {
  it("the metrics of a run that has ended count its end, its duration and its delay", () => {
    expect(metricsOfEnd(ENDED)).toEqual({
      "ended succeeded api": 1,
      "duration 4": 1,
      "duration ms": 100,
      "delay 1": 1,
      "delay ms": 10,
    });
  });

  it("the metrics of a run that has ended count the time at work where that is known, as after a retry in place", () => {
    expect(metricsOfEnd({ ...ENDED, durationMs: 7 })).toMatchObject({ "duration 1": 1, "duration ms": 7 });
  });

  it("the metrics of a run that has ended before it began count its end alone", () => {
    expect(metricsOfEnd({ ...ENDED, status: "cancelled", startedAt: null })).toEqual({ "ended cancelled api": 1 });
  });

  it("the metrics of a run that has ended hold no zeros, and count a clock that was set back as no time", () => {
    const counts = { "ended succeeded api": 1, "duration 0": 1, "delay 0": 1 };
    expect(metricsOfEnd({ ...ENDED, startedAt: 1_000, finishedAt: 1_000 })).toEqual(counts);
    expect(metricsOfEnd({ ...ENDED, startedAt: 990, finishedAt: 980 })).toEqual(counts);
  });

  it.each([
    [1, "0"],
    [5, "0"],
    [6, "1"],
    [3_600_000, "15"],
    [3_600_001, "16"],
  ])("the metrics of a run that has ended put %d ms into the bin %s: its bound belongs to a bin", (durationMs, bin) => {
    expect(metricsOfEnd({ ...ENDED, durationMs })).toMatchObject({
      [`duration ${bin}`]: 1,
      "duration ms": durationMs,
    });
  });
});

describe("the metrics of attempts", () => {
  it("the metrics of attempts count those that have ended, of tasks and of items, by task", () => {
    const play = new Play(
      graphOf("a > b", { a: { retries: { limit: 1, delayMs: 0 } }, b: { each: { maxParallel: 2, onError: "fail" } } }),
    );
    play.claim();
    play.now += 20;
    play.settle("a", failed());
    play.now += 60_000;
    play.wake();
    play.claim();
    play.now += 30;
    play.settle("a", passedArray(2));
    play.claim();
    expect(metricsOfAttempts(play.run)).toEqual({ a: { failed: 1, succeeded: 1, "2": 1, "3": 1, ms: 50 } });
    play.settle("b[0]", succeeded());
    play.settle("b[1]", succeeded());
    expect(metricsOfAttempts(play.run)["b"]).toEqual({ succeeded: 2, "0": 2 });
  });
});

describe("metrics of many runs", () => {
  const one = { runs: { "ended failed api": 1, late: 2 }, tasks: { a: { failed: 1, ms: 5 }, b: { failed: 1 } } };
  const other = { runs: { late: 1 }, tasks: { a: { failed: 1 } } };

  it("metrics of many runs are added by name", () => {
    expect(sumOfMetrics([one, other])).toEqual({
      runs: { "ended failed api": 1, late: 3 },
      tasks: { a: { failed: 2, ms: 5 }, b: { failed: 1 } },
    });
    expect(sumOfMetrics([])).toEqual(NO_METRICS);
  });

  it("metrics of many runs are subtracted without a trace of what comes to zero, and stay as they are themselves", () => {
    const sum = sumOfMetrics([one, other]);
    expect(subtractMetrics(sum, one)).toEqual(other);
    expect(subtractMetrics(sum, sum)).toEqual(NO_METRICS);
    expect(sum).toEqual(sumOfMetrics([one, other]));
  });

  it("metrics of many runs are nothing if neither runs nor attempts are counted", () => {
    expect([NO_METRICS, { ...one, tasks: {} }, { ...one, runs: {} }].map(isNothing)).toEqual([true, false, false]);
  });
});
