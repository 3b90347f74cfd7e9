/** Runs over time as a strip of bars: the height shows how many, the colour how they ended. */
import type { JSX } from "preact";
import type { RunStatistics } from "../../contract/statistics.ts";
import type { RunStatus } from "../../domain/statuses.ts";
import { formatClock, formatPlural } from "../format.ts";
import { now } from "../live/clock.ts";

type Interval = RunStatistics["tasks"][number]["intervals"][number];

/** Properties of a strip. */
export interface TimeStripProps {
  /** The name of the pipeline, for screen readers. */
  readonly label: string;
  readonly span: Pick<RunStatistics, "since" | "until" | "interval_ms">;
  readonly intervals: readonly Interval[];
}

/** Statuses from the bottom of a bar upwards: failures first, where the eye looks. */
const STACK: readonly RunStatus[] = ["failed", "cancelled", "running", "queued", "succeeded"];
const HEIGHT = 28;

/** The number of runs of an interval. */
export function totalOf({ counts }: Pick<Interval, "counts">): number {
  return STACK.reduce((sum, status) => sum + counts[status], 0);
}

/** Draws the strip. A bar's height is the square root of its share: a single run stays visible. */
export function TimeStrip({ label, span, intervals }: TimeStripProps): JSX.Element {
  const { since, until, interval_ms: step } = span;
  const begin = Date.parse(since);
  const count = Math.max(1, Math.ceil((Date.parse(until) - begin) / step));
  const most = Math.max(1, ...intervals.map(totalOf));
  const runs = intervals.reduce((sum, interval) => sum + totalOf(interval), 0);
  const failed = intervals.reduce((sum, { counts }) => sum + counts.failed, 0);
  return (
    <svg
      class="time-strip"
      viewBox={`0 0 ${count} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={`${label}: ${formatPlural(runs, "run")}, ${failed} failed`}
    >
      <rect class="time-strip-ground" x={0} y={HEIGHT - 1} width={count} height={1} />
      {intervals.map((interval) => {
        const x = Math.round((Date.parse(interval.at) - begin) / step);
        const total = totalOf(interval);
        const height = Math.max(4, Math.sqrt(total / most) * (HEIGHT - 2));
        let below = 0;
        return (
          <g key={interval.at}>
            <title>{titleOf(interval)}</title>
            {STACK.map((status) => {
              const share = (interval.counts[status] / total) * height;
              below += share;
              return share === 0 ? null : (
                <rect
                  key={status}
                  class={`s-${status}`}
                  x={x + 0.1}
                  y={HEIGHT - below}
                  width={0.8}
                  height={share}
                />
              );
            })}
          </g>
        );
      })}
    </svg>
  );
}

/** The counts of a bar as a text, such as `14:00: 3 failed, 2 succeeded`. */
function titleOf({ at, counts }: Interval): string {
  const parts = STACK.flatMap((status) =>
    counts[status] === 0 ? [] : `${counts[status]} ${status}`,
  );
  return `${formatClock(Date.parse(at), now.value)}: ${parts.join(", ")}`;
}
