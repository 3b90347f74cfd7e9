import { describe, expect, it } from "vitest";
import type { RunDocument, TaskDocument } from "../../../src/objects/run/run-documents-rpc.ts";
import { summaryOfDocument } from "../../../src/http/api/run-summary-document.ts";
import { acceptance, HandDrivenRun } from "../../support/hand-driven.ts";
import { planOf, taskPlan } from "../../support/plan.ts";

const AT = "2027-01-01T00:00:00.000Z";

/** A run with the one task `only`, which is at work; and that task. */
async function runAtWork(): Promise<{ readonly run: RunDocument; readonly task: TaskDocument }> {
  const { run } = await HandDrivenRun.accept(acceptance(planOf([taskPlan("only")]), "only"));
  const document = await run.document();
  const [task] = document.tasks;
  if (task === undefined) throw new Error("the run has no task");
  return { run: document, task };
}

describe("the summary of a run's document", () => {
  it("the summary of a run's document leaves out what there is not: tags, lateness, waits", async () => {
    const { run } = await runAtWork();
    const summary = summaryOfDocument(run);
    expect(summary).toMatchObject({ run_id: run.run_id, task: "only", failed_tasks: [], error: null });
    for (const absent of ["tags", "late", "waiting"]) expect(summary).not.toHaveProperty(absent);
    expect(summaryOfDocument({ ...run, tags: ["one"], late: true })).toMatchObject({ tags: ["one"], late: true });
  });

  it("the summary of a run's document names the first twenty of its failed tasks, and the error of the first that has one", async () => {
    const { run, task } = await runAtWork();
    const attempt = (message: string | null) => ({
      ...task.attempts[0],
      attempt: 1,
      status: "failed" as const,
      started_at: AT,
      finished_at: AT,
      error: message === null ? null : { name: "Error", message, stack: null },
    });
    const failed = (name: string, ...messages: (string | null)[]): TaskDocument => ({
      ...task,
      task: name,
      status: "failed",
      attempts: messages.map(attempt),
    });
    const more = Array.from({ length: 23 }, (_, n) => failed(`t${n}`, "later"));
    const retried: TaskDocument = { ...failed("retried", "mended"), status: "succeeded" };
    const tasks = [retried, failed("silent"), failed("first", "early", "last", null), ...more];
    const { failed_tasks, error } = summaryOfDocument({ ...run, status: "failed", tasks });
    expect(failed_tasks).toEqual(["silent", "first", ...Array.from({ length: 18 }, (_, n) => `t${n}`)]);
    expect(error).toEqual({ task: "first", name: "Error", message: "last" });
    expect(summaryOfDocument({ ...run, status: "running", tasks }).error).toBeNull();
    expect(summaryOfDocument({ ...run, status: "failed", tasks: [failed("silent")] }).error).toBeNull();
  });

  it("the summary of a run's document names the first ten tasks that wait to be completed, and none that waits for something else", async () => {
    const { run, task } = await runAtWork();
    const limited: TaskDocument = { ...task, waiting_for: { for: "concurrency", key: null, since: AT } };
    const open = Array.from({ length: 11 }, (_, n): TaskDocument => ({
      ...task,
      task: `t${n}`,
      waiting_for: { for: "completion", until: AT },
    }));
    const { waiting } = summaryOfDocument({ ...run, tasks: [limited, task, ...open] });
    expect(waiting).toEqual(Array.from({ length: 10 }, (_, n) => ({ task: `t${n}`, for: "completion", until: AT })));
  });
});
