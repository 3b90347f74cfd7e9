/** Renders a run as the demo shows it. */
import type { RunDocument, TaskOfRun } from "../client/client.ts";

const FINAL = new Set(["succeeded", "failed", "skipped", "cancelled"]);

/** Tests if a status of a task or run is final. */
export function isFinalStatus(status: string): boolean {
  return FINAL.has(status);
}

/**
 * Renders a task: status, attempts, their total duration (until `now` for a running one) and
 * progress.
 */
export function taskLine(
  { task, status, reason, attempts, progress }: TaskOfRun,
  now: number,
): string {
  const parts = [reason === null ? status : `${status} (${reason})`];
  if (attempts.length > 0) {
    const spent = attempts.reduce((sum, { started_at, finished_at }) => {
      return (
        sum +
        Math.max(0, (finished_at === null ? now : Date.parse(finished_at)) - Date.parse(started_at))
      );
    }, 0);
    parts.push(
      attempts.length === 1 ? "1 attempt" : `${attempts.length} attempts`,
      formatMs(spent),
    );
  }
  if (progress !== null && !isFinalStatus(status)) {
    parts.push(
      `${Math.round(progress.fraction * 100)} %${progress.message === null ? "" : ` ${progress.message}`}`,
    );
  }
  return `${task}: ${parts.join(", ")}`;
}

/** Explains why a run failed: each failed task with its last error. */
export function failureOf({
  run_id,
  status,
  tasks,
}: Pick<RunDocument, "run_id" | "status" | "tasks">): string {
  const failed = tasks.filter((task) => task.status === "failed");
  const reasons = failed.map(({ task, reason, attempts }) => {
    const error = attempts.findLast((attempt) => attempt.error !== null)?.error;
    return `  ${task} (${reason ?? "failed"}): ${error === null || error === undefined ? "no error was recorded" : `${error.name}: ${error.message}`}`;
  });
  return [`The run ${run_id} ${status}.`, ...reasons].join("\n");
}

/** Formats a duration: `35 ms`, `1.2 s`. */
export function formatMs(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
