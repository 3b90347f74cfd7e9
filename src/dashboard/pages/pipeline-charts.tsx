/**
 * Charts of a pipeline over time: how many runs there were and how they ended, and how long they
 * took. A part that is chosen filters the page.
 *
 * Pointer: a drag chooses a part, a click an interval. Keys: left and right move the choice, with
 * Shift they widen it, Escape drops it.
 */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import type { RunSummary } from "../../contract/run-lists.ts";
import type { RunStatistics } from "../../contract/statistics.ts";
import { RUN_STATUSES } from "../../domain/statuses.ts";
import { formatClock, formatDuration, formatPlural, percentile } from "../format.ts";
import { now } from "../live/clock.ts";
import { navigate, query, setQuery } from "../location.ts";
import { TimeStrip, totalOf } from "../parts/time-strip.tsx";
import { runPath, timeOf } from "../routes.ts";

/** Sizes of the chart of durations, in units of its drawing. */
const WIDTH = 1_000;
const HEIGHT = 90;

/** A chosen part in milliseconds since 1970. `to` is excluded. Both ends lie between intervals. */
interface Part {
  readonly from: number;
  readonly to: number;
}

/**
 * Shows both charts above each other, with one time axis: the number of runs by interval, and a dot
 * for the duration of each run.
 *
 * While a drag goes on, the marked part is not in the address yet. The address changes once, at its
 * end, so that the page does not read runs for every move.
 */
export function PipelineCharts({
  statistics,
  runs,
}: {
  /** Counts of the pipeline by interval. */
  readonly statistics: RunStatistics;
  readonly runs: readonly RunSummary[];
}): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const drag = useSignal<Part | null>(null);
  const { since, until, interval_ms: step } = statistics;
  const [begin, end] = [Date.parse(since), Date.parse(until)];
  const axis = { begin, end: begin + Math.max(1, Math.ceil((end - begin) / step)) * step };
  const intervals = statistics.tasks[0]?.intervals ?? [];
  const part = drag.value ?? chosenPart();
  /** Converts the place of the pointer to a time on the axis. */
  const timeAt = (event: PointerEvent): number => {
    const box = place.current?.getBoundingClientRect();
    if (box === undefined || box.width === 0) return begin;
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    return begin + share * (axis.end - begin);
  };
  /** Widens the part between two times to whole intervals. */
  const grow = (one: number, other: number): Part => ({
    from: Math.floor((Math.min(one, other) - begin) / step) * step + begin,
    to: Math.ceil((Math.max(one, other) + 1 - begin) / step) * step + begin,
  });
  // The time at which the drag began.
  const anchor = useRef(0);
  return (
    <section class="charts card" aria-label="Charts">
      <p class="chart-head">
        <b>Runs</b>
        <span class="muted" aria-live="polite">
          {summaryOf(intervals, part)}
        </span>
      </p>
      <div
        ref={place}
        class="chart-area"
        tabIndex={0}
        role="group"
        aria-label="Runs over time. Left and right choose an interval, with Shift several"
        onPointerDown={(event) => {
          anchor.current = timeAt(event);
          drag.value = grow(anchor.current, anchor.current);
          event.currentTarget.setPointerCapture(event.pointerId);
        }}
        onPointerMove={(event) => {
          if (drag.value !== null) drag.value = grow(anchor.current, timeAt(event));
        }}
        onPointerUp={() => {
          if (drag.value !== null) choose(drag.value);
          drag.value = null;
        }}
        onPointerCancel={() => (drag.value = null)}
        onKeyDown={(event) => moveChoice(event, part, { ...axis, step })}
      >
        <TimeStrip label="Runs over time" span={statistics} intervals={intervals} />
        {part !== null && (
          <span
            class="chart-choice"
            style={{
              left: `${((part.from - begin) / (axis.end - begin)) * 100}%`,
              width: `${((part.to - part.from) / (axis.end - begin)) * 100}%`,
            }}
          />
        )}
      </div>
      <p class="chart-axis muted">
        <span>{formatClock(begin, now.value)}</span>
        <span>{formatClock((begin + axis.end) / 2, now.value)}</span>
        <span>now</span>
      </p>
      <Durations runs={runs} axis={axis} />
    </section>
  );
}

/** The part in the address; null without one. */
function chosenPart(): Part | null {
  const [from, to] = [timeOf(query.value.get("from")), timeOf(query.value.get("to"))];
  return from === null || to === null ? null : { from: Date.parse(from), to: Date.parse(to) };
}

/** Puts the chosen part into the address. */
function choose({ from, to }: Part): void {
  setQuery({ from: new Date(from).toISOString(), to: new Date(to).toISOString() });
}

/**
 * Moves the chosen part by an interval, or with Shift widens it to one side. Escape drops the part.
 * Without a part, the keys begin at the end of the axis.
 */
function moveChoice(
  event: KeyboardEvent,
  part: Part | null,
  { end, step }: { readonly end: number; readonly step: number },
): void {
  if (event.key === "Escape" && part !== null) return setQuery({ from: null, to: null });
  const direction = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
  if (direction === 0) return;
  event.preventDefault();
  const last = part ?? { from: end, to: end + step };
  if (event.shiftKey)
    choose(direction < 0 ? { ...last, from: last.from - step } : { ...last, to: last.to + step });
  else choose({ from: last.from + direction * step, to: last.from + (direction + 1) * step });
}

/**
 * Says how many runs the chosen part has, or the whole span, and how they ended. Screen readers
 * announce the text after each choice.
 */
function summaryOf(
  intervals: RunStatistics["tasks"][number]["intervals"],
  part: Part | null,
): string {
  const chosen = intervals.filter(
    ({ at }) => part === null || (Date.parse(at) >= part.from && Date.parse(at) < part.to),
  );
  const total = chosen.reduce((sum, interval) => sum + totalOf(interval), 0);
  const counts = RUN_STATUSES.flatMap((status) => {
    const count = chosen.reduce((sum, interval) => sum + interval.counts[status], 0);
    return count === 0 ? [] : `${count} ${status}`;
  });
  const time =
    part === null
      ? ""
      : `${formatClock(part.from, now.value)} to ${formatClock(part.to, now.value)}: `;
  return `${time}${formatPlural(total, "run")}${counts.length === 0 ? "" : `: ${counts.join(", ")}`}`;
}

/** A dot for each run: when it was created, and how long it was at work. */
function Durations({
  runs,
  axis,
}: {
  readonly runs: readonly RunSummary[];
  readonly axis: { readonly begin: number; readonly end: number };
}): JSX.Element | null {
  const ended = runs.flatMap((run) =>
    run.duration_ms === null ? [] : [{ ...run, ms: run.duration_ms }],
  );
  if (ended.length === 0) return null;
  const all = ended.filter(({ status }) => status === "succeeded").map(({ ms }) => ms);
  const [median, p95] = [percentile(all, 0.5), percentile(all, 0.95)];
  const longest = Math.max(1, ...ended.map(({ ms }) => ms));
  const yOf = (ms: number): number => HEIGHT - 6 - Math.sqrt(ms / longest) * (HEIGHT - 12);
  const xOf = (at: string): number =>
    ((Date.parse(at) - axis.begin) / (axis.end - axis.begin)) * WIDTH;
  return (
    <>
      <p class="chart-head">
        <b title="Without waits, of the last round">Time at work</b>
        <span class="muted">
          {median === null
            ? "no run has succeeded"
            : `median ${formatDuration(median)}, p95 ${formatDuration(p95 ?? median)}, longest ${formatDuration(longest)}`}
        </span>
      </p>
      <svg
        class="durations"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label="Time at work of the runs"
      >
        {[median, p95].map(
          (ms, index) =>
            ms !== null && (
              <line key={index} class="duration-line" x1={0} x2={WIDTH} y1={yOf(ms)} y2={yOf(ms)} />
            ),
        )}
        {ended.map((run) => (
          <line
            key={run.run_id}
            class={`duration-dot s-${run.status}`}
            x1={xOf(run.created_at)}
            x2={xOf(run.created_at)}
            y1={yOf(run.ms)}
            y2={yOf(run.ms) + 0.01}
            onClick={() => navigate(runPath(run.run_id))}
          >
            <title>
              {run.status}, {formatDuration(run.ms)}
            </title>
          </line>
        ))}
      </svg>
    </>
  );
}
