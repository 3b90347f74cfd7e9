/**
 * The components of an endpoint side by side: shares, times, fallbacks, clicks, and runs. Clicks on
 * answers of the fallback have a separate row, since no component has earned the clicks.
 */
import type { JSX } from "preact";
import type { RecommendationCounts } from "../../contract/recommendations.ts";
import { formatCount, formatRate, shortId } from "../format.ts";
import { Table } from "../parts/table.tsx";
import { Time } from "../parts/time.tsx";
import { runPath } from "../routes.ts";

/** A component with the counts of the span. */
type Component = RecommendationCounts["components"][number];

/** The columns of the table, of the chosen span. Percentiles are in milliseconds. */
const COLUMNS = [
  "Component",
  ["Share", "wide"],
  ["p50", "right"],
  ["p99", "right"],
  ["Fallbacks", "right"],
  ["Failed", "right"],
  ["Cached", "right"],
  ["Clicks", "right"],
  "Computed by",
] as const;

/**
 * Shows a row per component, in the order of peach.conf and with components that peach.conf has no
 * more at the end, and a row for the clicks on answers of the fallback, if the endpoint has one.
 */
export function ComponentTable({
  counts: { components, fallback, fallback_clicks: clicks },
}: {
  readonly counts: RecommendationCounts;
}): JSX.Element {
  const weights = components.reduce((sum, { weight }) => sum + (weight ?? 0), 0);
  const answers = components.reduce((sum, one) => sum + one.fallback, 0);
  return (
    <Table label="Components" columns={COLUMNS}>
      {components.map((component) => (
        <ComponentRow key={component.component} component={component} weights={weights} />
      ))}
      {fallback !== null && (
        <tr>
          <td>
            <span class="muted">fallback</span>
          </td>
          <td class="wide" />
          <td />
          <td />
          <td />
          <td />
          <td />
          <td class="right number">
            <Clicks clicks={clicks} answers={answers} />
          </td>
          <td />
        </tr>
      )}
    </Table>
  );
}

/**
 * Shows a component. The bar is its share of the requests in the span; the weight from peach.conf
 * stands below, so that a split that does not hold is seen.
 *
 * A component that has left peach.conf keeps its row while the span has counts of it.
 */
function ComponentRow({
  component: one,
  weights,
}: {
  readonly component: Component;
  readonly weights: number;
}): JSX.Element {
  const { component, method, weight, share, served, fallback, failed, cache_hits: hits } = one;
  // All requests of the component: answered by the component, by the fallback, or not at all.
  const requests = served + fallback + failed;
  const percent = Math.round((share ?? 0) * 1_000) / 10;
  return (
    <tr>
      <td>
        {component}
        <div class="muted small">{method === null ? "not in peach.conf" : method}</div>
      </td>
      <td class="wide">
        <div class="usage">
          <span
            class="bar"
            role="meter"
            aria-label={`Share of ${component}`}
            aria-valuemin={0}
            aria-valuemax={100}
            aria-valuenow={percent}
          >
            <span class="bar-done" style={{ width: `${percent}%` }} />
          </span>
          <span class="number">{share === null ? "–" : `${percent}%`}</span>
        </div>
        {weight !== null && (
          <div class="muted small">weight {weights === 0 ? "–" : formatRate(weight, weights)}</div>
        )}
      </td>
      <td class="right number">{msText(one.p50_ms)}</td>
      <td class="right number">{msText(one.p99_ms)}</td>
      <td class="right number">
        <Part part={fallback} whole={requests} />
      </td>
      <td class="right number">
        <Part part={failed} whole={requests} />
      </td>
      <td class="right number">{formatRate(hits, served)}</td>
      <td class="right number">
        <Clicks clicks={one.clicks} answers={served} />
      </td>
      <td>
        {one.run === null ? (
          <span class="muted">–</span>
        ) : (
          <>
            <a class="nowrap" href={runPath(one.run.run_id, one.run.task)}>
              {one.run.task} <code>{shortId(one.run.run_id)}</code>
            </a>
            <div class="muted small">
              <Time at={one.run.at} />
            </div>
          </>
        )}
      </td>
    </tr>
  );
}

/** Shows a count with its rate of the whole. A zero is muted and has no rate. */
function Part({ part, whole }: { readonly part: number; readonly whole: number }): JSX.Element {
  if (part === 0) return <span class="muted">0</span>;
  return (
    <>
      {formatCount(part)} <span class="muted small">{formatRate(part, whole)}</span>
    </>
  );
}

/**
 * Shows clicks with their rate per answer. An answer may get several clicks: the rate never exceeds
 * 100 %.
 */
function Clicks({
  clicks,
  answers,
}: {
  readonly clicks: number;
  /** Answers in the span that a user could have clicked. */
  readonly answers: number;
}): JSX.Element {
  return <Part part={clicks} whole={Math.max(clicks, answers)} />;
}

/** Formats a time of a few milliseconds. Below 10 ms it has a decimal. */
function msText(ms: number | null): string {
  if (ms === null) return "–";
  return ms < 10 ? `${Math.round(ms * 10) / 10} ms` : `${formatCount(Math.round(ms))} ms`;
}
