import { describe, expect, it } from "vitest";
import { addCounts, CLICK, countsOfServing, percentileMs } from "../../../src/domain/recommendations/statistics.ts";

const RUN = { run_id: `run_${"0".repeat(26)}`, task: "train", at: "2026-11-29T03:00:00.000Z" };

/** The counts of requests that took these milliseconds. */
function taking(...all: readonly number[]) {
  return all
    .map((ms) => countsOfServing({ outcome: "served", ms, isHit: false, run: null }))
    .reduce((sum, one) => addCounts(sum, one));
}

describe("the counts of a component", () => {
  it("the counts of a component are added by name, and keep the latest run that is known", () => {
    const served = countsOfServing({ outcome: "served", ms: 4, isHit: true, run: RUN });
    const failed = countsOfServing({ outcome: "failed", ms: 1_200, isHit: false, run: null });
    const sum = [served, failed, CLICK, CLICK].reduce((before, one) => addCounts(before, one));
    expect(sum).toEqual({ counts: { served: 1, failed: 1, hit: 1, click: 2, ms: 1_204, 3: 1, 18: 1 }, run: RUN });
  });

  it("the counts of a component take a clock that was set back for no time", () => {
    expect(taking(-5).counts).toEqual({ served: 1, 0: 1 });
  });

  it("the counts of a component give percentiles within the bin that holds them", () => {
    expect(percentileMs({}, 0.5)).toBeNull();
    expect(percentileMs(CLICK.counts, 0.5)).toBeNull();
    const counts = taking(...Array.from({ length: 98 }, () => 2), 90, 400).counts;
    expect(percentileMs(counts, 0.5)).toBeCloseTo(1.51, 2);
    expect(percentileMs(counts, 0.99)).toBe(100);
    expect(percentileMs(counts, 1)).toBe(500);
    expect(percentileMs(taking(99_999).counts, 0.5)).toBe(30_000);
  });
});
