/** What the task of `on_failure` is triggered with: the summary of a run as it failed, whatever became of it since. */
import type { Debt, Run } from "../../domain/run/state.ts";
import type { Alert } from "./alert-rpc.ts";

/** The summary of the run's failure with this number. */
export function describeAlert(
  run: Run,
  id: number,
  debt: Extract<Debt, { readonly type: "alert" }>,
): Alert {
  const iso = (at: number): string => new Date(at).toISOString();
  const failed = debt.failed.map(({ ordinal, reason, attempts }) => {
    const entry = run.tasks[ordinal];
    const error = entry?.attempts[attempts - 1]?.error ?? null;
    return { task: entry?.task.name ?? "", reason, attempts, error };
  });
  return {
    task: run.graph.onFailure ?? "",
    runId: run.id,
    nth: id,
    depth: run.origin.depth ?? 0,
    summary: {
      run_id: run.id,
      task: run.tasks[0]?.task.name ?? "",
      status: "failed",
      source: run.origin.source,
      created_at: iso(run.createdAt),
      started_at: debt.startedAt === null ? null : iso(debt.startedAt),
      finished_at: iso(debt.finishedAt),
      failed_tasks: failed,
      url_path: `/api/v1/runs/${run.id}`,
    },
  };
}
