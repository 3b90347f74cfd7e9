/**
 * Describes the payload of an `on_failure` trigger: a summary of the run at the failure, whatever
 * happened to the run since.
 */
import { iso } from "../../contract/iso-time.ts";
import type { OutboxMessage } from "../../domain/run/outbox-entry.ts";
import type { Run } from "../../domain/run/state.ts";
import type { Alert } from "./alert-rpc.ts";

/** Summarizes the run's failure with number `id`. */
export function describeAlert(
  run: Run,
  id: number,
  debt: Extract<OutboxMessage, { readonly type: "alert" }>,
): Alert {
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
      started_at: iso(debt.startedAt),
      finished_at: iso(debt.finishedAt),
      failed_tasks: failed,
      url_path: `/api/v1/runs/${run.id}`,
    },
  };
}
