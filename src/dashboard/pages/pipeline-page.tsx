/**
 * The page of a pipeline: its triggers in words, charts over time, a grid of runs and tasks,
 * figures of each task, its versions and its graph.
 *
 * API calls:
 * - `GET /tasks` and `GET /schedules`: the wiring, and the next due times.
 * - `GET /runs/statistics?task`: the chart.
 * - `GET /runs?task`: the last runs, and `GET /runs/ID` of the newest of them: the grid.
 * - `GET /failures?task`: the causes.
 * - `POST /tasks/TASK/pause` and `/resume`.
 *
 * Query parameters: `span`; `from` and `to`, the part of the chart that is chosen.
 */
import type { JSX } from "preact";
import { useCallback, useMemo } from "preact/hooks";
import type { RunPage, RunSummary } from "../../contract/run-lists.ts";
import type { DeployedSchedule } from "../../contract/schedules.ts";
import type { Failures, RunStatistics } from "../../contract/statistics.ts";
import type { DeployedTask } from "../../contract/tasks.ts";
import { post } from "../api.ts";
import { causesOf } from "../causes.ts";
import { formatExact, formatPlural } from "../format.ts";
import { GraphView } from "../graph/graph-view.tsx";
import { feedConnection, useFeed } from "../live/feed.ts";
import { useRunDocuments } from "../live/run-documents.ts";
import { query, setQuery } from "../location.ts";
import { ActionButton } from "../parts/button.tsx";
import { CauseCard } from "../parts/cause-card.tsx";
import { Chips } from "../parts/chips.tsx";
import { Icon } from "../parts/icon.tsx";
import { LiveMark } from "../parts/live-mark.tsx";
import { useGet, usePoll } from "../parts/load.ts";
import { Name } from "../parts/name.tsx";
import { usePageTitle } from "../parts/page-title.ts";
import { Empty, Loading, Problem } from "../parts/states.tsx";
import { tell } from "../parts/toasts.tsx";
import { NO_FILTERS, runsPath, sinceOf, SPAN_NAMES, timeOf, triggersPath } from "../routes.ts";
import { mayOperate, mayTrigger } from "../session.ts";
import { shownSpan, useYoungSpan } from "../span.ts";
import { taskStats, versionStats } from "../task-stats.ts";
import { PipelineCharts } from "./pipeline-charts.tsx";
import { PipelineGrid } from "./pipeline-grid.tsx";
import { tasksBelow } from "./pipeline-tasks.ts";
import { PipelineTriggers } from "./pipeline-triggers.tsx";
import { TaskTable, VersionTable } from "./task-table.tsx";

/** The interval between reads in milliseconds. A change of the feed is followed at once. */
const REFRESH_MS = 5_000;
/**
 * The number of runs that the charts read at most, and the number of the newest in the grid. The
 * grid reads the document of each of its runs.
 */
const LISTED_RUNS = 200;
const GRID_RUNS = 30;
/** The number of causes on the page. The page Runs shows all of them. */
const SHOWN_CAUSES = 3;

/**
 * Shows a pipeline by the name of its root task: triggers in words, charts, causes, the grid of
 * runs and tasks, figures and versions, and the graph.
 *
 * The span limits everything but the triggers and the graph. An interval that is chosen in the
 * charts limits the runs below; the charts keep the span, so that another interval can be chosen.
 */
export function PipelinePage({ name }: { readonly name: string }): JSX.Element {
  usePageTitle(name);
  const tasks = useGet<{ readonly tasks: readonly DeployedTask[] }>("/tasks", REFRESH_MS);
  const schedules = useGet<{ readonly schedules: readonly DeployedSchedule[] }>("/schedules");
  const span = shownSpan();
  const [from, to] = [timeOf(query.value.get("from")), timeOf(query.value.get("to"))];
  /** Makes the path of a read at the moment of the read, since the span ends now. */
  const asked = (path: string, more: Readonly<Record<string, string>>) => (now: number) =>
    `${path}?${new URLSearchParams({ task: name, ...more, since: sinceOf(span, now) })}`;
  const statistics = usePoll<RunStatistics>(span, asked("/runs/statistics", {}), REFRESH_MS);
  const failures = usePoll<Failures>(span, asked("/failures", {}), REFRESH_MS);
  const runs = usePoll<RunPage>(
    `${span} ${from} ${to}`,
    (now) =>
      `/runs?${new URLSearchParams({
        task: name,
        limit: String(LISTED_RUNS),
        created_after: from ?? sinceOf(span, now),
        ...(to !== null && { created_before: to }),
      })}`,
    REFRESH_MS,
  );
  // A change of a run alters all three answers.
  const reload = useCallback(() => {
    statistics.reload();
    failures.reload();
    runs.reload();
  }, []);
  useFeed(
    useCallback(
      (changed: readonly RunSummary[]) => {
        if (changed.some(({ task }) => task === name)) reload();
      },
      [name, reload],
    ),
    reload,
  );
  useYoungSpan(span, statistics.data.value);
  const all = tasks.data.value?.tasks ?? null;
  const root = all?.find(({ task }) => task === name) ?? null;
  const below = useMemo(() => (all === null ? [] : tasksBelow(name, all)), [all, name]);
  const listed = runs.data.value?.runs ?? null;
  const shown = useMemo(() => (listed ?? []).slice(0, GRID_RUNS).toReversed(), [listed]);
  const documents = useRunDocuments(shown);
  const problem = tasks.problem.value ?? statistics.problem.value ?? runs.problem.value;
  const causes = causesOf(failures.data.value?.groups ?? []);
  return (
    <>
      <p class="crumbs">
        <a href="/dashboard">Now</a> <span aria-hidden="true">/</span>
      </p>
      <Header name={name} root={root} onChanged={tasks.reload} />
      {problem !== null && <Problem problem={problem} onRetry={reload} />}
      {problem?.code !== "unknown_task" && (
        <>
          {root !== null && (
            <PipelineTriggers
              root={root}
              schedules={(schedules.data.value?.schedules ?? []).filter(
                ({ task }) => task === name,
              )}
            />
          )}
          <div class="filters">
            <Chips
              label="Time span"
              names={SPAN_NAMES}
              isPressed={(known) => known === span}
              onPress={(chosen) => setQuery({ span: chosen, from: null, to: null })}
            />
            {from !== null && (
              <button type="button" class="chip" onClick={() => setQuery({ from: null, to: null })}>
                {formatExact(Date.parse(from)).slice(0, -4)} and later{" "}
                <Icon name="cross" size={10} />
              </button>
            )}
            <a
              href={runsPath({
                ...NO_FILTERS,
                task: name,
                span: from === null ? span : null,
                from,
                to,
              })}
            >
              {from === null ? "All runs of the span" : "The runs of this interval"}
            </a>
          </div>
          {statistics.data.value === null || listed === null ? (
            <Loading lines={6} label="the charts" />
          ) : (
            <PipelineCharts statistics={statistics.data.value} runs={listed} />
          )}
          {causes.length > 0 && (
            <section class="causes" aria-label="Causes of failures">
              {causes.slice(0, SHOWN_CAUSES).map((cause) => (
                <CauseCard
                  key={cause.failure}
                  cause={cause}
                  filters={{ span, task: name }}
                  onRetried={reload}
                />
              ))}
            </section>
          )}
          {listed !== null && listed.length === 0 ? (
            <Empty icon="runs" title="No run in this time">
              <a href={triggersPath("tasks", name)}>Trigger it</a>, or choose a longer span.
            </Empty>
          ) : (
            <>
              <section aria-labelledby="grid">
                <h2 id="grid" class="section-title">
                  Runs and tasks{" "}
                  <span class="muted">the last {formatPlural(shown.length, "run")}</span>
                </h2>
                <PipelineGrid tasks={below.map(({ task }) => task)} runs={documents} />
              </section>
              <div class="pipeline-tables">
                <section aria-labelledby="tasks">
                  <h2 id="tasks" class="section-title">
                    Tasks <span class="muted">in these runs</span>
                  </h2>
                  <TaskTable stats={taskStats(documents)} />
                </section>
                <section aria-labelledby="versions">
                  <h2 id="versions" class="section-title">
                    Versions of peach.conf
                  </h2>
                  <VersionTable versions={versionStats(listed ?? [])} />
                </section>
              </div>
            </>
          )}
          {below.length > 1 && (
            <section class="card" aria-label="Graph">
              <GraphView
                label={`Graph of ${name}`}
                tasks={below}
                boxWidth={150}
                boxHeight={34}
                height={180}
                tallest={420}
                hasZoom
                box={(task) => (
                  <a class="mini-box" href={triggersPath("tasks", task)} title={task}>
                    <Name text={task} />
                  </a>
                )}
              />
            </section>
          )}
        </>
      )}
    </>
  );
}

/**
 * Shows the name, the description from peach.conf, and the actions: pause or resume for operators,
 * and a link to the form that triggers the task.
 */
function Header({
  name,
  root,
  onChanged,
}: {
  readonly name: string;
  /** The root task; null while it is read, or if it is no longer in peach.conf. */
  readonly root: DeployedTask | null;
  readonly onChanged: () => void;
}): JSX.Element {
  const isPaused = Boolean(root?.paused);
  /** Pauses or resumes the task. A pause holds back attempts that have not started, in all runs. */
  const toggle = async (): Promise<void> => {
    await post(`/tasks/${encodeURIComponent(name)}/${isPaused ? "resume" : "pause"}`);
    onChanged();
    tell(isPaused ? `${name} runs again.` : `${name} is paused.`);
  };
  return (
    <>
      <div class="title-row">
        <h1 class="ellipsis">{name}</h1>
        {isPaused && (
          <span class="pill s-waiting">
            <Icon name="pause" size={12} /> paused by {root?.paused?.by}
          </span>
        )}
        <LiveMark connection={feedConnection.value} />
        <span class="spacer" />
        {root !== null && (
          <div class="actions">
            {mayOperate() && (
              <ActionButton icon={isPaused ? "play" : "pause"} action={toggle}>
                {isPaused ? "Resume" : "Pause"}
              </ActionButton>
            )}
            {mayTrigger(name, root.callable) && (
              <a class="button button-main" href={triggersPath("tasks", name)}>
                <Icon name="triggers" /> Trigger
              </a>
            )}
          </div>
        )}
      </div>
      {root?.description && <p class="muted lead">{root.description}</p>}
    </>
  );
}
