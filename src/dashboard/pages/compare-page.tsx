/**
 * The page Compare: two runs side by side, often a failed one and the last good one before.
 *
 * API calls:
 * - `GET /runs/ID` of both.
 * - `GET /runs?task&status=succeeded&created_before`: the last good run, if no other is named.
 * - Payloads and log lines, by the view of a task.
 *
 * Query parameters: `run`, `with`, and `task`, the compared task.
 */
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type { RunDocument } from "../../contract/run.ts";
import type { RunPage } from "../../contract/run-lists.ts";
import { pairTasks, type TaskPair } from "../compare.ts";
import { formatDuration, formatExact, shortId } from "../format.ts";
import { GraphView } from "../graph/graph-view.tsx";
import { query, setQuery } from "../location.ts";
import { useGet } from "../parts/load.ts";
import { Name } from "../parts/name.tsx";
import { usePageTitle } from "../parts/page-title.ts";
import { Empty, Loading, Problem } from "../parts/states.tsx";
import { StatusIcon, StatusPill, statusWord } from "../parts/status.tsx";
import { Table } from "../parts/table.tsx";
import { runPath } from "../routes.ts";
import { CompareTask } from "./compare-task.tsx";

/** Sizes of the graph in pixels. A box has room for two statuses and a name. */
const BOX_WIDTH = 170;
const BOX_HEIGHT = 46;
const GRAPH_HEIGHT = 190;

/**
 * Shows the comparison. The run in question stands on the right, the other one on the left: time
 * goes from left to right.
 *
 * Without `with`, the other run is the last run of the same pipeline that succeeded before. A page
 * without a good run says so.
 */
export function ComparePage(): JSX.Element {
  usePageTitle("Compare");
  const run = query.value.get("run");
  const right = useGet<RunDocument>(run === null ? null : `/runs/${encodeURIComponent(run)}`);
  const other = useOther(right.data.value, query.value.get("with"));
  const left = useGet<RunDocument>(
    other.id === null ? null : `/runs/${encodeURIComponent(other.id)}`,
  );
  const problem = right.problem.value ?? left.problem.value ?? other.problem;
  return (
    <>
      <p class="crumbs">
        <a href="/dashboard/runs">Runs</a> <span aria-hidden="true">/</span>
      </p>
      <h1>Compare two runs</h1>
      {run === null || other.isMissing ? (
        <Empty
          icon="compare"
          title={run === null ? "No run is named" : "There is no good run before"}
        >
          Choose two runs in <a href="/dashboard/runs">the list</a>, and press Compare.
        </Empty>
      ) : problem !== null ? (
        <Problem problem={problem} />
      ) : left.data.value === null || right.data.value === null ? (
        <Loading lines={10} label="the runs" />
      ) : (
        <Comparison left={left.data.value} right={right.data.value} />
      )}
    </>
  );
}

/**
 * Finds the id of the other run: the named one, or the last good run of the same pipeline before.
 * `isMissing` is true once the API has answered that there is no good run.
 */
function useOther(run: RunDocument | null, named: string | null) {
  // The API is asked only if the address does not name the other run.
  const asked =
    named !== null || run === null
      ? null
      : new URLSearchParams({
          task: run.task,
          status: "succeeded",
          created_before: run.created_at,
          limit: "1",
        });
  const { data, problem } = useGet<RunPage>(asked === null ? null : `/runs?${asked}`);
  const found = data.value === null ? null : { id: data.value.runs[0]?.run_id ?? null };
  return {
    id: named ?? found?.id ?? null,
    isMissing: named === null && found?.id === null,
    problem: problem.value,
  };
}

/**
 * Shows the heads, the graph and the table of both runs, and the chosen task below. Without a
 * choice in the address, the first task that differs is open.
 *
 * The graph is that of the right run. A task that only the left run has is a row of the table.
 */
function Comparison({
  left,
  right,
}: {
  readonly left: RunDocument;
  readonly right: RunDocument;
}): JSX.Element {
  const pairs = useMemo(() => pairTasks(left, right), [left, right]);
  const asked = query.value.get("task");
  const chosen =
    pairs.find(({ task }) => task === asked) ?? pairs.find(({ differs }) => differs) ?? pairs[0];
  // The bars of all rows have one scale.
  const longest = Math.max(
    1,
    ...pairs.flatMap(({ leftMs, rightMs }) => [leftMs ?? 0, rightMs ?? 0]),
  );
  const byName = new Map(pairs.map((pair) => [pair.task, pair]));
  return (
    <>
      <div class="compare-heads">
        <RunHead run={left} />
        <RunHead run={right} />
      </div>
      <section class="card" aria-label="Graph">
        <GraphView
          label="Graph of both runs"
          tasks={right.tasks}
          boxWidth={BOX_WIDTH}
          boxHeight={BOX_HEIGHT}
          height={GRAPH_HEIGHT}
          statusOf={(task) => byName.get(task)?.right?.status ?? null}
          failed={pairs.filter(({ differs }) => differs).map(({ task }) => task)}
          box={(task) => <PairBox pair={byName.get(task)} isChosen={task === chosen?.task} />}
        />
      </section>
      <Table
        label="Tasks"
        style="compare-table"
        columns={[
          "Task",
          shortId(left.run_id),
          ["Worked", "right"],
          shortId(right.run_id),
          ["Worked", "right"],
          ["Side by side", "compare-bars"],
        ]}
      >
        {pairs.map((pair) => (
          <PairRow key={pair.task} pair={pair} longest={longest} isChosen={pair === chosen} />
        ))}
      </Table>
      {chosen !== undefined && (
        <CompareTask key={chosen.task} left={left} right={right} pair={chosen} />
      )}
    </>
  );
}

/**
 * Shows a run with status, time, duration and the version of peach.conf: a different version is
 * often the reason for what differs.
 */
function RunHead({ run }: { readonly run: RunDocument }): JSX.Element {
  return (
    <article class="card">
      <header class="panel-head">
        <h2 class="ellipsis">
          <a href={runPath(run.run_id)}>{run.task}</a>
        </h2>
        <StatusPill status={run.status} />
      </header>
      <p class="muted small">
        <code>{shortId(run.run_id)}</code>, {formatExact(Date.parse(run.created_at))}
        {run.duration_ms !== null && `, ${formatDuration(run.duration_ms)} at work`}, peach.conf{" "}
        <code>{run.conf_version.slice(0, 8)}</code>
      </p>
    </article>
  );
}

/**
 * Shows the box of a task: the statuses of both runs beside its name, the left run first. A click
 * opens the task below the table.
 */
function PairBox({
  pair,
  isChosen,
}: {
  readonly pair: TaskPair | undefined;
  readonly isChosen: boolean;
}): JSX.Element | null {
  if (pair === undefined) return null;
  const words = [pair.left, pair.right].map((task) =>
    task === null ? "absent" : statusWord(task.status),
  );
  return (
    <button
      type="button"
      class={`pair-box ${pair.differs ? "is-different" : ""}`}
      aria-pressed={isChosen}
      title={`${pair.task}: ${words.join(", then ")}`}
      onClick={() => setQuery({ task: pair.task })}
    >
      <StatusIcon status={pair.left?.status ?? "skipped"} size={12} />
      <StatusIcon status={pair.right?.status ?? "skipped"} size={12} />
      <Name text={pair.task} />
    </button>
  );
}

/**
 * Shows a row for a task of both runs. The two bars are the time at work, without queues and
 * pauses.
 */
function PairRow({
  pair,
  longest,
  isChosen,
}: {
  readonly pair: TaskPair;
  /** The longest time at work of all tasks in milliseconds: the length of a full bar. */
  readonly longest: number;
  readonly isChosen: boolean;
}): JSX.Element {
  const { task, left, right, leftMs, rightMs, differs } = pair;
  /** Shows the status in one of the runs; a task may be in only one of both. */
  const cell = (side: TaskPair["left"]): JSX.Element =>
    side === null ? <span class="muted">not in it</span> : <StatusPill status={side.status} />;
  /** Draws the time at work in one of the runs. */
  const bar = (ms: number | null, style: string): JSX.Element => (
    <span class={`pair-bar ${style}`} style={{ width: `${((ms ?? 0) / longest) * 100}%` }} />
  );
  return (
    <tr class={`run-row ${isChosen ? "is-chosen" : ""}`}>
      <td>
        <button type="button" class="row-button" onClick={() => setQuery({ task })}>
          {task}
        </button>
        {differs && <span class="tag">differs</span>}
      </td>
      <td>{cell(left)}</td>
      <td class="right number">{leftMs === null ? "–" : formatDuration(leftMs)}</td>
      <td>{cell(right)}</td>
      <td class="right number">{rightMs === null ? "–" : formatDuration(rightMs)}</td>
      <td class="compare-bars">
        {bar(leftMs, `s-${left?.status ?? "skipped"}`)}
        {bar(rightMs, `s-${right?.status ?? "skipped"}`)}
      </td>
    </tr>
  );
}
