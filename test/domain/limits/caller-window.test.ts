import { fc } from "../../support/property.ts";
import { describe, expect, it } from "vitest";
import { type CallerRule, type CallerWindow, takePlace } from "../../../src/domain/limits/caller-window.ts";

/** Which of these requests are let in. */
function admitted(times: readonly number[], rule: CallerRule): number[] {
  let window: CallerWindow = [];
  return times.filter((now) => {
    const taken = takePlace(window, rule, now);
    if (taken.isAdmitted) ({ window } = taken);
    return taken.isAdmitted;
  });
}

describe("the window of a caller", () => {
  it("the window of a caller slides: a place comes free when its own time is over", () => {
    const rule = { limit: 2, perMs: 1_000 };
    expect(admitted([0, 900, 950, 999, 1_000, 1_001, 1_899, 1_900], rule)).toEqual([0, 900, 1_000, 1_900]);
  });

  it("the window of a caller says when the next place comes free, also if the limit was lowered", () => {
    const window: CallerWindow = [
      [1_000, 1],
      [1_200, 3],
      [1_500, 1],
    ];
    const at = (limit: number): unknown => takePlace(window, { limit, perMs: 1_000 }, 500);
    expect(at(5)).toEqual({ isAdmitted: false, freeAt: 1_000 });
    expect(at(4)).toEqual({ isAdmitted: false, freeAt: 1_200 });
    expect(at(1)).toEqual({ isAdmitted: false, freeAt: 1_500 });
    expect(at(6)).toMatchObject({ isAdmitted: true });
  });

  it("the window of a caller keeps the times at which places come free in order, also when its length was changed", () => {
    const window: CallerWindow = [
      [2_000, 1],
      [5_000, 1],
    ];
    const after = (now: number): unknown => takePlace(window, { limit: 9, perMs: 1_000 }, now);
    expect(after(500)).toEqual({ isAdmitted: true, window: [[1_500, 1], ...window] });
    expect(after(1_000)).toEqual({
      isAdmitted: true,
      window: [
        [2_000, 2],
        [5_000, 1],
      ],
    });
    expect(after(1_500)).toEqual({
      isAdmitted: true,
      window: [
        [2_000, 1],
        [2_500, 1],
        [5_000, 1],
      ],
    });
    expect(takePlace(window, { limit: 9, perMs: 9_000 }, 1_500)).toEqual({
      isAdmitted: true,
      window: [...window, [10_500, 1]],
    });
  });

  it("the window of a caller admits nobody where the limit is none, until the window is over", () => {
    expect(takePlace([], { limit: 0, perMs: 1_000 }, 500)).toEqual({ isAdmitted: false, freeAt: 1_500 });
  });

  it("the window of a caller never holds more than the limit, wherever it is laid; and up to a hundred a request is refused only if it is full", () => {
    const rules = fc.record({ limit: fc.constantFrom(1, 3, 100, 101, 150), perMs: fc.constantFrom(1_000, 60_000) });
    const gaps = fc.array(fc.constantFrom(0, 0, 0, 1, 7, 300, 5_000), { minLength: 1, maxLength: 400 });
    fc.assert(
      fc.property(rules, gaps, (rule, between) => {
        let now = 1_000_000;
        const times = between.map((gap) => (now += gap));
        const admissions = admitted(times, rule);
        for (const end of admissions)
          expect(admissions.filter((at) => at > end - rule.perMs && at <= end).length).toBeLessThanOrEqual(rule.limit);
        if (rule.limit > 100) return;
        const expected: number[] = [];
        for (const at of times)
          if (expected.filter((one) => one > at - rule.perMs).length < rule.limit) expected.push(at);
        expect(admissions).toEqual(expected);
      }),
    );
  });

  it("the window of a caller stays short, however many come", () => {
    let window: CallerWindow = [];
    const rule = { limit: 1_000_000, perMs: 60_000 };
    for (let now = 0; now < 120_000; now += 7) {
      const taken = takePlace(window, rule, now);
      if (taken.isAdmitted) ({ window } = taken);
    }
    expect(window.length).toBeLessThanOrEqual(101);
  });
});
