/**
 * The rows of a timeline.
 *
 * - A task with its segments. The items of a task with `each` are one area.
 * - A run that a task has triggered, as a link to its page.
 */
import type { JSX } from "preact";
import { formatCount, formatDuration } from "../format.ts";
import { fastNow } from "../live/clock.ts";
import type { RunModel } from "../live/run-model.ts";
import { setQuery } from "../location.ts";
import { Name } from "../parts/name.tsx";
import { StatusIcon, statusWord } from "../parts/status.tsx";
import { runPath } from "../routes.ts";
import { densityOf, type TimeAxis } from "../time-axis.ts";
import type { Segment, Span, TimelineRow } from "../timeline.ts";
import type { ChildRun } from "./child-runs.ts";
import { useItemSpans } from "./item-spans.ts";

/**
 * The number of parts of a bar in which items are counted. More would be narrower than a pixel or
 * two.
 */
const PARTS = 120;

/**
 * Shows a task with its segments: queued, attempts, pauses between attempts, waiting. A click opens
 * the panel of the task, a second click closes it.
 *
 * The label tells screen readers what the bars show, with the time of each segment.
 */
export function TaskRow({
  model,
  row,
  axis,
  isChosen,
}: {
  readonly model: RunModel;
  readonly row: TimelineRow;
  readonly axis: TimeAxis;
  readonly isChosen: boolean;
}): JSX.Element {
  const text = row.segments
    .map((segment) => `${wordOf(segment)} ${formatDuration(segment.to - segment.from)}`)
    .join(", ");
  return (
    <button
      type="button"
      class={`timeline-row ${isChosen ? "is-chosen" : ""} ${row.isCritical ? "is-critical" : ""}`}
      aria-pressed={isChosen}
      aria-label={`${row.task}, ${statusWord(row.status)}${row.isCritical ? ", on the critical path" : ""}${text === "" ? "" : `: ${text}`}`}
      onClick={() => setQuery({ task: isChosen ? null : row.task, item: null }, "push")}
    >
      <span class="timeline-name">
        <StatusIcon status={row.status} size={12} />
        <Name text={row.task} />
      </span>
      <span class="timeline-bars">
        {row.segments.map((segment, index) =>
          segment.kind === "items" ? (
            <Items key={index} model={model} task={row.task} span={segment} axis={axis} />
          ) : (
            <span
              key={index}
              class={classOf(segment)}
              style={placeOf(segment, axis)}
              title={`${wordOf(segment)}: ${formatDuration(segment.to - segment.from)}`}
            />
          ),
        )}
        {row.nextAt !== null && <NextAttempt at={row.nextAt} axis={axis} />}
      </span>
    </button>
  );
}

/**
 * Shows a run that a task has triggered, below the row of the task, as one bar from its start to
 * its end. The row is a link to the page of that run.
 */
export function ChildRow({
  child,
  axis,
}: {
  readonly child: ChildRun;
  readonly axis: TimeAxis;
}): JSX.Element {
  const span = { from: child.from, to: child.to ?? fastNow.value };
  const text = `${statusWord(child.status)}: ${formatDuration(span.to - span.from)}`;
  return (
    <a
      class="timeline-row is-child"
      href={runPath(child.runId)}
      aria-label={`Child run of ${child.task}, ${text}`}
    >
      <span class="timeline-name">
        <StatusIcon status={child.status} size={12} />
        <Name text={child.task} />
      </span>
      <span class="timeline-bars">
        <span class={`segment s-${child.status}`} style={placeOf(span, axis)} title={text} />
      </span>
    </a>
  );
}

/**
 * Shows the items of a task as an area: the height is the number at work, red marks are failures.
 *
 * A task may have ten thousand items, so bars for single items would be too narrow to see.
 */
function Items({
  model,
  task,
  span,
  axis,
}: {
  readonly model: RunModel;
  readonly task: string;
  readonly span: Span;
  readonly axis: TimeAxis;
}): JSX.Element {
  const spans = useItemSpans(model, task).value;
  const { working, failed } = densityOf(spans, span, PARTS);
  // The area is scaled to its highest part: the tooltip has the number.
  const most = Math.max(1, ...working);
  const heights = working.map((count) => (count / most) * 16);
  const line = heights
    .map((height, at) => `L${at} ${18 - height}L${at + 1} ${18 - height}`)
    .join("");
  const text = `items: up to ${formatCount(Math.ceil(most))} at work, ${formatCount(spans.length)} attempts`;
  return (
    <span class="segment segment-items" style={placeOf(span, axis)} title={text}>
      <svg viewBox={`0 0 ${PARTS} 20`} preserveAspectRatio="none" aria-hidden="true">
        <path d={`M0 18${line}L${PARTS} 18Z`} />
        {failed.map(
          (count, at) =>
            count > 0 && <rect key={at} class="is-failed" x={at} y={0} width={1} height={18} />,
        )}
      </svg>
    </span>
  );
}

/**
 * Marks the next attempt with the time until then. An attempt beyond the axis is marked at its end,
 * and its words stand on the left, where they have room.
 */
function NextAttempt({ at, axis }: { readonly at: number; readonly axis: TimeAxis }): JSX.Element {
  const place = Math.min(1, axis.placeOf(at));
  const text = `next attempt in ${formatDuration(Math.max(0, at - fastNow.value))}`;
  return (
    <span
      class={`timeline-next ${place > 0.8 ? "is-left" : ""}`}
      style={{ left: `${place * 100}%` }}
    >
      {text}
    </span>
  );
}

/**
 * Computes the style of a span on the axis, in percent, so that a change of the width needs no
 * rendering.
 */
function placeOf(
  { from, to }: Span,
  axis: TimeAxis,
): { readonly left: string; readonly width: string } {
  const start = axis.placeOf(from);
  return { left: `${start * 100}%`, width: `${(axis.placeOf(to) - start) * 100}%` };
}

/** Describes a segment for labels and tooltips. */
function wordOf(segment: Segment): string {
  switch (segment.kind) {
    case "attempt":
      return `attempt ${segment.attempt}, ${statusWord(segment.status)}`;
    case "queued":
      return "queued";
    case "retry":
      return "waited for its next attempt";
    case "waiting":
      return "waited";
    case "items":
      return "its items ran";
  }
}

/** The style of a segment; an attempt has the colour of its status. */
function classOf(segment: Segment): string {
  return segment.kind === "attempt"
    ? `segment s-${segment.status}`
    : `segment segment-${segment.kind}`;
}
