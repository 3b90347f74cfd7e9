/** Tables of the page of a pipeline: figures of its tasks, and its versions. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { formatCount, formatDuration, formatRate } from "../format.ts";
import { Chips } from "../parts/chips.tsx";
import { Table } from "../parts/table.tsx";
import { Time } from "../parts/time.tsx";
import type { TaskStats, VersionStats } from "../task-stats.ts";

/** The orders of the table, as the chips name them. */
const ORDERS = ["Slowest", "Failing", "In order"] as const;
/** The number of tasks that are listed at first. A button shows the rest. */
const SHOWN = 12;

/**
 * Compares two tasks by the chosen order. A sort is stable: equal tasks keep the order of the
 * graph.
 */
const COMPARE: Readonly<
  Record<(typeof ORDERS)[number], (one: TaskStats, other: TaskStats) => number>
> = {
  Slowest: (one, other) => other.share - one.share,
  Failing: (one, other) => other.failed - one.failed || other.retries - one.retries,
  "In order": () => 0,
};

/**
 * Shows the figures of each task in the listed runs, the slowest first unless something fails.
 *
 * Times are at work, without queues and waits. The bar is the share of the task in the work of all
 * tasks: the longest bar is where a faster task saves most.
 */
export function TaskTable({ stats }: { readonly stats: readonly TaskStats[] }): JSX.Element {
  const chosen = useSignal<(typeof ORDERS)[number] | null>(null);
  const isLong = useSignal(false);
  const order = chosen.value ?? (stats.some(({ failed }) => failed > 0) ? "Failing" : "Slowest");
  const sorted = stats.toSorted(COMPARE[order]);
  const shown = isLong.value ? sorted : sorted.slice(0, SHOWN);
  return (
    <>
      <Chips
        label="Order"
        names={ORDERS}
        isPressed={(name) => name === order}
        onPress={(name) => (chosen.value = name)}
      />
      <Table label="Tasks" columns={TASK_COLUMNS} style="task-stats">
        {shown.map(({ task, runs, failed, retries, medianMs, p95Ms, share }) => (
          <tr key={task}>
            <td class="ellipsis">{task}</td>
            <td class="right number">{formatCount(runs)}</td>
            <td class={`right number ${failed > 0 ? "fault" : "muted"}`}>
              {failed === 0 ? "0" : `${formatCount(failed)} (${formatRate(failed, runs)})`}
            </td>
            <td class="right number muted">{formatCount(retries)}</td>
            <td class="right number">{medianMs === null ? "–" : formatDuration(medianMs)}</td>
            <td class="right number">{p95Ms === null ? "–" : formatDuration(p95Ms)}</td>
            <td class="share">
              <span class="bar" title={formatRate(share, 1)}>
                <span class="bar-done" style={{ width: `${share * 100}%` }} />
              </span>
            </td>
          </tr>
        ))}
      </Table>
      {sorted.length > shown.length && (
        <p class="more">
          <button type="button" class="link-button" onClick={() => (isLong.value = true)}>
            All {formatCount(sorted.length)} tasks
          </button>
        </p>
      )}
    </>
  );
}

/** The columns of the table. Counts are of runs in which the task has begun. */
const TASK_COLUMNS = [
  "Task",
  ["Runs", "right"],
  ["Failed", "right"],
  ["Retries", "right"],
  ["Median", "right"],
  ["p95", "right"],
  "Share of the work",
] as const;

/**
 * Shows the versions of peach.conf among the listed runs, the newest first, each with its rate of
 * failures. A rate that jumps between two rows points to the deploy.
 */
export function VersionTable({
  versions,
}: {
  readonly versions: readonly VersionStats[];
}): JSX.Element {
  return (
    <Table
      label="Versions"
      columns={["Version", "First run", ["Runs", "right"], ["Failed", "right"]]}
    >
      {versions.map(({ version, first, runs, failed }) => (
        <tr key={version}>
          <td>
            <code title={version}>{version.slice(0, 8)}</code>
          </td>
          <td>
            <Time at={first} />
          </td>
          <td class="right number">{formatCount(runs)}</td>
          <td class={`right number ${failed > 0 ? "fault" : "muted"}`}>
            {failed === 0 ? "0" : `${formatCount(failed)} (${formatRate(failed, runs)})`}
          </td>
        </tr>
      ))}
    </Table>
  );
}
