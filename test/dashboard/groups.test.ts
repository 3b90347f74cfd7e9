import { describe, expect, it } from "vitest";
import { type GraphTask as MadeTask, madeGraph, mosaicGraph } from "../../scripts/bench/dashboard/graphs.ts";
import { type GraphTask, groupTasks } from "../../src/dashboard/graph/groups.ts";

/** The tasks with both kinds of neighbours. */
function graph(tasks: readonly MadeTask[]): readonly GraphTask[] {
  const upstream = new Map<string, string[]>(tasks.map(({ task }) => [task, []]));
  for (const { task, downstream } of tasks) for (const child of downstream) upstream.get(child)?.push(task);
  return tasks.map((task) => ({ ...task, upstream: upstream.get(task.task) ?? [] }));
}

/** A root, this many siblings, and a join. */
function fan(names: readonly string[]): readonly GraphTask[] {
  return graph([
    { task: "root", downstream: names },
    ...names.map((task) => ({ task, downstream: ["join"] })),
    { task: "join", downstream: [] },
  ]);
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

describe("the groups of a graph", () => {
  it("a graph that is small shows each of its tasks", () => {
    const nodes = groupTasks(fan(numbers(38).map((at) => `part_${at}`)));
    expect(nodes).toHaveLength(40);
    expect(nodes.every(({ id, tasks }) => tasks.length === 1 && tasks[0] === id)).toBe(true);
  });

  it("siblings with the same parents and children are one node with what their names share", () => {
    const nodes = groupTasks(fan(numbers(60).map((at) => `part_${at}_of_film`)));
    expect(nodes.map(({ name, tasks }) => [name, tasks.length])).toEqual([
      ["root", 1],
      ["part…of_film", 60],
      ["join", 1],
    ]);
    const [root, parts, join] = nodes;
    expect(root?.downstream).toEqual([parts?.id]);
    expect([parts?.upstream, parts?.downstream]).toEqual([["root"], ["join"]]);
    expect(join?.upstream).toEqual([parts?.id]);
  });

  it("siblings of whom one leads elsewhere are grouped without it", () => {
    const tasks = fan(numbers(60).map((at) => `part_${at}`)).map((task) =>
      task.task === "part_7" ? { ...task, downstream: [] } : task,
    );
    const nodes = groupTasks(tasks);
    expect(nodes.find(({ id }) => id === "part_7")?.tasks).toEqual(["part_7"]);
    expect(Math.max(...nodes.map((node) => node.tasks.length))).toBe(59);
  });

  it("a mosaic of 1,739 tasks with overlapping parents is a few nodes, by depth and name", () => {
    const nodes = groupTasks(graph(mosaicGraph(1_739)));
    expect(nodes.map(({ name, tasks }) => `${name} ${tasks.length}`)).toEqual([
      "start 1",
      "mProject_ID 346",
      "mDiffFit_ID 1042",
      "mConcatFit 1",
      "mBgModel 1",
      "mBackground_ID 346",
      "mImgtbl 1",
      "mAdd 1",
    ]);
  });

  it("every task is in one node, and no node leads to itself", () => {
    for (const tasks of [madeGraph(2_000), mosaicGraph(900)]) {
      const nodes = groupTasks(graph(tasks));
      expect(nodes.flatMap((node) => node.tasks).toSorted()).toEqual(tasks.map(({ task }) => task).toSorted());
      for (const { id, downstream, upstream } of nodes) expect([...downstream, ...upstream]).not.toContain(id);
    }
  });
});
