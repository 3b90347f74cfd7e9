import { describe, expect, it } from "vitest";
import type { TaskOfRun } from "../../src/contract/run.ts";
import { diffLines, parentPage, type TaskPair } from "../../src/dashboard/compare.ts";

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

describe("the parents of a task in two runs", () => {
  const named = (count: number): string[] => Array.from({ length: count }, (_, at) => `p${at}`);
  const task = (upstream: readonly string[]): TaskOfRun => ({
    task: "join",
    status: "succeeded",
    reason: null,
    upstream: [...upstream],
    downstream: [],
    attempts: [],
    progress: null,
    output: null,
    waiting_for: null,
  });
  const pair = (left: readonly string[] | null, right: readonly string[]): TaskPair => ({
    task: "join",
    left: left === null ? null : task(left),
    right: task(right),
    leftMs: null,
    rightMs: null,
    differs: false,
  });

  it("the parents of a task in two runs are compared twenty at a time, each of them once", () => {
    const join = pair(named(41), named(40));
    const first = parentPage(join, 0);
    expect(first).toMatchObject({ from: 0, before: null, after: 20, total: 41 });
    const second = parentPage(join, first.after ?? 0);
    expect(second).toMatchObject({ before: 0, after: 40 });
    const last = parentPage(join, second.after ?? 0);
    expect(last).toMatchObject({ names: ["p40"], before: 20, after: null });
    expect([...first.names, ...second.names, ...last.names]).toEqual(named(41));
  });

  it("the parents of a task in two runs are those of either run", () => {
    expect(parentPage(pair(["b", "old"], ["a", "b"]), 0)).toMatchObject({ names: ["a", "b", "old"], after: null });
    expect(parentPage(pair(null, named(20)), 0)).toMatchObject({ names: named(20), before: null, after: null });
  });
});
