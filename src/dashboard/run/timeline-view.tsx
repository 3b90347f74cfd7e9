/**
 * The timeline of a run: a row per task, rendered only where visible.
 *
 * The bars show where the time went:
 * - queued: the task was ready and no attempt had started;
 * - an attempt, in the colour of its outcome;
 * - the delay before the next attempt;
 * - waiting for a completion or another run.
 *
 * Tasks on the critical path are marked: only they could make the run shorter.
 */
import { useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { formatDuration } from "../format.ts";
import { fastNow } from "../live/clock.ts";
import type { RunModel } from "../live/run-model.ts";
import { setQuery } from "../location.ts";
import { StatusIcon, statusWord } from "../parts/status.tsx";
import { VirtualList } from "../parts/virtual-list.tsx";
import {
  axisMarks,
  isFinal,
  type Segment,
  type Timeline,
  timelineOf,
  type TimelineRow,
} from "../timeline.ts";

/** The height of a row in pixels. */
const ROW_HEIGHT = 30;
/** The maximum height of the rows in pixels. */
const MAX_HEIGHT = 420;
/** The space of a mark on the axis in pixels. */
const MARK_WIDTH = 110;
/** The step by which the axis of a running run grows. */
const ADVANCE_MS = 2_000;

/** Shows the timeline. `chosen` is the task whose panel is open. */
export function TimelineView({
  model,
  chosen,
}: {
  readonly model: RunModel;
  readonly chosen: string | null;
}): JSX.Element | null {
  const axis = useRef<HTMLDivElement>(null);
  const width = useSignal(600);
  const timeline = useComputed<Timeline | null>(() => {
    const run = model.document();
    if (run === null) return null;
    // The time of a finished run is not read, so that the clock draws nothing.
    return timelineOf(run, isFinal(run.status) ? 0 : fastNow.value);
  });
  useEffect(() => {
    const element = axis.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => (width.value = element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, [width]);
  if (timeline.value === null) return null;
  const { from, rows } = timeline.value;
  const isRunning = model.head.value?.finished_at === null;
  // The axis of a running run grows in steps: bars then grow steadily and do not shake.
  const grown = timeline.value.to - from;
  const span = isRunning ? Math.ceil((grown * 1.08) / ADVANCE_MS) * ADVANCE_MS : grown;
  const scale = { from, span };
  return (
    <div class="timeline">
      <div class="timeline-axis" aria-hidden="true">
        <div class="timeline-marks" ref={axis}>
          {axisMarks(span, Math.max(2, Math.floor(width.value / MARK_WIDTH))).map((mark) => (
            <span key={mark} class="timeline-mark" style={{ left: `${(mark / span) * 100}%` }}>
              {mark === 0 ? "0" : formatDuration(mark).replace(/\.0+ /, " ")}
            </span>
          ))}
        </div>
      </div>
      <VirtualList
        label="Timeline of the tasks"
        count={rows.length}
        rowHeight={ROW_HEIGHT}
        maxHeight={MAX_HEIGHT}
        row={(index) => {
          const row = rows[index];
          return (
            row !== undefined && <Row row={row} scale={scale} isChosen={row.task === chosen} />
          );
        }}
      />
      <Legend />
    </div>
  );
}

/** The start and length of the axis in milliseconds. */
interface Scale {
  readonly from: number;
  readonly span: number;
}

/** A task with its segments. The label tells screen readers what the bars show. */
function Row({
  row,
  scale,
  isChosen,
}: {
  readonly row: TimelineRow;
  readonly scale: Scale;
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
        <span class="ellipsis">{row.task}</span>
      </span>
      <span class="timeline-bars">
        {row.segments.map((segment, index) => (
          <span
            key={index}
            class={classOf(segment)}
            style={{
              left: `${((segment.from - scale.from) / scale.span) * 100}%`,
              width: `${((segment.to - segment.from) / scale.span) * 100}%`,
            }}
            title={`${wordOf(segment)}: ${formatDuration(segment.to - segment.from)}`}
          />
        ))}
      </span>
    </button>
  );
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
  }
}

/** The style of a segment; an attempt has the colour of its status. */
function classOf(segment: Segment): string {
  return segment.kind === "attempt"
    ? `segment s-${segment.status}`
    : `segment segment-${segment.kind}`;
}

/** Explains the colours of the bars. */
function Legend(): JSX.Element {
  return (
    <ul class="legend" aria-label="What the bars mean">
      <li>
        <span class="segment segment-queued" /> queued
      </li>
      <li>
        <span class="segment s-succeeded" /> ran
      </li>
      <li>
        <span class="segment s-failed" /> failed
      </li>
      <li>
        <span class="segment segment-retry" /> until its next attempt
      </li>
      <li>
        <span class="segment segment-waiting" /> waited
      </li>
      <li>
        <span class="legend-critical" /> critical path
      </li>
    </ul>
  );
}
