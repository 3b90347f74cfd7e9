import { describe, expect, it } from "vitest";
import { chooseComponent, type Weighted } from "../../../src/domain/recommendations/split.ts";

const USERS = Array.from({ length: 100_000 }, (_, index) => `user-${index}`);

function choices(components: readonly Weighted[], salt = "recommendations"): readonly string[] {
  return USERS.map((user) => chooseComponent(components, salt, user).name);
}

function sharesOf(chosen: readonly string[]): Record<string, number> {
  const counts = Object.groupBy(chosen, (name) => name);
  return Object.fromEntries(Object.entries(counts).map(([name, all = []]) => [name, all.length / chosen.length]));
}

/** Users whose component differs. */
function movers(before: readonly string[], after: readonly string[]): readonly [from: string, to: string][] {
  return before.flatMap((from, index) => {
    const to = after[index] ?? "";
    return to === from ? [] : [[from, to] satisfies [string, string]];
  });
}

describe("the split of 100,000 users", () => {
  it.each([
    [
      { history: 80, popular: 20 },
      { history: 0.8, popular: 0.2 },
    ],
    [
      { a: 1, b: 1, c: 1 },
      { a: 1 / 3, b: 1 / 3, c: 1 / 3 },
    ],
    [
      { a: 0.5, b: 1.5, c: 8 },
      { a: 0.05, b: 0.15, c: 0.8 },
    ],
    [
      { champion: 99, challenger: 1 },
      { champion: 0.99, challenger: 0.01 },
    ],
  ])("the split of 100,000 users gives each component of %o its share within 1 %%", (weights, shares) => {
    const components = Object.entries(weights).map(([name, weight]) => ({ name, weight }));
    const got = sharesOf(choices(components));
    for (const [name, share] of Object.entries(shares)) expect(Math.abs((got[name] ?? 0) - share)).toBeLessThan(0.01);
  });

  it("the split of 100,000 users gives its shares to users that are numbers, addresses, and beyond ASCII", () => {
    const components = [
      { name: "a", weight: 70 },
      { name: "b", weight: 30 },
    ];
    for (const userOf of [String, (index: number) => `${index}@example.org`, (index: number) => `ü-${index}`]) {
      const got = sharesOf(USERS.map((_, index) => chooseComponent(components, "e", userOf(index)).name));
      expect(Math.abs((got["b"] ?? 0) - 0.3)).toBeLessThan(0.01);
    }
  });

  it("the split of 100,000 users never chooses a component with the weight 0", () => {
    expect(
      sharesOf(
        choices([
          { name: "off", weight: 0 },
          { name: "on", weight: 1 },
        ]),
      ),
    ).toEqual({ on: 1 });
  });

  it("the split of 100,000 users is the same each time, and does not depend on the order of the components", () => {
    const components = [
      { name: "history", weight: 80 },
      { name: "popular", weight: 20 },
    ];
    expect(choices(components.toReversed())).toEqual(choices(components));
    // Written down once: a change of the hash would move users of every deployment.
    expect(
      USERS.slice(0, 12)
        .map((user) => chooseComponent(components, "recommendations", user).name[0])
        .join(""),
    ).toBe("hhhhhhhhhpph");
  });

  it("the split of 100,000 users is independent of that of another endpoint", () => {
    const components = [
      { name: "a", weight: 1 },
      { name: "b", weight: 1 },
    ];
    const [one, other] = [choices(components, "one"), choices(components, "other")];
    const same = one.filter((name, index) => name === other[index]).length;
    expect(Math.abs(same / USERS.length - 0.5)).toBeLessThan(0.01);
  });

  it("the split of 100,000 users chooses a component whose weight is the least number above 0", () => {
    const least = { name: "least", weight: Number.MIN_VALUE };
    expect(chooseComponent([{ name: "off", weight: 0 }, least], "recommendations", "ada")).toBe(least);
  });

  it("the split of 100,000 users throws where every weight is 0", () => {
    expect(() => chooseComponent([{ name: "a", weight: 0 }], "e", "u")).toThrow("no component has a weight above 0");
  });
});

describe("a component that is added", () => {
  it("a component that is added moves the least possible: only users that it takes, as many as its share", () => {
    const old = [
      { name: "history", weight: 80 },
      { name: "popular", weight: 20 },
    ];
    const moved = movers(choices(old), choices([...old, { name: "novel", weight: 25 }]));
    expect(moved.filter(([, to]) => to !== "novel")).toEqual([]);
    // The least possible is the share of the new component: 25 of 125.
    expect(Math.abs(moved.length / USERS.length - 0.2)).toBeLessThan(0.01);
  });

  it("a component that is added gives its users back to where they were when it is removed", () => {
    const old = [
      { name: "a", weight: 3 },
      { name: "b", weight: 2 },
    ];
    const withNew = [...old, { name: "c", weight: 5 }];
    const [before, between] = [choices(old), choices(withNew)];
    for (const [from, to] of movers(between, before)) expect([from, to]).toEqual(["c", to]);
  });

  it("a component that is added moves at most a fourth more than the least possible where the other weights change with it", () => {
    const before = choices([
      { name: "history", weight: 80 },
      { name: "popular", weight: 20 },
    ]);
    const after = choices([
      { name: "history", weight: 60 },
      { name: "popular", weight: 20 },
      { name: "novel", weight: 20 },
    ]);
    // The share of novel, 0.2, has to move: no split of these weights moves less.
    const share = movers(before, after).length / USERS.length;
    expect(share).toBeGreaterThan(0.19);
    expect(share).toBeLessThan(0.25);
  });
});
