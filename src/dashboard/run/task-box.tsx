/**
 * A task in the graph of a run: status, progress and items.
 *
 * The note below the name is the most specific fact:
 * - items that are done and failed, of a task with `each`;
 * - progress of a running task;
 * - the reason why it waits or was skipped;
 * - the duration of the last attempt.
 */
import type { JSX } from "preact";
import type { TaskOfRun } from "../../contract/run.ts";
import { formatCount, formatDuration } from "../format.ts";
import { fastNow } from "../live/clock.ts";
import type { RunModel } from "../live/run-model.ts";
import { setQuery } from "../location.ts";
import { Name } from "../parts/name.tsx";
import { StatusIcon, statusWord } from "../parts/status.tsx";

/**
 * A button that opens or closes the task's panel. The button reads the task's own signal: a change
 * draws this box only.
 */
export function TaskBox({
  model,
  task,
  isChosen,
}: {
  readonly model: RunModel;
  readonly task: string;
  readonly isChosen: boolean;
}): JSX.Element | null {
  const document = model.task(task)?.value;
  if (document === undefined) return null;
  const { status } = document;
  return (
    <button
      type="button"
      class={`task-box s-${status}`}
      aria-pressed={isChosen}
      data-status={status}
      title={task}
      onClick={() => setQuery({ task: isChosen ? null : task, item: null }, "push")}
    >
      <StatusIcon status={status} size={16} />
      <span class="task-box-text">
        <span class="task-box-name">
          <Name text={task} />
        </span>
        <span class="sr">{statusWord(status)}</span>
        <span class="task-box-note">{noteOf(document)}</span>
      </span>
      <ProgressBar document={document} />
    </button>
  );
}

/** A bar with the finished share of a task. Null for a task that reports no progress. */
export function ProgressBar({ document }: { readonly document: TaskOfRun }): JSX.Element | null {
  const fraction = fractionOf(document);
  if (fraction === null) return null;
  return (
    <span
      class="bar"
      role="progressbar"
      aria-label="Progress"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(fraction * 100)}
    >
      <span class="bar-done" style={{ width: `${fraction * 100}%` }} />
    </span>
  );
}

/** Computes the finished share: the share of final items, or the progress that the task reports. */
function fractionOf({ status, each, progress }: TaskOfRun): number | null {
  if (status !== "running" && status !== "retrying" && status !== "waiting") return null;
  if (each !== undefined && each.total > 0) return (each.succeeded + each.failed) / each.total;
  return progress === undefined || progress === null
    ? null
    : Math.min(1, Math.max(0, progress.fraction));
}

/**
 * The line below a task's name: items, progress, the reason for waiting, or the time of the last
 * attempt.
 */
function noteOf(document: TaskOfRun): string {
  const { status, each, progress, attempts, waiting_for, reason } = document;
  if (each !== undefined) {
    const failed = each.failed === 0 ? "" : `, ${formatCount(each.failed)} failed`;
    return `${formatCount(each.succeeded)} / ${formatCount(each.total)}${failed}`;
  }
  if (status === "running" && progress) {
    return `${Math.round(progress.fraction * 100)}%${progress.message === null ? "" : ` ${progress.message}`}`;
  }
  if (waiting_for) return WAITING_TEXTS[waiting_for.for];
  const last = attempts.at(-1);
  if (status === "skipped")
    return reason === null ? "skipped" : `skipped: ${reason.replaceAll("_", " ")}`;
  if (last === undefined) return statusWord(status);
  const end = last.finished_at === null ? fastNow.value : Date.parse(last.finished_at);
  const spent = formatDuration(end - Date.parse(last.started_at));
  return attempts.length > 1 ? `${spent}, attempt ${last.attempt}` : spent;
}

/** The reasons for waiting. */
const WAITING_TEXTS: Readonly<Record<NonNullable<TaskOfRun["waiting_for"]>["for"], string>> = {
  completion: "waits for its completion",
  run: "waits for a run",
  concurrency: "waits for a slot",
  rate_limit: "held by its rate",
  pause: "paused",
  deploy: "waits for a deploy",
};
