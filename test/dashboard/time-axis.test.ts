import { describe, expect, it } from "vitest";
import { densityOf, timeAxis } from "../../src/dashboard/time-axis.ts";

const axis = (from: number, to: number, breaks: Parameters<typeof timeAxis>[2] = []): ReturnType<typeof timeAxis> =>
  timeAxis(0, { from, to }, breaks);
const times = (from: number, to: number, count: number): number[] =>
  axis(from, to)
    .marks(count)
    .map(({ ms }) => ms);

describe("the axis of a timeline", () => {
  it("the axis has about as many marks as asked for, at round distances, none at its end", () => {
    expect(times(0, 1_000, 4)).toEqual([0, 500]);
    expect(times(0, 9_999, 5)).toEqual([0, 2_000, 4_000, 6_000, 8_000]);
    expect(times(0, 3 * 86_400_000, 2)).toEqual([0, 172_800_000]);
  });

  it("a part of the time has marks that count from the beginning of the run", () => {
    expect(times(1_234, 2_000, 4)).toEqual([1_400, 1_600, 1_800]);
    expect(axis(1_000, 2_000).placeOf(1_250)).toBe(0.25);
    expect(axis(1_000, 2_000).placeOf(500)).toBe(-0.5);
  });

  it("a break of six minutes takes little of the axis, and times after it are right", () => {
    const broken = axis(0, 362_000, [{ from: 1_000, to: 361_000 }]);
    const [only] = broken.breaks;
    expect(only?.end).toBeCloseTo((only?.start ?? 0) + 0.04 / 1.04);
    expect(broken.placeOf(0)).toBe(0);
    expect(broken.placeOf(362_000)).toBeCloseTo(1);
    expect(broken.placeOf(500)).toBeCloseTo(0.25 / 1.04);
    for (const time of [0, 700, 1_000, 200_000, 361_000, 361_500])
      expect(broken.timeAt(broken.placeOf(time))).toBeCloseTo(time, 3);
    const marks = broken.marks(4).map(({ ms }) => ms);
    expect(marks).toEqual([0, 500, 361_000, 361_500]);
  });
});

describe("the density of items", () => {
  it("the density of items is how many were at work in each part, and where attempts failed", () => {
    const items = [
      { from: 0, to: 100, isFailed: false },
      { from: 50, to: 100, isFailed: true },
      { from: 75, to: 200, isFailed: false },
    ];
    expect(densityOf(items, { from: 0, to: 200 }, 4)).toEqual({ working: [1, 2.5, 1, 1], failed: [0, 0, 1, 0] });
  });
});
