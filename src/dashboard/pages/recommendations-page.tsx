/**
 * The page Recommendations: the components of recommendation endpoints side by side.
 *
 * API calls:
 * - `GET /recommendations`: shares, times, fallbacks and clicks, every three seconds.
 * - `GET /recommendations/NAME/try`: an answer on demand, by the form of an open endpoint.
 *
 * Query parameter: `window` is the span of time that is counted; without it 24 hours.
 */
import type { JSX } from "preact";
import type { CountWindow, RecommendationCounts } from "../../contract/recommendations.ts";
import { formatDuration, formatPlural } from "../format.ts";
import { query, setQuery } from "../location.ts";
import { Fact } from "../parts/fact.tsx";
import { useGet } from "../parts/load.ts";
import { usePageTitle } from "../parts/page-title.ts";
import { Select } from "../parts/select.tsx";
import { Empty, Read } from "../parts/states.tsx";
import { ComponentTable } from "../recommendations/component-table.tsx";
import { TryForm } from "../recommendations/try-form.tsx";
import { recommendationsPath } from "../routes.ts";

/** The interval between reads. Counts arrive within five seconds. */
const REFRESH_MS = 3_000;

/** The spans of the list; without a choice 24 hours are counted. */
const OTHER_WINDOWS = ["1h", "7d", "all"] as const satisfies readonly CountWindow[];
/** The names of the spans. */
const WINDOW_TEXTS: Readonly<Record<(typeof OTHER_WINDOWS)[number], string>> = {
  "1h": "Last hour",
  "7d": "Last 7 days",
  all: "All time",
};

/** Lists the endpoints, or shows the endpoint of this name with a form to try it. */
export function RecommendationsPage({ name }: { readonly name: string | null }): JSX.Element {
  usePageTitle(name ?? "Recommendations");
  const chosen = OTHER_WINDOWS.find((one) => one === query.value.get("window")) ?? null;
  const read = useGet<{ readonly recommendations: readonly RecommendationCounts[] }>(
    `/recommendations?window=${chosen ?? "24h"}`,
    REFRESH_MS,
  );
  return (
    <>
      <div class="recommendations-head">
        <div>
          {name !== null && (
            <a class="small" href={recommendationsPath()}>
              All recommendations
            </a>
          )}
          <h1>{name ?? "Recommendations"}</h1>
        </div>
        <Select
          label="Span of time"
          none="Last 24 hours"
          values={OTHER_WINDOWS}
          chosen={chosen}
          onChoose={(window) => setQuery({ window }, "replace")}
          text={(window) => WINDOW_TEXTS[window]}
        />
      </div>
      <Read from={read} lines={8} label="the recommendations">
        {({ recommendations }) => (
          <Endpoints
            name={name}
            endpoints={recommendations.filter(({ endpoint }) => name === null || endpoint === name)}
          />
        )}
      </Read>
    </>
  );
}

/** The endpoints as cards; advice without any. */
function Endpoints({
  name,
  endpoints,
}: {
  readonly name: string | null;
  readonly endpoints: readonly RecommendationCounts[];
}): JSX.Element {
  if (endpoints.length === 0)
    return name === null ? (
      <Empty icon="recommendations" title="No endpoint has components">
        <code>components</code> in peach.conf make an endpoint serve recommendations.
      </Empty>
    ) : (
      <Empty icon="search" title="There is no such recommendation endpoint">
        <a href={recommendationsPath()}>To the recommendations</a>
      </Empty>
    );
  return (
    <>
      {endpoints.map((counts) => (
        <section class="card recommendation" key={counts.endpoint} aria-label={counts.endpoint}>
          <header class="panel-head">
            <h2 class="ellipsis">
              {name === null ? (
                <a href={recommendationsPath(counts.endpoint)}>{counts.endpoint}</a>
              ) : (
                "Components"
              )}
            </h2>
            <span class="spacer" />
            <span class="muted small">{requestsText(counts)}</span>
          </header>
          <Facts counts={counts} />
          <ComponentTable counts={counts} />
        </section>
      ))}
      {name !== null && endpoints[0] !== undefined && (
        <TryForm key={endpoints[0].endpoint} endpoint={endpoints[0]} />
      )}
    </>
  );
}

/** Sums the requests of all components. */
function requestsText({ components }: RecommendationCounts): string {
  const requests = components.reduce(
    (sum, { served, fallback, failed }) => sum + served + fallback + failed,
    0,
  );
  return formatPlural(requests, "request");
}

/** The split, the cache and the fallback. */
function Facts({ counts }: { readonly counts: RecommendationCounts }): JSX.Element {
  const { split, cache_ms, fallback, url } = counts;
  return (
    <dl class="facts">
      <Fact name="Address">
        <code>{url}</code>
      </Fact>
      <Fact name="Split by">
        {split.by === "user" ? (
          <>
            user, the parameter <code>{split.param}</code>
          </>
        ) : (
          split.by
        )}
      </Fact>
      <Fact name="Fallback">{fallback === null ? "none" : <code>{fallback}</code>}</Fact>
      <Fact name="Cache">{cache_ms === null ? "none" : formatDuration(cache_ms)}</Fact>
    </dl>
  );
}
