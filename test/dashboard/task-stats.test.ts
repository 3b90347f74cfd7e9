import { describe, expect, it } from "vitest";
import type { FailureGroup } from "../../src/contract/statistics.ts";
import { beganWith, causesOf } from "../../src/dashboard/causes.ts";
import { tasksBelow } from "../../src/dashboard/pages/pipeline-tasks.ts";
import { taskStats, versionStats } from "../../src/dashboard/task-stats.ts";
import { at, attempt, summary, task } from "./support.ts";

describe("what the last runs say", () => {
  it("the figures of a task count its work without the pauses between attempts, and what never began for nothing", () => {
    const failed = { status: "failed", attempts: [attempt(0, 100), attempt(9_000, 9_300, { attempt: 2 })] } as const;
    const quick = { status: "succeeded", attempts: [attempt(0, 100)] } as const;
    const stats = taskStats([
      { tasks: [task("slow", failed), task("quick", quick)] },
      { tasks: [task("quick", { status: "skipped" })] },
    ]);
    expect(stats).toEqual([
      { task: "slow", runs: 1, failed: 1, retries: 1, medianMs: 400, p95Ms: 400, share: 0.8 },
      { task: "quick", runs: 1, failed: 0, retries: 0, medianMs: 100, p95Ms: 100, share: 0.2 },
    ]);
  });

  it("the wait of a task for its completion is no work", () => {
    const approved = { status: "succeeded", external: true, attempts: [attempt(0, 60_000)] } as const;
    const quick = { status: "succeeded", attempts: [attempt(0, 100)] } as const;
    expect(taskStats([{ tasks: [task("approve", approved), task("quick", quick)] }])).toEqual([
      { task: "approve", runs: 1, failed: 0, retries: 0, medianMs: null, p95Ms: null, share: 0 },
      { task: "quick", runs: 1, failed: 0, retries: 0, medianMs: 100, p95Ms: 100, share: 1 },
    ]);
  });

  it("the versions of a pipeline come newest first, with their first run and their failures", () => {
    const runs = [
      summary({ conf_version: "b", status: "failed", created_at: at(30) }),
      summary({ conf_version: "b", created_at: at(20) }),
      summary({ conf_version: "a", created_at: at(10) }),
      summary({}),
    ];
    expect(versionStats(runs)).toEqual([
      { version: "b", first: at(20), runs: 2, failed: 1 },
      { version: "a", first: at(10), runs: 1, failed: 0 },
    ]);
  });

  it("the tasks below a root are those that its runs have", () => {
    const tasks = [
      { task: "a", downstream: ["b"] },
      { task: "x", downstream: ["c"] },
      { task: "b", downstream: ["c"] },
      { task: "c", downstream: [] },
    ];
    expect(tasksBelow("a", tasks).map((one) => one.task)).toEqual(["a", "b", "c"]);
  });
});

describe("a cause of failures", () => {
  const group = (given: Partial<FailureGroup>): FailureGroup => ({
    task: "encode",
    name: "Error",
    message: "disk # is full",
    count: 2,
    first: at(100),
    last: at(200),
    conf_versions: ["v2"],
    example: "run_1",
    example_message: "disk 1 is full",
    pipelines: [{ task: "films", count: 2 }],
    last_good: null,
    ...given,
  });

  it("a cause of failures joins the tasks and pipelines that it hits", () => {
    const other = { task: "cut", first: at(50), last: at(150), count: 1, pipelines: [{ task: "clips", count: 1 }] };
    const [disk, vendor, ...more] = causesOf([group({}), group(other), group({ message: "no answer", count: 1 })]);
    expect(more).toEqual([]);
    expect(vendor?.message).toBe("no answer");
    expect(disk).toMatchObject({ count: 3, first: at(50), last: at(200), example: "run_1", tasks: ["encode", "cut"] });
    expect(disk?.pipelines).toEqual([
      { task: "films", count: 2 },
      { task: "clips", count: 1 },
    ]);
  });

  it.each([
    ["v1", "v2"],
    ["v2", null],
    [null, null],
  ])("a cause of failures whose last good run was of %s began with the deploy %s", (version, deploy) => {
    const last_good = { run_id: "run_0", at: at(0), conf_version: version };
    expect(causesOf([group({ last_good })]).map(beganWith)).toEqual([deploy]);
  });
});
