import { describe, expect, it } from "vitest";
import { BestMatches, GreatestNumbers } from "../../../src/domain/vectors/best-matches.ts";
import { fc } from "../../support/property.ts";

describe("the greatest of many numbers", () => {
  it("the greatest of many numbers are those at the begin of all in order", () => {
    const numbers = fc.array(fc.integer({ min: -5, max: 5 }), { maxLength: 60 });
    fc.assert(
      fc.property(numbers, fc.integer({ min: 1, max: 12 }), (all, most) => {
        const kept = new GreatestNumbers(most);
        for (const one of all) kept.add(one);
        const least = all.toSorted((one, other) => other - one)[most - 1];
        expect(kept.threshold).toBe(least ?? Number.NEGATIVE_INFINITY);
      }),
    );
  });
});

describe("the best matches", () => {
  it("the best matches come by rank, and by id where ranks are equal, whatever the order of adding", () => {
    const match = fc.record({ id: fc.constantFrom("a", "b", "c", "d", "e"), rank: fc.integer({ min: 0, max: 3 }) });
    const matches = fc.uniqueArray(match, { selector: ({ id }) => id, maxLength: 5 });
    fc.assert(
      fc.property(matches, fc.integer({ min: 1, max: 4 }), (all, most) => {
        const best = new BestMatches(most);
        for (const [slot, one] of all.entries()) best.add({ ...one, score: one.rank, slot });
        const expected = all
          .toSorted((one, other) => other.rank - one.rank || (one.id < other.id ? -1 : 1))
          .slice(0, most);
        expect(best.all.map(({ id, rank }) => ({ id, rank }))).toEqual(expected);
        expect(best.threshold).toBe(all.length < most ? Number.NEGATIVE_INFINITY : expected.at(-1)?.rank);
      }),
    );
  });
});
