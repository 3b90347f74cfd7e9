import { expect, it } from "vitest";
import type { Edge } from "../../src/conf/check-graph.ts";
import { checkSize } from "../../src/conf/check-size.ts";
import { reportInto, type Diagnostic } from "../../src/conf/diagnostic.ts";
import { loadConf } from "../../src/conf/load.ts";
import { validateConf } from "../../src/conf/validate.ts";

/** What is said of a file of these tasks, by name those downstream of each. */
function problemsOf(tasks: ReadonlyMap<string, readonly string[]>): string[] {
  const lines = Array.from(tasks, ([name, downstream]) => `  ${name}: {method: m, downstream: [${downstream.join()}]}`);
  const diagnostics: Diagnostic[] = [];
  const report = reportInto(diagnostics);
  const read = loadConf({ path: "peach.conf", text: `tasks:\n${lines.join("\n")}\n` }, report);
  if (read === null) throw new Error("not read");
  const { conf, loaded } = validateConf(read, report);
  const { start, end } = loaded.keySpan(["tasks"]);
  const span = { source: loaded.source, start, end };
  const edges = Array.from(tasks).flatMap(([parent, children]) =>
    children.map((child): Edge => ({ parent, child, span })),
  );
  checkSize(conf, edges, loaded, report);
  return diagnostics.map(({ message }) => message);
}

/** root ─▶ so many tasks. */
function fan(count: number): Map<string, readonly string[]> {
  const children = Array.from({ length: count }, (_, index) => `t${index}`);
  return layered(["root"], children);
}

/** All of each layer are upstream of all of the next. */
function layered(...layers: readonly (readonly string[])[]): Map<string, readonly string[]> {
  const tasks = new Map<string, readonly string[]>();
  for (const [depth, layer] of layers.entries()) for (const name of layer) tasks.set(name, layers[depth + 1] ?? []);
  return tasks;
}

it("a graph of 20,000 tasks is let pass, and one more is refused with what to do", { timeout: 60_000 }, () => {
  expect(problemsOf(fan(19_999))).toEqual([]);
  expect(problemsOf(fan(20_000))).toEqual(["tasks.root: a run of it would have 20001 tasks, 20000 are the most"]);
});

it("two graphs of 15,000 tasks in one file are let pass", { timeout: 60_000 }, () => {
  const [one, two] = [fan(14_999), fan(14_999)];
  const other = Array.from(two, ([name, children]) => [`u_${name}`, children.map((child) => `u_${child}`)] as const);
  expect(problemsOf(new Map([...one, ...other]))).toEqual([]);
});

it("a graph of so many arrows that its document would outgrow a message is refused", { timeout: 60_000 }, () => {
  const long = (side: string, index: number): string => `${side}${index}`.padEnd(60, "x");
  const lower = Array.from({ length: 500 }, (_, index) => long("lower", index));
  const upper = Array.from({ length: 500 }, (_, index) => long("upper", index));
  const tasks = layered(["root"], upper, lower);
  expect(problemsOf(tasks)).toEqual([
    "tasks.root: a run of it would have some 33 MB of names and arrows, 28 MB are the most",
  ]);
});
