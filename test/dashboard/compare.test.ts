import { describe, expect, it } from "vitest";
import { diffLines } from "../../src/dashboard/compare.ts";

const texts = (left: string, right: string): string[] =>
  diffLines(left, right).map(({ kind, text }) => `${{ same: " ", removed: "-", added: "+" }[kind]}${text}`);

describe("two texts line by line", () => {
  it("two texts line by line keep what is common, also around a change in the middle", () => {
    expect(texts("a\nb\nc\nd", "a\nx\nc\ny\nd")).toEqual([" a", "-b", "+x", " c", "+y", " d"]);
    expect(texts("", "a\nb")).toEqual(["+a", "+b"]);
    expect(texts("a", "a")).toEqual([" a"]);
    expect(texts("a\na\nb", "a\nb")).toEqual([" a", "-a", " b"]);
    expect(texts("a\nb", "b\na")).toEqual(["-a", " b", "+a"]);
  });

  it("two texts line by line are cheap where everything differs", () => {
    const many = (word: string) => Array.from({ length: 20_000 }, (_, at) => `${word} ${at}`).join("\n");
    expect(diffLines(many("a"), many("b"))).toHaveLength(40_000);
  });
});
