import { describe, expect, it } from "vitest";
import { DRIVER_LANE_MAX_TIMEOUT_MS, graphFrom, laneOf } from "../../../src/domain/plan/run-graph.ts";
import { graphOf, pipeline } from "../../support/run-play.ts";

/** `name: [upstream] → [downstream], shape`. */
function drawn(dag: string, root: string): string[] {
  return (graphFrom(pipeline(dag), root)?.tasks ?? []).map(
    ({ name, upstream, downstream, shape }) => `${name}: [${upstream.join()}] → [${downstream.join()}], ${shape}`,
  );
}

describe("the graph of a run", () => {
  it("the graph of a run holds the root and all that is reachable from it, in the order in which it is found", () => {
    //     ┌─▶ b ─┐
    //  a ─┤      ├─▶ d        x ─▶ y
    //     └─▶ c ─┘
    expect(drawn("x > y, a > b c, b > d, c > d", "a")).toEqual([
      "a: [] → [1,2], trigger",
      "b: [0] → [3], value",
      "c: [0] → [3], value",
      "d: [1,2] → [], keyed",
    ]);
  });

  it("the graph of a run leaves out parents that the run does not reach, but keeps the shape that peach.conf gives", () => {
    expect(drawn("a > b c, b > d, c > d", "b")).toEqual(["b: [] → [1], trigger", "d: [0] → [], keyed"]);
    expect(graphFrom(pipeline("a > b c, b > d, c > d"), "b")?.tasks[1]?.parents).toEqual(["b", "c"]);
  });

  it("the graph of a run has a root without upstream tasks, also where peach.conf has some", () => {
    expect(drawn("a > b", "b")).toEqual(["b: [] → [], trigger"]);
  });

  it("the graph of a run names a task once, however many ways lead to it", () => {
    expect(drawn("a > b c d, b > d, c > d", "a").map((line) => line[0])).toEqual(["a", "b", "c", "d"]);
  });

  it("the graph of a run is null for a task that the plan does not have", () => {
    expect(graphFrom(pipeline("a"), "b")).toBeNull();
  });

  it("the graph of a run leaves out what the plan does not have, and keeps the ordinals of the others", () => {
    const plan = pipeline("a > gone b, b > c");
    const tasks = Object.fromEntries(Object.entries(plan.tasks).filter(([name]) => name !== "gone"));
    expect(graphFrom({ ...plan, tasks }, "a")?.tasks.map(({ name, downstream }) => [name, downstream])).toEqual([
      ["a", [1]],
      ["b", [2]],
      ["c", []],
    ]);
  });

  it("the graph of a run takes the settings of the run from the plan and from the root", () => {
    const settings = { a: { dispatch: "direct" }, b: { dispatch: "queue", timeoutMs: 7 } } as const;
    const graph = graphOf("a > b", settings, { version: "v1", retentionMs: 5, inlineLimitBytes: 6 });
    expect(graph).toMatchObject({ confVersion: "v1", retentionMs: 5, inlineLimitBytes: 6, dispatch: "direct" });
    expect(graph.tasks[1]).toMatchObject({ method: "b", timeoutMs: 7, retries: { limit: 0 } });
  });

  it("the graph of a run puts tasks into the lane of their timeout", () => {
    const [short, long] = graphOf("a > b", {
      a: { timeoutMs: DRIVER_LANE_MAX_TIMEOUT_MS },
      b: { timeoutMs: DRIVER_LANE_MAX_TIMEOUT_MS + 1 },
    }).tasks;
    expect(short && laneOf(short)).toBe("driver");
    expect(long && laneOf(long)).toBe("executor");
  });
});
