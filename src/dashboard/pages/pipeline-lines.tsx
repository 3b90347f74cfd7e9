/** The pipelines of the page Now, a line each: what fails comes first. */
import type { JSX } from "preact";
import type { DeployedSchedule } from "../../contract/schedules.ts";
import type { RunStatistics } from "../../contract/statistics.ts";
import type { DeployedTask } from "../../contract/tasks.ts";
import type { Cause } from "../causes.ts";
import { formatClock, formatCount, formatRate } from "../format.ts";
import { now } from "../live/clock.ts";
import { Icon } from "../parts/icon.tsx";
import { StatusIcon } from "../parts/status.tsx";
import { Time } from "../parts/time.tsx";
import { Table } from "../parts/table.tsx";
import { TimeStrip, totalOf } from "../parts/time-strip.tsx";
import { pipelinePath, type Span, triggersPath } from "../routes.ts";

/** Properties of the lines: the answers of five reads, in which any task may be absent. */
export interface PipelineLinesProps {
  readonly tasks: readonly DeployedTask[];
  readonly statistics: RunStatistics;
  /** The causes of failures in the span, of all pipelines. */
  readonly causes: readonly Cause[];
  readonly schedules: readonly DeployedSchedule[];
  /** The shown span, for the head of the strips. */
  readonly span: Span;
}

/** The statistics of one task: counts by interval, and of the span before. */
type Statistics = RunStatistics["tasks"][number];

/** A pipeline with its figures. Rates are shares of the runs that succeeded or failed. */
interface Line {
  readonly root: DeployedTask;
  readonly intervals: Statistics["intervals"];
  /** Runs that were created in the span, of any status. */
  readonly runs: number;
  readonly failed: number;
  /**
   * Runs that succeeded or failed: the base of the rate. Cancelled runs say nothing about the code.
   */
  readonly ended: number;
  /** The same figures for the span before, of equal length. */
  readonly failedBefore: number;
  readonly endedBefore: number;
  /** Runs that are queued or running. */
  readonly open: number;
  /** The cause whose failure is the newest; null without one. */
  readonly cause: Cause | null;
  /** The next due time of all schedules that are not paused, in UTC; null without one. */
  readonly due: string | null;
}

/**
 * Shows the lines in a table. The strips of all lines have the same time axis, so that failures at
 * the same time stand one above the other.
 */
export function PipelineLines(props: PipelineLinesProps): JSX.Element {
  const lines = linesOf(props);
  return (
    <section aria-labelledby="pipelines">
      <h2 id="pipelines" class="section-title">
        Pipelines <span class="muted">{formatCount(lines.length)}</span>
      </h2>
      <Table
        label="Pipelines"
        style="lines"
        columns={[
          "Pipeline",
          [`Runs over the last ${props.span}`, "line-strip"],
          ["Runs", "right"],
          ["Failed", "right"],
          ["Before", "right line-before"],
          "Newest error, or what is next",
          [<span class="sr">Actions</span>, "line-actions"],
        ]}
      >
        {lines.map((line) => (
          <LineRow key={line.root.task} line={line} statistics={props.statistics} />
        ))}
      </Table>
    </section>
  );
}

/**
 * Shows the row of a pipeline. The icon is the worst that happens: a failure in the span, then a
 * run that is open, then success.
 */
function LineRow({
  line,
  statistics,
}: {
  readonly line: Line;
  readonly statistics: RunStatistics;
}): JSX.Element {
  const { root, intervals, runs, failed, ended, failedBefore, endedBefore, open } = line;
  const status = failed > 0 ? "failed" : open > 0 ? "running" : runs > 0 ? "succeeded" : "pending";
  return (
    <tr class="run-row line">
      <td>
        <div class="line-name">
          <StatusIcon status={status} />
          <a
            class="row-link ellipsis"
            href={pipelinePath(root.task)}
            title={root.description ?? root.task}
          >
            {root.task}
          </a>
          {root.paused && <span class="pill s-waiting">paused</span>}
        </div>
      </td>
      <td class="line-strip">
        <TimeStrip label={root.task} span={statistics} intervals={intervals} />
      </td>
      <td class="right number">{runs === 0 ? <span class="muted">–</span> : formatCount(runs)}</td>
      <td class={`right number ${failed > 0 ? "fault" : "muted"}`}>
        {failed > 0 ? <b>{formatRate(failed, ended)}</b> : ended === 0 ? "–" : "0%"}
      </td>
      <td class="right number muted line-before">{formatRate(failedBefore, endedBefore)}</td>
      <td class="line-note">
        <Note line={line} />
      </td>
      <td class="line-actions">
        <a
          class="icon-button"
          href={triggersPath("tasks", root.task)}
          aria-label={`Trigger ${root.task}`}
          title="Trigger"
        >
          <Icon name="triggers" size={15} />
        </a>
      </td>
    </tr>
  );
}

/**
 * Shows the newest error. Without an error, the next due time or what triggers the pipeline: an
 * upload or an event. Empty for a pipeline that only the API triggers.
 */
function Note({ line: { cause, due, root } }: { readonly line: Line }): JSX.Element {
  if (cause !== null)
    return (
      <span class="line-error ellipsis" title={cause.exampleMessage}>
        <span class="muted">since {formatClock(Date.parse(cause.first), now.value)}</span>{" "}
        {cause.name}: {cause.message}
      </span>
    );
  if (due !== null)
    return (
      <span class="muted">
        next <Time at={due} />
      </span>
    );
  const { r2, events } = root.on;
  const [rule] = r2;
  return (
    <span class="muted ellipsis">
      {rule !== undefined
        ? `on uploads to ${rule.bucket}/${rule.prefix}`
        : events.length > 0
          ? `on ${events.join(", ")}`
          : ""}
    </span>
  );
}

/**
 * Makes the lines: pipelines that fail come first, by their newest failure; then the order of
 * peach.conf.
 *
 * A pipeline without runs in the span has no statistics, and gets a line with dashes.
 */
function linesOf({ tasks, statistics, causes, schedules }: PipelineLinesProps): Line[] {
  const byTask = new Map(statistics.tasks.map((entry) => [entry.task, entry]));
  return tasks
    .filter(({ upstream }) => upstream.length === 0)
    .map((root): Line => {
      const { intervals = [], before } = byTask.get(root.task) ?? {};
      /** Sums a count over the intervals of the span. */
      const sum = (count: (counts: Statistics["before"]) => number): number =>
        intervals.reduce((total, { counts }) => total + count(counts), 0);
      const failed = sum((counts) => counts.failed);
      const due = schedules
        .filter(({ task, paused }) => task === root.task && !paused)
        .flatMap(({ next }) => next[0]?.utc ?? [])
        .toSorted()[0];
      return {
        root,
        intervals,
        runs: intervals.reduce((total, interval) => total + totalOf(interval), 0),
        failed,
        ended: failed + sum((counts) => counts.succeeded),
        failedBefore: before?.failed ?? 0,
        endedBefore: (before?.failed ?? 0) + (before?.succeeded ?? 0),
        open: sum((counts) => counts.queued + counts.running),
        cause: newestCause(causes, root.task),
        due: due ?? null,
      };
    })
    .toSorted((one, other) => (other.cause?.last ?? "").localeCompare(one.cause?.last ?? ""));
}

/** The cause with the newest failure in a pipeline. */
function newestCause(causes: readonly Cause[], root: string): Cause | null {
  return (
    causes
      .filter(({ pipelines }) => pipelines.some(({ task }) => task === root))
      .toSorted((one, other) => other.last.localeCompare(one.last))[0] ?? null
  );
}
