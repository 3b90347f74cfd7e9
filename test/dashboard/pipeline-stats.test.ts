import { describe, expect, it } from "vitest";
import { pipelineStats, stripHeights, tasksBelow } from "../../src/dashboard/pages/pipeline-stats.ts";
import { summary } from "./support.ts";

describe("what the last runs say", () => {
  it("the figures of a pipeline count the runs that ended by themselves, and time those that succeeded", () => {
    const runs = [
      summary({ duration_ms: 100 }),
      summary({ duration_ms: 300 }),
      summary({ status: "failed", duration_ms: 1 }),
      summary({ status: "cancelled", duration_ms: 5 }),
      summary({ status: "running", duration_ms: null }),
    ];
    expect(pipelineStats(runs)).toEqual({ counted: 3, succeeded: 2, medianMs: 100, p95Ms: 300 });
    expect(pipelineStats([])).toEqual({ counted: 0, succeeded: 0, medianMs: null, p95Ms: null });
  });

  it("the strip of runs draws longer runs higher, and none too low to be seen", () => {
    expect(stripHeights([summary({ duration_ms: 100 }), summary({ duration_ms: 0 })])).toEqual([1, 0.18]);
    expect(stripHeights([summary({ duration_ms: null })])).toEqual([1]);
  });

  it("the tasks below a root are those that its runs have", () => {
    const tasks = [
      { task: "a", downstream: ["b"] },
      { task: "x", downstream: ["c"] },
      { task: "b", downstream: ["c"] },
      { task: "c", downstream: [] },
    ];
    expect(tasksBelow("a", tasks).map(({ task }) => task)).toEqual(["a", "b", "c"]);
  });
});
