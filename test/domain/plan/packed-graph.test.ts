import { fc } from "../../support/property.ts";
import { describe, expect, it } from "vitest";
import { graphFrom, type RunGraph } from "../../../src/domain/plan/run-graph.ts";
import { packGraph, unpackGraph } from "../../../src/domain/plan/packed-graph.ts";
import type { TaskPlan } from "../../../src/domain/plan/plan.ts";
import { planOf, taskPlan } from "../../support/plan.ts";
import { anyGraph } from "../../support/random-run.ts";
import { graphOf } from "../../support/run-play.ts";

function written(graph: RunGraph): RunGraph {
  return unpackGraph(JSON.parse(JSON.stringify(packGraph(graph))));
}

/** As many tasks as a run may have, in layers of a hundred, each with two or three parents, limits, retries and a long name. */
function largest(): RunGraph {
  const nameOf = (ordinal: number): string =>
    ordinal === 0
      ? "start"
      : `stage_${Math.floor(ordinal / 100)}_of_the_nightly_pipeline_shard_${ordinal}`.padEnd(64, "x");
  const upstream = new Map<number, number[]>([[0, []]]);
  const downstream = new Map<number, number[]>();
  for (let task = 1; task < 20_000; task += 1) {
    const before = Math.max(0, task - 100);
    const parents = [...new Set([before, Math.max(0, before - (task % 7)), ...(task % 2 === 0 ? [0] : [])])];
    upstream.set(task, parents);
    for (const parent of parents) downstream.set(parent, [...(downstream.get(parent) ?? []), task]);
  }
  const names = (tasks: readonly number[] = []): string[] => tasks.map(nameOf);
  const plans = Array.from({ length: 20_000 }, (_, task): TaskPlan =>
    taskPlan(nameOf(task), {
      method: `stages#stage_${task % 50}`,
      upstream: names(upstream.get(task)),
      downstream: names(downstream.get(task)),
      retries: { limit: task % 5, delayMs: 1_000, backoff: "exponential", maxDelayMs: 300_000, jitter: true },
      timeoutMs: 25_000 + (task % 3) * 60_000,
      limits: {
        concurrency: { limit: 1 + (task % 4), strategy: "queue", key: ["user_id"] },
        rateLimit: { limit: 100, perMs: 60_000, key: null },
        priority: 0,
      },
    }),
  );
  const graph = graphFrom(planOf(plans), "start");
  if (graph === null) throw new Error("no graph");
  return graph;
}

describe("a packed graph", () => {
  it("a packed graph is the graph that was packed", () => {
    fc.assert(
      fc.property(anyGraph(12), (graph) => {
        expect(written(graph)).toEqual(graph);
      }),
      { numRuns: 300 },
    );
  });

  it("a packed graph keeps parents that are not in the run, edges in an order of their own, and methods of other names", () => {
    const graph = graphOf("a > c b, b > c, c > d", { b: { method: "other#b", external: true, timeoutMs: 90_000_000 } });
    expect(graph.tasks[0]?.downstream).toEqual([1, 2]);
    const [root, ...others] = graph.tasks;
    if (root === undefined) throw new Error("no root");
    const replayed = { ...graph, tasks: [{ ...root, parents: ["gone", "d"], shape: "keyed" as const }, ...others] };
    expect(written(replayed)).toEqual(replayed);
    const turned = { ...graph, tasks: [{ ...root, downstream: [2, 1] }, ...others] };
    expect(written(turned)).toEqual(turned);
  });

  it("a packed graph of 20,000 tasks with limits, retries and names of 64 letters takes less than 100 bytes a task, and comes back whole", () => {
    const graph = largest();
    expect(graph.tasks).toHaveLength(20_000);
    expect(JSON.stringify(packGraph(graph)).length / 20_000).toBeLessThan(100);
    expect(written(graph)).toEqual(graph);
  });

  it("a packed graph of four tasks is smaller than the graph itself", () => {
    const graph = graphOf("a > b c, b > d, c > d");
    expect(JSON.stringify(packGraph(graph)).length).toBeLessThan(JSON.stringify(graph).length);
  });
});
