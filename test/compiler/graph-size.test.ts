import { expect, it } from "vitest";
import { oversized } from "../../src/compiler/check-size.ts";

/** What is said of tasks in layers, each of which is downstream of all of the layer before. */
function problemsOf(...layers: readonly (readonly string[])[]): string[] {
  const edges = layers.flatMap((layer, depth) =>
    layer.flatMap((parent) => (layers[depth + 1] ?? []).map((child) => ({ parent, child }))),
  );
  return oversized(layers.flat(), edges).map(({ root, problem }) => `${root}: ${problem}`);
}

function many(count: number, name: string): string[] {
  return Array.from({ length: count }, (_, index) => `${name}${index}`);
}

it("a graph of 20,000 tasks is let pass, and one more is refused", () => {
  expect(problemsOf(["root"], many(19_999, "t"))).toEqual([]);
  expect(problemsOf(["root"], many(20_000, "t"))).toEqual([
    "root: a run of it would have 20001 tasks, 20000 are the most",
  ]);
});

it("two graphs of 15,000 tasks in one file are let pass", () => {
  const [one, two] = [many(14_999, "t"), many(14_999, "u")];
  const edges = [...one.map((child) => ({ parent: "a", child })), ...two.map((child) => ({ parent: "b", child }))];
  expect(oversized(["a", "b", ...one, ...two], edges)).toEqual([]);
});

it("a graph of so many arrows that its document would outgrow a message is refused", () => {
  const [upper, lower] = [many(500, "upper"), many(500, "lower")].map((names) => names.map((name) => name.padEnd(60)));
  expect(problemsOf(["root"], upper ?? [], lower ?? [])).toEqual([
    "root: a run of it would have some 33 MB of names and arrows, 28 MB are the most",
  ]);
});
