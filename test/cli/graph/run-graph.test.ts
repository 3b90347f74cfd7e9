import { describe, expect, it } from "vitest";
import { runGraph } from "../../../src/cli/run-graph.ts";
import type { TaskOfRun } from "../../../src/contract/run.ts";
import { FINAL } from "../../client/documents.ts";

function taskOf(
  task: string,
  status: TaskOfRun["status"],
  downstream: string[],
  more: Partial<TaskOfRun> = {},
): TaskOfRun {
  const [first] = FINAL.tasks;
  if (first === undefined) throw new Error("the document has a task");
  return { ...first, ...more, task, status, downstream };
}

const RUN = {
  tasks: [
    taskOf("transcribe", "succeeded", ["recommend", "archive"]),
    taskOf("recommend", "running", ["publish"], { each: { total: 5, succeeded: 3, failed: 0, running: 2 } }),
    taskOf("archive", "failed", ["publish"]),
    taskOf("publish", "pending", []),
  ],
};

describe("the graph of a run", () => {
  it("the graph of a run has the status of each task, also where there are no colours", () => {
    expect(runGraph(RUN, { columns: 100, colors: false })).toMatchInlineSnapshot(`
      "           transcribe: succeeded
                ┌──────────┴──────────┐
                ▼                     ▼
      recommend: running 3/5   archive: failed
                └──────────┬──────────┘
                           ▼
                    publish: pending"
    `);
    expect(runGraph(RUN, { columns: 100, colors: true })).toContain("\u001B[31m");
  });

  it("the graph of a run that is too wide is an outline with the status of each task", () => {
    expect(runGraph(RUN, { columns: 30, colors: false })).toMatchInlineSnapshot(`
      "transcribe: succeeded
      ├─ recommend: running 3/5
      │    → publish: pending
      └─ archive: failed
         └─ publish: pending"
    `);
  });
});
