/**
 * A grid of runs and tasks: a column for each run, a row for each task. The colour is the status,
 * the height of the mark the duration beside the others of its row.
 *
 * Keys: the arrows go from mark to mark; Tab enters and leaves the grid.
 */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import type { RunDocument, TaskOfRun } from "../../contract/run.ts";
import { workMs } from "../compare.ts";
import { formatCount, formatDuration, formatExact } from "../format.ts";
import { statusWord } from "../parts/status.tsx";
import { runPath } from "../routes.ts";

/** The number of rows that are shown at first. A button shows the rest. */
const SHOWN_ROWS = 24;

/**
 * Shows the grid, the newest run on the right. Rows with failures come first where rows are many.
 * The head of a column links to the run, a mark to the task in that run.
 *
 * Only the newest run is reached by Tab; the arrow keys reach the others. A grid of 24 rows and 30
 * runs would otherwise need 720 presses.
 */
export function PipelineGrid({
  tasks,
  runs,
}: {
  /** The tasks of the deployed graph. Runs of older versions may add rows. */
  readonly tasks: readonly string[];
  /** The runs from the oldest to the newest. */
  readonly runs: readonly RunDocument[];
}): JSX.Element {
  const isLong = useSignal(false);
  const place = useRef<HTMLTableElement>(null);
  const names = rowsOf(tasks, runs);
  const rows = isLong.value ? names : names.slice(0, SHOWN_ROWS);
  const byRun = runs.map((run) => new Map(run.tasks.map((task) => [task.task, task])));
  const longestRun = Math.max(1, ...runs.map(({ duration_ms }) => duration_ms ?? 0));
  return (
    <div class="table-place grid-place">
      <table class="run-grid" ref={place} onKeyDown={(event) => move(event, place.current)}>
        <thead>
          <tr>
            <th scope="col">
              <span class="sr">Task</span>
            </th>
            {runs.map((run, column) => (
              <th key={run.run_id} scope="col">
                <a
                  class={`grid-run s-${run.status}`}
                  href={runPath(run.run_id)}
                  tabIndex={column === runs.length - 1 ? 0 : -1}
                  aria-label={`Run of ${formatExact(Date.parse(run.created_at))}: ${run.status}`}
                  title={titleOf(run.task, run.status, run.duration_ms, run.created_at)}
                >
                  <span style={{ height: `${heightOf(run.duration_ms, longestRun)}%` }} />
                </a>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((name) => {
            const longest = Math.max(1, ...byRun.map((run) => workMs(run.get(name) ?? null) ?? 0));
            return (
              <tr key={name}>
                <th scope="row" class="ellipsis" title={name}>
                  {name}
                </th>
                {runs.map((run, column) => (
                  <td key={run.run_id}>
                    <Mark run={run} task={byRun[column]?.get(name)} longest={longest} />
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
      {names.length > rows.length && (
        <p class="more">
          <button type="button" class="link-button" onClick={() => (isLong.value = true)}>
            All {formatCount(names.length)} tasks
          </button>
        </p>
      )}
    </div>
  );
}

/**
 * Shows the mark of a task in a run, with a link to the panel of the task. A run of an older
 * version may lack the task: the cell then stays empty.
 */
function Mark({
  run,
  task,
  longest,
}: {
  readonly run: RunDocument;
  readonly task: TaskOfRun | undefined;
  /** The longest time at work of this task in all shown runs, in milliseconds. */
  readonly longest: number;
}): JSX.Element | null {
  if (task === undefined) return null;
  const ms = workMs(task);
  return (
    <a
      class={`grid-mark s-${task.status}`}
      href={runPath(run.run_id, task.task)}
      tabIndex={-1}
      aria-label={`${task.task}: ${statusWord(task.status)}`}
      title={titleOf(task.task, task.status, ms, run.created_at)}
    >
      <span style={{ height: `${ms === null ? 22 : heightOf(ms, longest)}%` }} />
    </a>
  );
}

/** Makes the tooltip of a mark: name, status, time at work, and when the run was created. */
function titleOf(name: string, status: TaskOfRun["status"], ms: number | null, at: string): string {
  const took = ms === null ? "" : `, ${formatDuration(ms)}`;
  return `${name}: ${statusWord(status)}${took}\n${formatExact(Date.parse(at))}`;
}

/**
 * Computes the height in percent: the square root of the share, so that short times stay visible.
 */
function heightOf(ms: number | null, longest: number): number {
  return ms === null ? 100 : Math.max(22, Math.sqrt(ms / longest) * 100);
}

/**
 * Lists the tasks in the order of the graph. With more tasks than rows, tasks that fail come first,
 * so that no failure hides behind the button.
 */
function rowsOf(tasks: readonly string[], runs: readonly RunDocument[]): readonly string[] {
  const all = [...new Set([...tasks, ...runs.flatMap((run) => run.tasks.map(({ task }) => task))])];
  if (all.length <= SHOWN_ROWS) return all;
  const failing = new Set(
    runs.flatMap((run) =>
      run.tasks.flatMap(({ task, status }) => (status === "failed" ? task : [])),
    ),
  );
  return all.toSorted((one, other) => Number(failing.has(other)) - Number(failing.has(one)));
}

/**
 * Moves the focus to the next mark in the direction of an arrow key. An empty cell ends the way.
 */
function move(event: KeyboardEvent, table: HTMLTableElement | null): void {
  const steps: Readonly<Record<string, readonly [rows: number, columns: number]>> = {
    ArrowUp: [-1, 0],
    ArrowDown: [1, 0],
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
  };
  const step = steps[event.key];
  const cell = event.target instanceof Element ? event.target.closest("td, th") : null;
  const row = cell?.closest("tr") ?? null;
  if (step === undefined || cell === null || row === null || table === null) return;
  const at = [...row.children].indexOf(cell) + step[1];
  const next = [...table.rows][row.rowIndex + step[0]]?.children[at]?.querySelector("a") ?? null;
  if (next === null) return;
  event.preventDefault();
  next.focus();
}
