/**
 * The page Runs: a live list, newest first, with filters, search, and actions on many runs.
 *
 * API calls:
 * - `GET /runs` and `GET /runs/count`, by run-list.ts.
 * - `GET /tasks`: the names in the filter.
 *
 * Query parameters: `task`, `status` (several, with commas), `source`, `span` and `key`.
 */
import { useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { RUN_STATUSES, type RunStatus } from "../../domain/statuses.ts";
import type { RunCounts, RunSummary } from "../../contract/run-lists.ts";
import type { DeployedTask } from "../../contract/tasks.ts";
import { formatCount, formatDuration, shortId } from "../format.ts";
import { feedConnection } from "../live/feed.ts";
import { navigate, query } from "../location.ts";
import { Button } from "../parts/button.tsx";
import { Chips } from "../parts/chips.tsx";
import { Icon } from "../parts/icon.tsx";
import { LiveMark } from "../parts/live-mark.tsx";
import { useGet } from "../parts/load.ts";
import { usePageTitle } from "../parts/page-title.ts";
import { Empty, Loading, Problem } from "../parts/states.tsx";
import { Select } from "../parts/select.tsx";
import { StatusIcon, StatusPill } from "../parts/status.tsx";
import { Table } from "../parts/table.tsx";
import { Duration, Time } from "../parts/time.tsx";
import { TRIGGER_SOURCES } from "../../domain/trigger.ts";
import {
  filtersFromQuery,
  NO_FILTERS,
  type RunFilters,
  runPath,
  runsPath,
  SPAN_NAMES,
} from "../routes.ts";
import { BulkDialog, type BulkVerb } from "../run/bulk-dialog.tsx";
import { mayOperate } from "../session.ts";
import { useRuns } from "./run-list.ts";

/** Shows the list. The filters are in the URL, so that a list can be bookmarked and shared. */
export function RunsPage(): JSX.Element {
  usePageTitle("Runs");
  const filters = useComputed(() => filtersFromQuery(query.value)).value;
  const bulk = useSignal<BulkVerb | null>(null);
  const list = useRuns(filters);
  return (
    <>
      <div class="title-row">
        <h1>Runs</h1>
        <LiveMark connection={feedConnection.value} />
        <span class="spacer" />
        {mayOperate() && (
          <div class="actions">
            <Button icon="retry" onClick={() => (bulk.value = "retry")}>
              Retry many…
            </Button>
            <Button icon="ban" onClick={() => (bulk.value = "cancel")}>
              Cancel many…
            </Button>
          </div>
        )}
      </div>
      <Filters filters={filters} counts={list.counts.value} />
      {list.problem.value !== null ? (
        <Problem problem={list.problem.value} onRetry={list.reload} />
      ) : list.runs.value === null ? (
        <Loading lines={12} label="the runs" />
      ) : list.runs.value.length === 0 ? (
        <NoRuns isFiltered={runsPath(filters) !== runsPath()} />
      ) : (
        <Table label="Runs" columns={COLUMNS} style="runs">
          {list.runs.value.map((run) => (
            <RunRow key={run.run_id} run={run} />
          ))}
        </Table>
      )}
      {list.cursor.value !== null && (
        <p class="more">
          <Button onClick={list.more}>Older runs</Button>
        </p>
      )}
      {bulk.value !== null && (
        <BulkDialog
          verb={bulk.value}
          filters={filters}
          onClose={() => (bulk.value = null)}
          onDone={list.reload}
        />
      )}
    </>
  );
}

/** Explains an empty list: no run matches the filters, or there is none yet. */
function NoRuns({ isFiltered }: { readonly isFiltered: boolean }): JSX.Element {
  return isFiltered ? (
    <Empty icon="filter" title="No run is like that">
      <a href="/dashboard/runs">Show all runs</a>
    </Empty>
  ) : (
    <Empty icon="runs" title="Nothing has run yet">
      <a href="/dashboard/triggers/tasks">Trigger a task</a>
    </Empty>
  );
}

/** The filters. Each change goes into the history, so that the back button undoes it. */
function Filters({
  filters,
  counts,
}: {
  readonly filters: RunFilters;
  readonly counts: RunCounts | null;
}): JSX.Element {
  const { data } = useGet<{ readonly tasks: readonly DeployedTask[] }>("/tasks");
  const roots = (data.value?.tasks ?? [])
    .filter(({ upstream }) => upstream.length === 0)
    .map(({ task }) => task);
  // A task may have runs after it was removed from peach.conf.
  const names =
    filters.task === null || roots.includes(filters.task) ? roots : [filters.task, ...roots];
  /** Applies a changed filter by navigating to its URL. */
  const change = (changed: Partial<RunFilters>): void =>
    navigate(runsPath({ ...filters, ...changed }));
  /** Adds a status to the filter, or removes it. */
  const toggle = (status: RunStatus): void =>
    change({
      statuses: filters.statuses.includes(status)
        ? filters.statuses.filter((other) => other !== status)
        : [...filters.statuses, status],
    });
  return (
    <div class="filters">
      <Search filters={filters} />
      <Select
        label="Task"
        none="All tasks"
        values={names}
        chosen={filters.task}
        onChoose={(task) => change({ task })}
      />
      <Select
        label="Source"
        none="All sources"
        values={TRIGGER_SOURCES}
        chosen={filters.source}
        onChoose={(source) => change({ source })}
      />
      <Select
        label="Time"
        none="Any time"
        values={SPAN_NAMES}
        chosen={filters.span}
        onChoose={(span) => change({ span })}
        text={(span) => `Last ${span}`}
      />
      <Chips
        label="Status"
        names={RUN_STATUSES}
        isPressed={(status) => filters.statuses.includes(status)}
        onPress={toggle}
        content={(status) => (
          <>
            <StatusIcon status={status} size={12} /> {status}
            <span class="muted chip-count">
              {counts === null ? "" : formatCount(counts.counts[status] ?? 0)}
            </span>
          </>
        )}
      />
      {runsPath(filters) !== runsPath() && (
        <button type="button" class="link-button" onClick={() => change(NO_FILTERS)}>
          Clear
        </button>
      )}
    </div>
  );
}

/**
 * The search field. A run id opens the run; any other text is an idempotency key. Keys are unique
 * per task, so a key needs a task.
 */
function Search({ filters }: { readonly filters: RunFilters }): JSX.Element {
  const text = useSignal(filters.idempotencyKey ?? "");
  /** Opens the run, or filters by the key. */
  const search = (event: Event): void => {
    event.preventDefault();
    const wanted = text.value.trim();
    if (/^run_[0-9a-z]+$/i.test(wanted)) navigate(runPath(wanted));
    else navigate(runsPath({ ...filters, idempotencyKey: wanted || null }));
  };
  /** A hint instead of an error: the list stays as it is until a task is chosen. */
  const needsTask =
    text.value.trim() !== "" && !text.value.trim().startsWith("run_") && filters.task === null;
  return (
    <form class="search" role="search" onSubmit={search}>
      <Icon name="search" />
      <input
        type="search"
        id="search"
        placeholder="Run id or idempotency key"
        aria-label="Run id or idempotency key"
        aria-describedby="search-hint"
        spellcheck={false}
        autocomplete="off"
        value={text.value}
        onInput={(event) => (text.value = event.currentTarget.value)}
      />
      <span id="search-hint" class="search-hint" aria-live="polite">
        {needsTask ? "A key belongs to a task: choose one." : ""}
      </span>
    </form>
  );
}

/** The columns of the table. */
const COLUMNS = [
  "Status",
  "Task",
  "Run",
  "Triggered by",
  "Created",
  ["Duration", "right"],
] as const;

/** Reasons for which a run does not continue, as the list shows them. */
const PROBLEMS = {
  run_unreadable: "cannot be read",
  awaits_deploy: "waits for newer code",
} as const satisfies Record<NonNullable<RunSummary["problem"]>, string>;

/** A run with its failed tasks. The duration of an unfinished run grows with the clock. */
function RunRow({ run }: { readonly run: RunSummary }): JSX.Element {
  return (
    <tr class="run-row">
      <td>
        <StatusPill status={run.status} />
      </td>
      <td class="cell-task">
        <a class="row-link" href={runPath(run.run_id)}>
          {run.task}
        </a>
        {run.failed_tasks.length > 0 && (
          <span class="failed-note ellipsis">{run.failed_tasks.join(", ")} failed</span>
        )}
        {run.problem !== undefined && (
          <span class="failed-note ellipsis">{PROBLEMS[run.problem]}</span>
        )}
      </td>
      <td>
        <code title={run.run_id}>{shortId(run.run_id)}</code>
      </td>
      <td>
        <span class="tag">{run.source}</span> <span class="muted by ellipsis">{run.by}</span>
      </td>
      <td>
        <Time at={run.created_at} />
      </td>
      <td class="right number">
        {run.duration_ms === null ? (
          <Duration from={run.started_at} to={run.finished_at} />
        ) : (
          formatDuration(run.duration_ms)
        )}
      </td>
    </tr>
  );
}
