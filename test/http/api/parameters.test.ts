import { describe, expect, it } from "vitest";
import { itemIndex, limitOf, listOf, tagsOf } from "../../../src/http/api/parameters.ts";

describe("a parameter of a call", () => {
  it("the size of a page is a whole number from 1 to the most that a call gives, and the call's own if it is not asked for", () => {
    const limit = limitOf(5, 3);
    expect([1, 5, undefined].map((size) => limit.parse(size))).toEqual([1, 5, 3]);
    for (const wrong of [0, 6, 1.5, "2"])
      expect(limit.safeParse(wrong).error?.issues.map(({ message }) => message)).toEqual([
        "a whole number from 1 to 5",
      ]);
  });

  it("the place of an item is a whole number from 0", () => {
    expect(itemIndex.parse(0)).toBe(0);
    for (const wrong of [-1, 0.5]) expect(itemIndex.safeParse(wrong).success).toBe(false);
  });

  it("a list of words has one or several of the known ones, with commas between them, in the order given", () => {
    const words = listOf(["queued", "running", "failed"]);
    expect(words.parse("failed,queued")).toEqual(["failed", "queued"]);
    for (const wrong of ["", "failed,", ",failed", "fail", "failed, queued"])
      expect(words.safeParse(wrong).error?.issues.map(({ message }) => message)).toEqual([
        "one or several of queued, running, failed, separated by commas",
      ]);
  });

  it("tags are 1 to 10", () => {
    const tags = tagsOf("Tags");
    const many = Array.from({ length: 10 }, (_, n) => `tag ${n}`);
    expect([many, ["one"]].map((some) => tags.safeParse(some).success)).toEqual([true, true]);
    expect([[], [...many, "one more"]].map((some) => tags.safeParse(some).success)).toEqual([false, false]);
  });
});
