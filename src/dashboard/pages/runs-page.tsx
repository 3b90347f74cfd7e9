/**
 * The page Runs: a live list, newest first, or the causes of the failures. One search field, saved
 * views, and actions on chosen runs or on all that match.
 *
 * API calls:
 * - `GET /runs` and `GET /runs/count`, by run-list.ts.
 * - `GET /failures`: the causes.
 * - `GET /tasks`: the names in the filter.
 *
 * Query parameters: those of the filters (routes.ts), and `view=groups`.
 */
import { useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { RunCounts } from "../../contract/run-lists.ts";
import type { Failures } from "../../contract/statistics.ts";
import type { DeployedTask } from "../../contract/tasks.ts";
import { TRIGGER_SOURCES } from "../../domain/trigger.ts";
import { causesOf } from "../causes.ts";
import { formatCount, formatPlural } from "../format.ts";
import { feedConnection } from "../live/feed.ts";
import { navigate, query, setQuery } from "../location.ts";
import { Button } from "../parts/button.tsx";
import { CauseCard } from "../parts/cause-card.tsx";
import { Chips } from "../parts/chips.tsx";
import { Icon } from "../parts/icon.tsx";
import { LiveMark } from "../parts/live-mark.tsx";
import { useGet, usePoll } from "../parts/load.ts";
import { usePageTitle } from "../parts/page-title.ts";
import { Select } from "../parts/select.tsx";
import { Empty, Loading, Problem, Read } from "../parts/states.tsx";
import { StatusIcon } from "../parts/status.tsx";
import {
  FILTER_STATUSES,
  type FilterStatus,
  filtersFromQuery,
  NO_FILTERS,
  type RunFilters,
  runsPath,
  sinceOf,
  SPAN_NAMES,
} from "../routes.ts";
import { BulkDialog, type BulkVerb } from "../run/bulk-dialog.tsx";
import { mayOperate } from "../session.ts";
import { useRuns } from "./run-list.ts";
import { RunSearch } from "./run-search.tsx";
import { RunTable } from "./run-table.tsx";
import { SavedViews } from "./saved-views.tsx";

/** The interval between reads of the causes, in milliseconds. The list itself follows the feed. */
const REFRESH_MS = 5_000;

/**
 * Shows the list, or with `view=groups` the causes of the failures. The filters are in the URL, so
 * that a list can be bookmarked and shared.
 *
 * The buttons for many runs act on all runs that match the filters, also on runs that the list has
 * not read yet. Check boxes in the table act on single runs.
 */
export function RunsPage(): JSX.Element {
  usePageTitle("Runs");
  const filters = useComputed(() => filtersFromQuery(query.value)).value;
  const isGrouped = query.value.get("view") === "groups";
  const bulk = useSignal<BulkVerb | null>(null);
  const list = useRuns(filters);
  return (
    <>
      <div class="title-row">
        <h1>Runs</h1>
        <LiveMark connection={feedConnection.value} />
        <Chips
          label="View"
          names={["List", "Causes"]}
          isPressed={(name) => isGrouped === (name === "Causes")}
          onPress={(name) => setQuery({ view: name === "Causes" ? "groups" : null }, "push")}
        />
        <span class="spacer" />
        <SavedViews filters={filters} />
        {mayOperate() && !isGrouped && (
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
      <RunSearch filters={filters} />
      <Filters filters={filters} counts={list.counts.value} />
      {isGrouped ? (
        <CausesOf filters={filters} onRetried={list.reload} />
      ) : list.problem.value !== null ? (
        <Problem problem={list.problem.value} onRetry={list.reload} />
      ) : list.runs.value === null ? (
        <Loading lines={12} label="the runs" />
      ) : list.runs.value.length === 0 ? (
        <NoRuns filters={filters} searched={list.searched.value} />
      ) : (
        <RunTable runs={list.runs.value} onChanged={list.reload} />
      )}
      {!isGrouped && list.cursor.value !== null && (
        <p class="more">
          {list.searched.value > 0 && (
            <span class="muted">Payloads of {formatPlural(list.searched.value, "run")} read. </span>
          )}
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

/**
 * Shows the causes of the failures of a task, or of all tasks, in the span of the filters or the
 * last week.
 *
 * Filters by status, source and text do not apply: the API groups all failures of a task and a
 * span.
 */
function CausesOf({
  filters,
  onRetried,
}: {
  readonly filters: RunFilters;
  /** Called after a retry, so that the list behind this view is read again. */
  readonly onRetried: () => void;
}): JSX.Element {
  const { task } = filters;
  const span = filters.span ?? "7d";
  const failures = usePoll<Failures>(
    `${task} ${span}`,
    (now) => {
      const asked = new URLSearchParams({
        since: sinceOf(span, now),
        ...(task !== null && { task }),
      });
      return `/failures?${asked}`;
    },
    REFRESH_MS,
  );
  return (
    <Read from={failures} lines={6} label="the causes">
      {({ groups }) => {
        const causes = causesOf(groups);
        return causes.length === 0 ? (
          <Empty icon="check" title={`Nothing has failed in the last ${span}`} />
        ) : (
          <section class="causes" aria-label="Causes">
            <p class="muted">
              {formatPlural(causes.length, "cause")} behind{" "}
              {formatPlural(
                causes.reduce((sum, { count }) => sum + count, 0),
                "failed run",
              )}{" "}
              of the last {span}. Numbers and ids are left out of the errors.
            </p>
            {causes.map((cause) => (
              <CauseCard
                key={cause.failure}
                cause={cause}
                filters={{ span, task }}
                onRetried={() => {
                  failures.reload();
                  onRetried();
                }}
              />
            ))}
          </section>
        );
      }}
    </Read>
  );
}

/**
 * Explains an empty list: no run matches the filters, or nothing has run yet. Each case has the
 * link that leads out of it.
 */
function NoRuns({
  filters,
  searched,
}: {
  readonly filters: RunFilters;
  /** Runs whose payloads were read for a search in payloads; 0 without such a search. */
  readonly searched: number;
}): JSX.Element {
  return runsPath(filters) !== runsPath() ? (
    <Empty icon="filter" title="No run matches">
      {searched > 0 && <>The payloads of {formatPlural(searched, "run")} were read. </>}
      <a href="/dashboard/runs">Show all runs</a>
    </Empty>
  ) : (
    <Empty icon="runs" title="Nothing has run yet">
      <a href="/dashboard/triggers/tasks">Trigger a task</a>
    </Empty>
  );
}

/**
 * Shows the filters. Each change goes into the history, so that the back button undoes it.
 *
 * - Lists: pipeline, source and time.
 * - Chips: statuses, each with the number of runs that match the other filters.
 * - Tags: a cause and an interval. Both come from links of other pages, and can only be removed
 *   here.
 */
function Filters({
  filters,
  counts,
}: {
  readonly filters: RunFilters;
  /** The number of runs by status; null before the first answer. */
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
  const change = (changed: Partial<RunFilters>): void => {
    const view = query.value.get("view");
    const to = runsPath({ ...filters, ...changed });
    navigate(view === null ? to : `${to}${to.includes("?") ? "&" : "?"}view=${view}`);
  };
  /** Adds a status to the filter, or removes it. */
  const toggle = (status: FilterStatus): void =>
    change({
      statuses: filters.statuses.includes(status)
        ? filters.statuses.filter((other) => other !== status)
        : [...filters.statuses, status],
    });
  return (
    <div class="filters">
      <Select
        label="Pipeline"
        none="All pipelines"
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
        onChoose={(span) => change({ span, from: null, to: null })}
        text={(span) => `Last ${span}`}
      />
      <Chips
        label="Status"
        names={FILTER_STATUSES}
        isPressed={(status) => filters.statuses.includes(status)}
        onPress={toggle}
        content={(status) => (
          <>
            <StatusIcon status={status} size={12} /> {status}
            {status !== "waiting" && (
              <span class="muted chip-count">
                {counts === null ? "" : formatCount(counts.counts[status] ?? 0)}
              </span>
            )}
          </>
        )}
      />
      {filters.failure !== null && (
        <span class="filter-tag">
          <Icon name="cross" size={12} /> <span class="ellipsis">{filters.failure}</span>
          <button
            type="button"
            class="icon-button"
            aria-label="Remove the filter by cause"
            onClick={() => change({ failure: null })}
          >
            <Icon name="cross" size={10} />
          </button>
        </span>
      )}
      {filters.from !== null && (
        <button type="button" class="chip" onClick={() => change({ from: null, to: null })}>
          Chosen interval <Icon name="cross" size={10} />
        </button>
      )}
      {runsPath(filters) !== runsPath() && (
        <button type="button" class="link-button" onClick={() => change(NO_FILTERS)}>
          Clear
        </button>
      )}
    </div>
  );
}
