/** Formats runs for lists and feeds, and cursors of such lists. */
import { iso } from "../../contract/iso-time.ts";
import type { RunSummary as RunSummaryDocument } from "../../contract/run-lists.ts";
import { parseRunId } from "../../domain/ids.ts";
import { durationOfSummary, type RunPlace, type RunSummary } from "../../domain/run/summary.ts";
import { tagsIn } from "../../domain/tags.ts";
import type { RunDocument } from "../../objects/run/run-documents-rpc.ts";

/** Formats a run of the catalog. */
export function describeSummary(summary: RunSummary): RunSummaryDocument {
  const { task, status, source, by, parent, tags, late, confVersion, waiting, problem } = summary;
  return {
    run_id: summary.id,
    task,
    status,
    source,
    by,
    parent: parent === null ? null : { run_id: parent.runId, task: parent.task },
    ...(tags !== undefined && { tags }),
    ...(late !== undefined && { late }),
    created_at: iso(summary.createdAt),
    started_at: iso(summary.startedAt),
    finished_at: iso(summary.finishedAt),
    duration_ms: durationOfSummary(summary),
    failed_tasks: summary.failedTasks,
    error: summary.failure ?? null,
    ...(confVersion !== undefined && { conf_version: confVersion }),
    ...(waiting !== undefined && {
      waiting: waiting.map((task) => ({ ...task, until: iso(task.until) })),
    }),
    ...(problem !== undefined && { problem }),
  };
}

/** Summarizes the document of a run, for a run that was read from its own object. */
export function summaryOfDocument(run: RunDocument): RunSummaryDocument {
  const { run_id, task, status, trigger, created_at, started_at, finished_at, duration_ms, tasks } =
    run;
  const waiting = tasks.flatMap(waitOf).slice(0, 10);
  const tags = tagsIn(run);
  return {
    run_id,
    task,
    status,
    source: trigger.source,
    by: trigger.by,
    parent: trigger.parent,
    ...(tags.length > 0 && { tags }),
    ...(run.late && { late: true }),
    created_at,
    started_at,
    finished_at,
    duration_ms,
    failed_tasks: tasks
      .flatMap((entry) => (entry.status === "failed" ? [entry.task] : []))
      .slice(0, 20),
    error: status === "failed" ? errorOf(tasks) : null,
    conf_version: run.conf_version,
    ...(waiting.length > 0 && { waiting }),
  };
}

/** Returns the wait for a completion, in the form of a summary. */
function waitOf({ task, waiting_for }: RunDocument["tasks"][number]) {
  return waiting_for?.for === "completion"
    ? [{ task, for: "completion" as const, until: waiting_for.until }]
    : [];
}

/** The error of the first failed task that has one. */
function errorOf(tasks: RunDocument["tasks"]): RunSummaryDocument["error"] {
  for (const { task, status, attempts } of tasks) {
    const error = attempts.findLast((attempt) => attempt.error !== null)?.error ?? null;
    if (status === "failed" && error !== null)
      return { task, name: error.name, message: error.message };
  }
  return null;
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
