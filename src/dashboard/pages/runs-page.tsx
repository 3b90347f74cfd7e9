/** The runs, newest first, live: filters, search, and doing something with many at once. */
import { useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useCallback, useEffect, useRef } from "preact/hooks";
import { RUN_STATUSES, type RunStatus } from "../../domain/statuses.ts";
import { get, problemOf } from "../api.ts";
import type {
  DeployedTask,
  ProblemDocument,
  RunCounts,
  RunPage as Page,
  RunSummary,
} from "../documents.ts";
import { formatCount, formatDuration, shortId } from "../format.ts";
import { feedConnection, useFeed } from "../live/feed.ts";
import { navigate, query } from "../location.ts";
import { Icon } from "../parts/icon.tsx";
import { LiveMark } from "../parts/live-mark.tsx";
import { useGet } from "../parts/load.ts";
import { usePageTitle } from "../parts/page-title.ts";
import { Empty, Loading, Problem } from "../parts/states.tsx";
import { StatusIcon, StatusPill } from "../parts/status.tsx";
import { Duration, Time } from "../parts/time.tsx";
import { TRIGGER_SOURCES } from "../../domain/trigger.ts";
import {
  filtersFromQuery,
  filtersToApi,
  matchesFilters,
  NO_FILTERS,
  type RunFilters,
  runPath,
  runsPath,
  SPANS,
} from "../routes.ts";
import { BulkDialog, type BulkVerb } from "../run/bulk-dialog.tsx";
import { mayOperate } from "../session.ts";

const PAGE_SIZE = 50;

/** Filters and position are in the address. */
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
            <button type="button" class="button" onClick={() => (bulk.value = "retry")}>
              <Icon name="retry" /> Retry many…
            </button>
            <button type="button" class="button" onClick={() => (bulk.value = "cancel")}>
              <Icon name="ban" /> Cancel many…
            </button>
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
        <RunTable runs={list.runs.value} />
      )}
      {list.cursor.value !== null && (
        <p class="more">
          <button type="button" class="button" onClick={list.more}>
            Older runs
          </button>
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

/** The list with its changes: a run that comes into it is put on top, one that changes is changed in place. */
function useRuns(filters: RunFilters) {
  const runs = useSignal<readonly RunSummary[] | null>(null);
  const counts = useSignal<RunCounts | null>(null);
  const cursor = useSignal<string | null>(null);
  const problem = useSignal<ProblemDocument | null>(null);
  const round = useRef(0);
  const countsTimer = useRef<number | undefined>(undefined);
  const key = runsPath(filters);

  const readCounts = useCallback(async (): Promise<void> => {
    const { statuses: _, ...rest } = filtersFromQuery(new URL(key, location.origin).searchParams);
    counts.value = await get<RunCounts>(
      `/runs/count?${filtersToApi({ ...rest, statuses: [] }, Date.now())}`,
    );
  }, [key, counts]);

  const read = useCallback(
    async (after: string | null): Promise<void> => {
      round.current += 1;
      const ours = round.current;
      const wanted = filtersFromQuery(new URL(key, location.origin).searchParams);
      const asked = new URLSearchParams(filtersToApi(wanted, Date.now()));
      asked.set("limit", String(PAGE_SIZE));
      if (after !== null) asked.set("cursor", after);
      try {
        let page = await get<Page>(`/runs?${asked}`);
        // A page may be empty while there are more: the list goes on until it has something to show.
        while (page.runs.length === 0 && page.next_cursor !== null && ours === round.current) {
          asked.set("cursor", page.next_cursor);
          page = await get<Page>(`/runs?${asked}`);
        }
        if (ours !== round.current) return;
        runs.value = after === null ? page.runs : [...(runs.peek() ?? []), ...page.runs];
        cursor.value = page.next_cursor;
        problem.value = null;
        if (after === null) await readCounts();
      } catch (error) {
        if (ours === round.current && runs.peek() === null) problem.value = problemOf(error);
      }
    },
    [key, runs, cursor, problem, readCounts],
  );

  useEffect(() => {
    runs.value = null;
    cursor.value = null;
    problem.value = null;
    void read(null);
    return () => void (round.current += 1);
  }, [read, runs, cursor, problem]);

  const take = useCallback(
    (changed: readonly RunSummary[]) => {
      const shown = runs.peek();
      if (shown === null) return;
      const wanted = filtersFromQuery(new URL(key, location.origin).searchParams);
      runs.value = mergeRuns(shown, changed, wanted);
      window.clearTimeout(countsTimer.current);
      countsTimer.current = window.setTimeout(() => void readCounts().catch(() => undefined), 800);
    },
    [key, runs, readCounts],
  );
  useFeed(
    take,
    useCallback(() => void read(null), [read]),
  );
  return {
    runs,
    counts,
    cursor,
    problem,
    reload: () => void read(null),
    more: () => void read(cursor.peek()),
  };
}

function mergeRuns(
  shown: readonly RunSummary[],
  changed: readonly RunSummary[],
  filters: RunFilters,
): readonly RunSummary[] {
  const latest = new Map(changed.map((run) => [run.run_id, run]));
  const kept = shown.map((run) => latest.get(run.run_id) ?? run);
  for (const { run_id } of shown) latest.delete(run_id);
  const added = [...latest.values()].filter((run) => matchesFilters(run, filters, Date.now()));
  if (added.length === 0) return kept;
  return [...added.toSorted((a, b) => b.created_at.localeCompare(a.created_at)), ...kept];
}

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
  // A task that is no longer deployed can have runs.
  const names =
    filters.task === null || roots.includes(filters.task) ? roots : [filters.task, ...roots];
  const change = (changed: Partial<RunFilters>): void =>
    navigate(runsPath({ ...filters, ...changed }));
  const toggle = (status: RunStatus): void =>
    change({
      statuses: filters.statuses.includes(status)
        ? filters.statuses.filter((other) => other !== status)
        : [...filters.statuses, status],
    });
  return (
    <div class="filters">
      <Search filters={filters} />
      <select
        aria-label="Task"
        value={filters.task ?? ""}
        onChange={(event) => change({ task: event.currentTarget.value || null })}
      >
        <option value="">All tasks</option>
        {names.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      <select
        aria-label="Source"
        value={filters.source ?? ""}
        onChange={(event) =>
          change({
            source: TRIGGER_SOURCES.find((source) => source === event.currentTarget.value) ?? null,
          })
        }
      >
        <option value="">All sources</option>
        {TRIGGER_SOURCES.map((source) => (
          <option key={source}>{source}</option>
        ))}
      </select>
      <select
        aria-label="Time"
        value={filters.span ?? ""}
        onChange={(event) =>
          change({
            span: filtersFromQuery(new URLSearchParams({ span: event.currentTarget.value })).span,
          })
        }
      >
        <option value="">Any time</option>
        {Object.keys(SPANS).map((span) => (
          <option key={span} value={span}>
            Last {span}
          </option>
        ))}
      </select>
      <div class="chips" role="group" aria-label="Status">
        {RUN_STATUSES.map((status) => (
          <button
            key={status}
            type="button"
            class="chip"
            aria-pressed={filters.statuses.includes(status)}
            onClick={() => toggle(status)}
          >
            <StatusIcon status={status} size={12} /> {status}
            <span class="muted chip-count">
              {counts === null ? "" : formatCount(counts.counts[status] ?? 0)}
            </span>
          </button>
        ))}
      </div>
      {runsPath(filters) !== runsPath() && (
        <button type="button" class="link-button" onClick={() => change(NO_FILTERS)}>
          Clear
        </button>
      )}
    </div>
  );
}

/** An id opens its run; anything else is an idempotency key of the chosen task. */
function Search({ filters }: { readonly filters: RunFilters }): JSX.Element {
  const text = useSignal(filters.idempotencyKey ?? "");
  const search = (event: Event): void => {
    event.preventDefault();
    const wanted = text.value.trim();
    if (/^run_[0-9a-z]+$/i.test(wanted)) navigate(runPath(wanted));
    else navigate(runsPath({ ...filters, idempotencyKey: wanted || null }));
  };
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

function RunTable({ runs }: { readonly runs: readonly RunSummary[] }): JSX.Element {
  return (
    <div class="table-place" tabIndex={0} role="region" aria-label="Runs">
      <table class="runs">
        <thead>
          <tr>
            <th scope="col">Status</th>
            <th scope="col">Task</th>
            <th scope="col">Run</th>
            <th scope="col">Triggered by</th>
            <th scope="col">Created</th>
            <th scope="col" class="right">
              Duration
            </th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <RunRow key={run.run_id} run={run} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Why a run does not go on. */
const PROBLEMS = {
  run_unreadable: "cannot be read",
  awaits_deploy: "waits for newer code",
} as const satisfies Record<NonNullable<RunSummary["problem"]>, string>;

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
