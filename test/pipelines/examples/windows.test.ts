import { describe, expect, it } from "vitest";
import { hourOf, hoursBefore, mostPlayed } from "../../../templates/popular_items/src/pipelines/windows.ts";

describe("popular items", () => {
  it("popular items names the hours of a window across the end of a day, newest first", () => {
    const now = new Date("2026-03-01T01:30:00Z");
    expect(hoursBefore(now, 3)).toEqual(["2026-03-01T01", "2026-03-01T00", "2026-02-28T23"]);
    expect(hourOf(now)).toBe("2026-03-01T01");
  });

  it("popular items adds up the hours of a window, best first, and equal items by name", () => {
    const hours = [
      new Map([
        ["b", 2],
        ["a", 1],
      ]),
      new Map([
        ["a", 2],
        ["c", 3],
      ]),
      new Map([["d", 9]]),
    ];
    expect(mostPlayed(hours)).toEqual([
      ["d", 9],
      ["a", 3],
      ["c", 3],
      ["b", 2],
    ]);
    expect(mostPlayed(hours.slice(0, 1))).toEqual([
      ["b", 2],
      ["a", 1],
    ]);
  });
});
