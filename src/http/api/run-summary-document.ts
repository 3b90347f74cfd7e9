/** Formats runs for lists and feeds, and cursors of such lists. */
import { iso } from "../../contract/iso-time.ts";
import type { RunSummary as RunSummaryDocument } from "../../contract/run-lists.ts";
import { parseRunId } from "../../domain/ids.ts";
import type { RunPlace, RunSummary } from "../../domain/run/summary.ts";
import type { RunDocument } from "../../objects/run/run-documents-rpc.ts";

/** Formats a run of the catalog. */
export function describeSummary(summary: RunSummary): RunSummaryDocument {
  const {
    id,
    task,
    status,
    source,
    by,
    parent,
    createdAt,
    startedAt,
    finishedAt,
    failedTasks,
    problem,
  } = summary;
  return {
    run_id: id,
    task,
    status,
    source,
    by,
    parent: parent === null ? null : { run_id: parent.runId, task: parent.task },
    created_at: iso(createdAt),
    started_at: iso(startedAt),
    finished_at: iso(finishedAt),
    duration_ms:
      startedAt === null || finishedAt === null ? null : Math.max(0, finishedAt - startedAt),
    failed_tasks: failedTasks,
    ...(problem !== undefined && { problem }),
  };
}

/** Summarizes the document of a run, for a run that was read from its own object. */
export function summaryOfDocument(run: RunDocument): RunSummaryDocument {
  const { run_id, task, status, trigger, created_at, started_at, finished_at, duration_ms, tasks } =
    run;
  return {
    run_id,
    task,
    status,
    source: trigger.source,
    by: trigger.by,
    parent: trigger.parent,
    created_at,
    started_at,
    finished_at,
    duration_ms,
    failed_tasks: tasks
      .flatMap((entry) => (entry.status === "failed" ? [entry.task] : []))
      .slice(0, 20),
  };
}

/** Formats the last place of a page as a cursor. */
export function cursorOf({ createdAt, id }: RunPlace): string {
  return `${createdAt}.${id}`;
}

/** Parses a cursor; null if it is malformed. */
export function placeOfCursor(cursor: string): RunPlace | null {
  const [, at = "", id = ""] = /^(\d{1,15})\.(\w*)$/.exec(cursor) ?? [];
  if (at === "" || (id !== "" && parseRunId(id) === null)) return null;
  return { createdAt: Number(at), id };
}
