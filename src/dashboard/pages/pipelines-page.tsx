/**
 * The page Pipelines: a card per root task with its graph, last runs, triggers and next due time.
 *
 * API calls:
 * - `GET /tasks`: the tasks and edges; a task without upstream tasks is a root.
 * - `GET /schedules`: the next due times.
 * - `GET /runs?task=`: the last runs of each root.
 * - `GET /runs/feed`: changes of all runs, as one stream.
 */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useCallback, useEffect, useMemo } from "preact/hooks";
import { get, problemOf } from "../api.ts";
import type { RunPage, RunSummary } from "../../contract/run-lists.ts";
import type { DeployedSchedule } from "../../contract/schedules.ts";
import type { DeployedTask } from "../../contract/tasks.ts";
import type { ShownProblem } from "../shown-problem.ts";
import { formatDuration, formatExact, formatRate } from "../format.ts";
import { GraphView } from "../graph/graph-view.tsx";
import { feedConnection, useFeed } from "../live/feed.ts";
import { Fact } from "../parts/fact.tsx";
import { Icon, type IconName } from "../parts/icon.tsx";
import { LiveMark } from "../parts/live-mark.tsx";
import { useGet } from "../parts/load.ts";
import { usePageTitle } from "../parts/page-title.ts";
import { Empty, Loading, Problem } from "../parts/states.tsx";
import { Time } from "../parts/time.tsx";
import { runPath, runsPath, triggersPath } from "../routes.ts";
import { pipelineStats, stripHeights, tasksBelow } from "./pipeline-stats.ts";

/** The number of runs in a strip, and in the statistics. */
const SHOWN_RUNS = 40;
/** Sizes of the preview graphs, in pixels. */
const BOX_WIDTH = 150;
const BOX_HEIGHT = 34;
const GRAPH_HEIGHT = 128;

/**
 * Shows all pipelines. A single stream follows the runs of all of them, as a browser opens few
 * connections to one host.
 */
export function PipelinesPage(): JSX.Element {
  usePageTitle("Pipelines");
  const { data, problem, reload } = useGet<{ readonly tasks: readonly DeployedTask[] }>("/tasks");
  const schedules = useGet<{ readonly schedules: readonly DeployedSchedule[] }>("/schedules");
  const latest = useSignal<readonly RunSummary[]>([]);
  // The number of times that the feed has started anew.
  const round = useSignal(0);
  useFeed(
    useCallback((runs: readonly RunSummary[]) => (latest.value = runs), [latest]),
    useCallback(() => (round.value += 1), [round]),
  );
  const tasks = data.value?.tasks ?? null;
  return (
    <>
      <div class="title-row">
        <h1>Pipelines</h1>
        <LiveMark connection={feedConnection.value} />
      </div>
      {problem.value !== null && <Problem problem={problem.value} onRetry={reload} />}
      {tasks === null && problem.value === null && <Loading lines={9} label="the pipelines" />}
      {tasks !== null && tasks.length === 0 && (
        <Empty icon="pipelines" title="No tasks are deployed">
          peach.conf names them.
        </Empty>
      )}
      <div class="pipelines">
        {(tasks ?? [])
          .filter(({ upstream }) => upstream.length === 0)
          .map((root) => (
            <Pipeline
              key={root.task}
              root={root}
              tasks={tasks ?? []}
              schedules={(schedules.data.value?.schedules ?? []).filter(
                ({ task }) => task === root.task,
              )}
              latest={latest.value}
              round={round.value}
            />
          ))}
      </div>
    </>
  );
}

/** Properties of a pipeline's card. */
interface PipelineProps {
  readonly root: DeployedTask;
  readonly tasks: readonly DeployedTask[];
  readonly schedules: readonly DeployedSchedule[];
  /** The latest batch of the feed, with runs of all tasks. */
  readonly latest: readonly RunSummary[];
  /** A number that changes when the runs have to be read again. */
  readonly round: number;
}

/** The card of a pipeline. The graph is a preview: its boxes are names without links. */
function Pipeline({ root, tasks, schedules, latest, round }: PipelineProps): JSX.Element {
  const { runs, problem } = useLastRuns(root.task, latest, round);
  const below = useMemo(() => tasksBelow(root.task, tasks), [root.task, tasks]);
  // A stable function, so that the graph is not drawn again with every batch of the feed.
  const box = useCallback(
    (task: string) => (
      <span class={`mini-box ${task === root.task ? "mini-root" : ""}`} title={task}>
        <span class="ellipsis">{task}</span>
      </span>
    ),
    [root.task],
  );
  return (
    <article class="card pipeline">
      <header class="pipeline-head">
        <h2 class="ellipsis">
          <a href={runsPath({ task: root.task })}>{root.task}</a>
        </h2>
        {root.paused && (
          <span class="pill s-waiting">
            <Icon name="pause" size={12} /> paused
          </span>
        )}
        <span class="spacer" />
        <a class="button button-small" href={triggersPath("tasks", root.task)}>
          <Icon name="triggers" /> Trigger
        </a>
      </header>
      <p class="pipeline-description muted ellipsis">{root.description ?? "\u00a0"}</p>
      <GraphView
        label={`Graph of ${root.task}`}
        tasks={below}
        boxWidth={BOX_WIDTH}
        boxHeight={BOX_HEIGHT}
        height={GRAPH_HEIGHT}
        box={box}
      />
      <Strip runs={runs} problem={problem} />
      <Numbers runs={runs ?? []} schedules={schedules} />
      <Sources root={root} />
    </article>
  );
}

/** Reads the last runs of a task, oldest first, and updates them from the feed. */
function useLastRuns(task: string, latest: readonly RunSummary[], round: number) {
  const runs = useSignal<readonly RunSummary[] | null>(null);
  const problem = useSignal<ShownProblem | null>(null);
  useEffect(() => {
    const aborter = new AbortController();
    get<RunPage>(`/runs?task=${encodeURIComponent(task)}&limit=${SHOWN_RUNS}`, aborter.signal).then(
      (page) => (runs.value = page.runs.toReversed()),
      (error: unknown) => {
        if (!aborter.signal.aborted) problem.value = problemOf(error);
      },
    );
    return () => aborter.abort();
  }, [task, round, runs, problem]);
  useEffect(() => {
    const ours = latest.filter((run) => run.task === task);
    const shown = runs.peek();
    if (ours.length === 0 || shown === null) return;
    // A map keeps the place of a known run, replaces its content and appends new runs.
    const byId = new Map([...shown, ...ours].map((run) => [run.run_id, run]));
    runs.value = [...byId.values()].slice(-SHOWN_RUNS);
  }, [latest, task, runs]);
  return { runs: runs.value, problem: problem.value };
}

/**
 * A bar per run, the newest last: the height shows the duration, the colour the status, and each
 * links to its run.
 */
function Strip({
  runs,
  problem,
}: {
  readonly runs: readonly RunSummary[] | null;
  readonly problem: ShownProblem | null;
}): JSX.Element {
  if (problem !== null) return <p class="strip-note muted">{problem.detail}</p>;
  if (runs !== null && runs.length === 0)
    return <p class="strip-note muted">It has not run yet.</p>;
  const heights = stripHeights(runs ?? []);
  return (
    <ol class="strip" aria-label="The last runs, the newest last">
      {(runs ?? []).map((run, index) => (
        <li key={run.run_id}>
          <a
            class={`strip-run s-${run.status}`}
            href={runPath(run.run_id)}
            aria-label={`${run.status}, ${formatExact(Date.parse(run.created_at))}`}
            title={`${run.status}${run.duration_ms === null ? "" : `, ${formatDuration(run.duration_ms)}`}\n${formatExact(Date.parse(run.created_at))}`}
          >
            <span style={{ height: `${(heights[index] ?? 1) * 100}%` }} />
          </a>
        </li>
      ))}
    </ol>
  );
}

/**
 * Success rate, median and 95th percentile of the shown runs, and the next due time. Without a
 * schedule the last run is shown. A paused schedule is never due.
 */
function Numbers({
  runs,
  schedules,
}: {
  readonly runs: readonly RunSummary[];
  readonly schedules: readonly DeployedSchedule[];
}): JSX.Element {
  const { counted, succeeded, medianMs, p95Ms } = pipelineStats(runs);
  const last = runs.at(-1);
  const due = schedules
    .filter(({ paused }) => !paused)
    .flatMap(({ next }) => next[0]?.utc ?? [])
    .toSorted()[0];
  return (
    <dl class="numbers">
      <Fact name="Success" style={counted > 0 && succeeded < counted ? "is-low" : ""}>
        {formatRate(succeeded, counted)}
      </Fact>
      <Fact name="Median">{medianMs === null ? "–" : formatDuration(medianMs)}</Fact>
      <Fact name="p95">{p95Ms === null ? "–" : formatDuration(p95Ms)}</Fact>
      <Fact name={due === undefined ? "Last run" : "Next due"}>
        {due !== undefined ? (
          <Time at={due} />
        ) : last === undefined ? (
          "–"
        ) : (
          <Time at={last.created_at} />
        )}
      </Fact>
    </dl>
  );
}

/**
 * Lists the automatic triggers of a task. Any task can also be triggered by the API, an endpoint or
 * another task.
 */
function Sources({ root }: { readonly root: DeployedTask }): JSX.Element {
  const { on, schedules } = root;
  const sources: readonly (readonly [icon: IconName, text: string])[] = [
    ...on.r2.map((rule) => ["upload", `${rule.bucket}/${rule.prefix}*${rule.suffix}`] as const),
    ...on.events.map((event) => ["event", event] as const),
    ...schedules.map(({ cron, timezone }) => ["clock", `${cron} ${timezone}`] as const),
  ];
  return (
    <ul class="sources" aria-label="What triggers it">
      {sources.map(([icon, text]) => (
        <li key={text} class="source">
          <Icon name={icon} size={13} />
          <span class="ellipsis">{text}</span>
        </li>
      ))}
      {sources.length === 0 && (
        <li class="source">
          <Icon name="triggers" size={13} /> API, endpoints and other tasks
        </li>
      )}
    </ul>
  );
}
