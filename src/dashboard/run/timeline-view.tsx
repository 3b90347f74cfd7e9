/**
 * The timeline of a run: a row per task, rendered only where visible.
 *
 * - The bars show where the time went: in the queue, in attempts, between them, in waiting.
 * - Tasks on the critical path are marked: only they could make the run shorter.
 * - A retry by a user is a break in the axis: the time before it belongs to no task.
 * - Dragging over the axis shows a part of the time; so do the buttons.
 */
import { useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { formatCount, formatDuration } from "../format.ts";
import { fastNow } from "../live/clock.ts";
import type { RunModel } from "../live/run-model.ts";
import { Button, IconButton } from "../parts/button.tsx";
import { Chips } from "../parts/chips.tsx";
import { VirtualList } from "../parts/virtual-list.tsx";
import { timeAxis, type TimeAxis } from "../time-axis.ts";
import { isFinal, type Span, type Timeline, timelineOf, type TimelineRow } from "../timeline.ts";
import { type ChildRun, MOST_CHILDREN, useChildRuns } from "./child-runs.ts";
import { ChildRow, TaskRow } from "./timeline-row.tsx";

/** The height of a row in pixels. */
const ROW_HEIGHT = 30;
/** The maximum height of the rows in pixels. */
const MAX_HEIGHT = 420;
/** The space of a mark on the axis in pixels. */
const MARK_WIDTH = 110;
/** The width of a mark's text in pixels: a mark nearer to the end has its text on the left. */
const TEXT_WIDTH = 60;
/** The step by which the axis of a running run grows. */
const ADVANCE_MS = 2_000;
/** The share of the axis for attempts that are still to come. */
const FUTURE = 0.25;
/** The shortest window in milliseconds. */
const SHORTEST_MS = 5;
/** Timelines up to this number of tasks have no filter. */
const FEW = 6;

/** The rows to choose from. */
const FILTERS = ["all", "failed", "critical path", "by start"] as const;
/** A filter or order of the rows. */
type Filter = (typeof FILTERS)[number];

/**
 * Shows the timeline with filters, zoom and legend. `chosen` is the task whose panel is open.
 *
 * The axis is that of the whole run unless a part is chosen. A chosen part stays while the run goes
 * on, so that what the user looks at does not move.
 */
export function TimelineView({
  model,
  chosen,
}: {
  readonly model: RunModel;
  readonly chosen: string | null;
}): JSX.Element | null {
  const place = useRef<HTMLDivElement>(null);
  // The width of the axis in pixels, which limits the number of marks. The first rendering
  // estimates.
  const width = useSignal(600);
  const filter = useSignal<Filter>("all");
  const zoomed = useSignal<Span | null>(null);
  const children = useChildRuns(model);
  const timeline = useComputed<Timeline | null>(() => {
    const run = model.document();
    if (run === null) return null;
    // The time of a finished run is not read, so that the clock draws nothing.
    return timelineOf(run, isFinal(run.status) ? 0 : fastNow.value);
  });
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => (width.value = element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, [width]);
  if (timeline.value === null) return null;
  const { from, breaks } = timeline.value;
  const whole = wholeOf(timeline.value, model.head.value?.finished_at === null);
  const window = zoomed.value ?? whole;
  const axis = timeAxis(from, window, breaks);
  const rows = shownRows(timeline.value.rows, children.value, filter.value);
  /** Shows a shorter or longer time around the middle of the window. */
  const zoom = (factor: number): void => {
    const middle = (window.from + window.to) / 2;
    const half = Math.max(SHORTEST_MS, ((window.to - window.from) / 2) * factor);
    const next = {
      from: Math.max(whole.from, middle - half),
      to: Math.min(whole.to, middle + half),
    };
    zoomed.value = next.from === whole.from && next.to === whole.to ? null : next;
  };
  return (
    <div class="timeline">
      <div class="timeline-tools">
        {timeline.value.rows.length > FEW && (
          <Chips
            label="Which tasks"
            names={FILTERS}
            isPressed={(name) => name === filter.value}
            onPress={(name) => (filter.value = name)}
          />
        )}
        <span class="spacer" />
        {zoomed.value !== null && (
          <Button style="button-small" onClick={() => (zoomed.value = null)}>
            Whole run
          </Button>
        )}
        <span class="timeline-zoom" role="group" aria-label="Zoom of the time">
          <IconButton icon="plus" label="A shorter time" size={13} onClick={() => zoom(0.5)} />
          <IconButton icon="minus" label="A longer time" size={13} onClick={() => zoom(2)} />
        </span>
      </div>
      <div class="timeline-axis" aria-hidden="true">
        <div class="timeline-marks" ref={place}>
          <Brush axis={axis} onChoose={(span) => (zoomed.value = span)} />
          {axis
            .marks(Math.max(2, Math.floor(width.value / MARK_WIDTH)))
            .map(({ ms, place: at }) => (
              <span
                key={ms}
                class={`timeline-mark ${(1 - at) * width.value < TEXT_WIDTH ? "is-left" : ""}`}
                style={{ left: `${at * 100}%` }}
              >
                {ms === 0 ? "0" : formatDuration(ms).replace(/\.0+ /, " ")}
              </span>
            ))}
        </div>
      </div>
      <div class="timeline-rows">
        <Breaks axis={axis} />
        <VirtualList
          label="Timeline of the tasks"
          count={rows.length}
          rowHeight={ROW_HEIGHT}
          maxHeight={MAX_HEIGHT}
          row={(index) => {
            const row = rows[index];
            if (row === undefined) return null;
            return "runId" in row ? (
              <ChildRow key={row.runId} child={row} axis={axis} />
            ) : (
              <TaskRow
                key={row.task}
                model={model}
                row={row}
                axis={axis}
                isChosen={row.task === chosen}
              />
            );
          }}
        />
      </div>
      <Legend />
      {(model.head.value?.children.length ?? 0) > MOST_CHILDREN && (
        <p class="muted small">
          The first {MOST_CHILDREN} of {formatCount(model.head.value?.children.length ?? 0)} child
          runs have rows.
        </p>
      )}
    </div>
  );
}

/** The whole time of a run. That of a running run grows in steps, so that bars do not shake. */
function wholeOf({ from, to, rows }: Timeline, isRunning: boolean): Span {
  if (!isRunning) return { from, to };
  const grown = to - from;
  const next = rows.reduce((last, { nextAt }) => Math.max(last, nextAt ?? 0), to);
  const shown = Math.max(grown * 1.08, Math.min(next - from, grown * (1 + FUTURE)));
  return { from, to: from + Math.ceil(shown / ADVANCE_MS) * ADVANCE_MS };
}

/** The rows of the filter. Child runs follow the task that has triggered them. */
function shownRows(
  rows: readonly TimelineRow[],
  children: readonly ChildRun[],
  filter: Filter,
): readonly (TimelineRow | ChildRun)[] {
  const kept =
    filter === "failed"
      ? rows.filter(({ status }) => status === "failed")
      : filter === "critical path"
        ? rows.filter(({ isCritical }) => isCritical)
        : filter === "by start"
          ? rows.toSorted((a, b) => startOf(a) - startOf(b))
          : rows;
  if (children.length === 0) return kept;
  return kept.flatMap((row) => [row, ...children.filter(({ parent }) => parent === row.task)]);
}

/** The beginning of a task; one that has none is the last. */
function startOf({ segments }: TimelineRow): number {
  return segments[0]?.from ?? Number.POSITIVE_INFINITY;
}

/** The breaks of the axis as stripes over all rows, with the time that they leave out. */
function Breaks({ axis }: { readonly axis: TimeAxis }): JSX.Element {
  return (
    <div class="timeline-breaks">
      {axis.breaks.map(({ from, to, start, end }) => (
        <span
          key={from}
          class="timeline-break"
          style={{ left: `${start * 100}%`, width: `${(end - start) * 100}%` }}
          title={`The run was over for ${formatDuration(to - from)}, until it was retried.`}
        >
          <span>retried after {formatDuration(to - from)}</span>
        </span>
      ))}
    </div>
  );
}

/** Lets the pointer choose a part of the time. The buttons do the same for the keyboard. */
function Brush({
  axis,
  onChoose,
}: {
  readonly axis: TimeAxis;
  readonly onChoose: (span: Span) => void;
}): JSX.Element {
  const start = useSignal<number | null>(null);
  const end = useSignal(0);
  /** The place of the pointer as a share of the axis. */
  const shareOf = (event: PointerEvent & { currentTarget: HTMLElement }): number => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - left) / width));
  };
  /** Chooses the marked time. A click without a drag chooses nothing. */
  const finish = (): void => {
    const [from, to] = [start.value ?? 0, end.value].toSorted((a, b) => a - b);
    start.value = null;
    if (from === undefined || to === undefined || to - from < 0.01) return;
    const span = { from: axis.timeAt(from), to: axis.timeAt(to) };
    if (span.to - span.from >= SHORTEST_MS) onChoose(span);
  };
  return (
    <div
      class="timeline-brush"
      title="Drag to see a part of the time"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        start.value = end.value = shareOf(event);
      }}
      onPointerMove={(event) => {
        if (start.value !== null) end.value = shareOf(event);
      }}
      onPointerUp={finish}
      onPointerCancel={() => (start.value = null)}
    >
      {start.value !== null && (
        <span
          style={{
            left: `${Math.min(start.value, end.value) * 100}%`,
            width: `${Math.abs(end.value - start.value) * 100}%`,
          }}
        />
      )}
    </div>
  );
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
