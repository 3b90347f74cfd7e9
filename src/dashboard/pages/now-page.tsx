/**
 * The page Now, the first one: what fails and why, what waits, what is late, and a line for each
 * pipeline.
 *
 * API calls, every five seconds, and soon after a change that the feed reports:
 * - `GET /failures` and `GET /runs/statistics` of the span.
 * - `GET /tasks`, `GET /schedules`, `GET /health`, `GET /dead-letters`.
 * - `GET /runs`: open runs that are late, every 15 seconds.
 * - `GET /runs/feed`: changes of all runs, as one stream.
 *
 * Query parameters: `span`.
 */
import type { JSX } from "preact";
import { useCallback, useRef } from "preact/hooks";
import type { DeadLetterPage } from "../../contract/dead-letters.ts";
import type { Health } from "../../contract/health.ts";
import type { RunPage } from "../../contract/run-lists.ts";
import type { DeployedSchedule } from "../../contract/schedules.ts";
import type { Failures, RunStatistics } from "../../contract/statistics.ts";
import type { DeployedTask } from "../../contract/tasks.ts";
import { type Cause, causesOf } from "../causes.ts";
import { formatPlural } from "../format.ts";
import { readAttention } from "../live/attention.ts";
import { feedConnection, useFeed } from "../live/feed.ts";
import { setQuery } from "../location.ts";
import { CauseCard } from "../parts/cause-card.tsx";
import { Chips } from "../parts/chips.tsx";
import { Icon } from "../parts/icon.tsx";
import { LiveMark } from "../parts/live-mark.tsx";
import { type Loaded, useGet, usePoll } from "../parts/load.ts";
import { usePageTitle } from "../parts/page-title.ts";
import { Loading, Problem } from "../parts/states.tsx";
import { sinceOf, type Span, SPAN_NAMES } from "../routes.ts";
import { shownSpan, useYoungSpan } from "../span.ts";
import { AttentionTiles } from "./attention-tiles.tsx";
import { FirstSteps } from "./first-steps.tsx";
import { PipelineLines } from "./pipeline-lines.tsx";

/** The interval between reads, and the pause after a change of the feed, in milliseconds. */
const REFRESH_MS = 5_000;
const AFTER_CHANGE_MS = 400;
/** The late runs among the open ones, and the interval between reads of them. */
const LATE_RUNS = "/runs?late=true&status=queued,running&limit=50";
const REFRESH_LATE_MS = 15_000;
/** The number of causes on the page. A link leads to all of them. */
const SHOWN_CAUSES = 4;

/**
 * Shows what needs a person, then all pipelines. The order answers the questions of somebody on
 * call: what is broken and since when, what waits, and how everything else does.
 *
 * A deployment without any run shows the first steps in place of causes and tiles.
 */
export function NowPage(): JSX.Element {
  usePageTitle("Now");
  const span = shownSpan();
  /** Makes the path of a read at the moment of the read, since the span ends now. */
  const path = (route: string) => (now: number) =>
    `${route}?since=${encodeURIComponent(sinceOf(span, now))}`;
  const failures = usePoll<Failures>(span, path("/failures"), REFRESH_MS);
  const statistics = usePoll<RunStatistics>(span, path("/runs/statistics"), REFRESH_MS);
  const tasks = useGet<{ readonly tasks: readonly DeployedTask[] }>("/tasks", REFRESH_MS);
  const schedules = useGet<{ readonly schedules: readonly DeployedSchedule[] }>(
    "/schedules",
    REFRESH_MS,
  );
  const health = useGet<Health>("/health", REFRESH_MS);
  const late = useGet<RunPage>(LATE_RUNS, REFRESH_LATE_MS);
  const letters = useGet<DeadLetterPage>("/dead-letters?limit=50", REFRESH_MS);
  const reload = useCallback(() => {
    failures.reload();
    statistics.reload();
    void readAttention();
  }, []);
  useReloadAfterChanges(reload);
  const causes = failures.data.value === null ? null : causesOf(failures.data.value.groups);
  const deployed = tasks.data.value?.tasks ?? null;
  const runs = statistics.data.value;
  const isNew = runs !== null && runs.tasks.length === 0;
  useYoungSpan(span, runs);
  return (
    <>
      <div class="title-row">
        <h1>Now</h1>
        <LiveMark connection={feedConnection.value} />
        <span class="spacer" />
        <Chips
          label="Time span"
          names={SPAN_NAMES}
          isPressed={(name) => name === span}
          onPress={(name) => setQuery({ span: name })}
          content={(name) => SPAN_WORDS[name]}
        />
      </div>
      <Refusals reads={[failures, statistics, tasks, schedules, health, letters, late]} />
      {isNew && deployed !== null ? (
        <FirstSteps tasks={deployed} />
      ) : (
        <>
          <Causes causes={causes} span={span} onRetried={reload} />
          <AttentionTiles
            statistics={runs}
            tasks={deployed}
            schedules={schedules.data.value?.schedules ?? null}
            health={health.data.value}
            letters={letters.data.value}
            late={late.data.value}
          />
        </>
      )}
      {deployed === null || runs === null ? (
        <Loading lines={8} label="the pipelines" />
      ) : (
        <PipelineLines
          tasks={deployed}
          statistics={runs}
          causes={causes ?? []}
          schedules={schedules.data.value?.schedules ?? []}
          span={span}
        />
      )}
    </>
  );
}

/** The spans as words. */
const SPAN_WORDS: Readonly<Record<Span, string>> = {
  "1h": "1 hour",
  "24h": "24 hours",
  "7d": "7 days",
  "30d": "30 days",
};

/**
 * Reads again once a burst of changes is over. A batch of a thousand runs thus causes one read.
 * `reload` must be a stable function.
 */
function useReloadAfterChanges(reload: () => void): void {
  const timer = useRef<number | undefined>(undefined);
  const soon = useCallback(() => {
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(reload, AFTER_CHANGE_MS);
  }, [reload]);
  useFeed(soon, soon);
}

/** Shows the first refusal: the reads mostly fail together. */
function Refusals({ reads }: { readonly reads: readonly Loaded<unknown>[] }): JSX.Element | null {
  for (const { problem, reload } of reads)
    if (problem.value !== null) return <Problem problem={problem.value} onRetry={reload} />;
  return null;
}

/**
 * Shows the causes of failures with their sum, or says that nothing has failed. The sentence names
 * the span, since a shorter span hides older failures.
 */
function Causes({
  causes,
  span,
  onRetried,
}: {
  readonly causes: readonly Cause[] | null;
  readonly span: Span;
  readonly onRetried: () => void;
}): JSX.Element {
  if (causes === null) return <Loading lines={3} label="the failures" />;
  if (causes.length === 0)
    return (
      <p class="all-well">
        <Icon name="check" size={18} /> Nothing has failed in the last {SPAN_WORDS[span]}.
      </p>
    );
  const runs = causes.reduce((sum, { count }) => sum + count, 0);
  const pipelines = new Set(causes.flatMap((cause) => cause.pipelines.map(({ task }) => task)));
  return (
    <section class="causes" aria-labelledby="causes">
      <h2 id="causes">
        <span class="status-icon s-failed">
          <Icon name="cross" />
        </span>{" "}
        {formatPlural(causes.length, "cause")}{" "}
        <span class="muted">
          behind {formatPlural(runs, "failed run")} in {formatPlural(pipelines.size, "pipeline")}
        </span>
      </h2>
      {causes.slice(0, SHOWN_CAUSES).map((cause) => (
        <CauseCard key={cause.failure} cause={cause} filters={{ span }} onRetried={onRetried} />
      ))}
      {causes.length > SHOWN_CAUSES && (
        <a class="more-causes" href={`/dashboard/runs?view=groups&span=${span}`}>
          {formatPlural(causes.length - SHOWN_CAUSES, "more cause")}
        </a>
      )}
    </section>
  );
}
