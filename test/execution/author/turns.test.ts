import { describe, expect, it } from "vitest";
import { Turns } from "../../../src/execution/author/turns.ts";

describe("turns", () => {
  it("turns are counted for each thing by itself", () => {
    const turns = new Turns();
    expect(["a", "a", "b", "a"].map((thing) => turns.take(thing))).toEqual([0, 1, 0, 2]);
  });

  it("turns that were given back are taken again, the lowest first", () => {
    const turns = new Turns();
    for (const _ of [0, 1, 2, 3]) turns.take("a");
    turns.giveBack("a", 2);
    turns.giveBack("a", 0);
    expect([turns.take("a"), turns.take("a"), turns.take("a")]).toEqual([0, 2, 4]);
  });
});
