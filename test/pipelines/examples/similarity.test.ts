/**
 * The example's collaborative filtering beside an independent implementation: the definition of the cosine, computed over the dense
 * matrix of users and items (Sarwar et al. 2001, section 3.1.1).
 */
import { describe, expect, it } from "vitest";
import { fc } from "../../support/property.ts";
import {
  popularItems,
  recommended,
  similarItems,
} from "../../../templates/collaborative_filtering/src/pipelines/similarity.ts";

const ITEMS = ["a", "b", "c", "d", "e", "f"];
const histories = fc
  .array(fc.uniqueArray(fc.constantFrom(...ITEMS), { minLength: 1 }), { minLength: 1, maxLength: 12 })
  .map((all) => new Map(all.map((items, user) => [`user ${user}`, new Set(items)])));

/** A column of the matrix: 1 for each user who has the item. */
function column(users: ReadonlyMap<string, ReadonlySet<string>>, item: string): number[] {
  return [...users.values()].map((history) => (history.has(item) ? 1 : 0));
}

function dot(one: readonly number[], other: readonly number[]): number {
  return one.reduce((sum, value, index) => sum + value * (other[index] ?? 0), 0);
}

function cosine(users: ReadonlyMap<string, ReadonlySet<string>>, one: string, other: string): number {
  const [a, b] = [column(users, one), column(users, other)];
  const lengths = Math.sqrt(dot(a, a)) * Math.sqrt(dot(b, b));
  return lengths === 0 ? 0 : dot(a, b) / lengths;
}

describe("collaborative filtering", () => {
  it("collaborative filtering gives each pair of items the cosine of their columns", () => {
    fc.assert(
      fc.property(histories, (users) => {
        const similar = similarItems(users);
        for (const one of ITEMS) {
          const neighbours = new Map(similar.get(one));
          for (const other of ITEMS)
            if (other !== one) expect(neighbours.get(other) ?? 0).toBeCloseTo(cosine(users, one, other), 12);
        }
      }),
    );
  });

  it("collaborative filtering recommends what the user has not had, by the sum of the cosines, best first", () => {
    fc.assert(
      fc.property(histories, (users) => {
        const similar = similarItems(users);
        for (const history of users.values()) {
          const expected = ITEMS.filter((item) => !history.has(item))
            .map((item) => [item, [...history].reduce((sum, had) => sum + cosine(users, had, item), 0)] as const)
            .filter(([, score]) => score > 0);
          const found = recommended(history, similar, 10);
          expect(new Set(found.map(([item]) => item))).toEqual(new Set(expected.map(([item]) => item)));
          for (const [item, score] of expected) expect(new Map(found).get(item)).toBeCloseTo(score, 12);
          const scores = found.map(([, score]) => score);
          expect(scores).toEqual(scores.toSorted((a, b) => b - a));
        }
      }),
    );
  });

  it("collaborative filtering gives the same lists whatever the order of the users", () => {
    fc.assert(
      fc.property(histories, (users) => {
        const other = new Map([...users].toReversed());
        expect(popularItems(other, 10)).toEqual(popularItems(users, 10));
        const close = (lists: ReturnType<typeof similarItems>) => ITEMS.map((item) => lists.get(item));
        expect(close(similarItems(other))).toEqual(close(similarItems(users)));
      }),
    );
  });

  it("collaborative filtering counts the newest 200 items of a user who has had thousands", () => {
    const many = new Set(Array.from({ length: 2_000 }, (_, index) => `item ${index}`));
    const similar = similarItems(new Map([["all", many]]));
    expect(similar.size).toBe(200);
    expect(similar.has("item 1999")).toBe(true);
  });
});
