/**
 * The items of a task with `each`: read page by page while the user scrolls, and rendered only
 * where visible.
 *
 * API calls:
 * - `GET /runs/ID/tasks/TASK/items`, filtered by status; 200 items per page.
 *
 * Query parameters of the page: `items` is the filter and `item` the open item.
 */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useCallback, useEffect, useRef } from "preact/hooks";
import { get, problemOf } from "../api.ts";
import type { Item, ItemPage } from "../../contract/run-items.ts";
import type { TaskOfRun } from "../../contract/run.ts";
import type { ShownProblem } from "../shown-problem.ts";
import { formatBytes, formatCount } from "../format.ts";
import type { RunModel } from "../live/run-model.ts";
import { query, setQuery } from "../location.ts";
import { Chips } from "../parts/chips.tsx";
import { PayloadView } from "../parts/payload-view.tsx";
import { Empty, Loading, Problem } from "../parts/states.tsx";
import { StatusIcon, statusWord } from "../parts/status.tsx";
import { Duration } from "../parts/time.tsx";
import { VirtualList } from "../parts/virtual-list.tsx";
import { AttemptsView } from "./attempts-view.tsx";
import { LogView } from "./log-view.tsx";

/** The number of items in a read. */
const PAGE = 200;
/** The height of a row in pixels. */
const ROW_HEIGHT = 30;
/** The height of an item's log in pixels. */
const LOG_HEIGHT = 300;
/** The maximum height of the list in pixels. */
const MAX_HEIGHT = 360;
/** The delay of a new read after a change, per page that is loaded. */
const REREAD_MS = 700;
/** The filters to choose from. */
const FILTERS = ["all", "failed", "running", "succeeded"] as const;
type Filter = (typeof FILTERS)[number];

/** Shows counts, a filter, the list and the open item. Filter and item are in the URL. */
export function ItemsView({
  model,
  task,
}: {
  readonly model: RunModel;
  readonly task: TaskOfRun;
}): JSX.Element {
  const filter = FILTERS.find((known) => known === query.value.get("items")) ?? "all";
  const open = query.value.get("item");
  const { items, isWhole, problem, seen } = useItems(model, task, filter);
  const { each } = task;
  const shown = items.value.find(({ index }) => String(index) === open);
  return (
    <div class="items">
      <Chips
        label="Which items"
        names={FILTERS}
        isPressed={(name) => name === filter}
        onPress={(name) => setQuery({ items: name === "all" ? null : name, item: null })}
        content={(name) => (
          <>
            {name}{" "}
            {each !== undefined && <span class="muted">{formatCount(countOf(each, name))}</span>}
          </>
        )}
      />
      {problem.value !== null ? (
        <Problem problem={problem.value} />
      ) : items.value.length === 0 && !isWhole.value ? (
        <Loading lines={6} label="the items" />
      ) : items.value.length === 0 ? (
        <Empty icon="inbox" title="No items here" />
      ) : (
        <VirtualList
          label={`Items of ${task.task}`}
          count={
            filter === "all" && each !== undefined
              ? Math.max(each.total, items.value.length)
              : items.value.length
          }
          rowHeight={ROW_HEIGHT}
          maxHeight={MAX_HEIGHT}
          onSeen={seen}
          row={(index) => (
            <ItemRow
              item={items.value[index]}
              index={index}
              isOpen={String(items.value[index]?.index) === open}
            />
          )}
        />
      )}
      {shown !== undefined && <ItemPanel model={model} task={task} item={shown} />}
    </div>
  );
}

/** The number of items that a filter shows. */
function countOf(
  { total, succeeded, failed, running }: NonNullable<TaskOfRun["each"]>,
  filter: Filter,
): number {
  return { all: total, failed, running, succeeded }[filter];
}

/**
 * Reads the pages up to the last row that was visible. After a change it reads them again from the
 * beginning, since items keep their order but not their status.
 */
function useItems(model: RunModel, task: TaskOfRun, filter: Filter) {
  const items = useSignal<readonly Item[]>([]);
  const isWhole = useSignal(false);
  const problem = useSignal<ShownProblem | null>(null);
  // The number of rows to have: up to here the user has scrolled.
  const wanted = useRef(PAGE);
  const round = useRef(0);
  const base = `/runs/${encodeURIComponent(model.runId)}/tasks/${encodeURIComponent(task.task)}/items`;

  /** Reads pages from the beginning until as many rows are there as the user has seen. */
  const read = useCallback(async (): Promise<void> => {
    round.current += 1;
    const ours = round.current;
    const fresh: Item[] = [];
    let cursor: string | null = null;
    try {
      do {
        const asked = new URLSearchParams({ limit: String(PAGE) });
        if (filter !== "all") asked.set("status", filter);
        if (cursor !== null) asked.set("cursor", cursor);
        const page: ItemPage = await get<ItemPage>(`${base}?${asked}`);
        if (ours !== round.current) return;
        fresh.push(...page.items);
        cursor = page.next_cursor;
        // The shown items stay until as many are read again, so that the list does not shrink
        // meanwhile.
        if (fresh.length >= items.peek().length || cursor === null) items.value = [...fresh];
        isWhole.value = cursor === null;
      } while (cursor !== null && fresh.length < wanted.current);
      problem.value = null;
    } catch (error) {
      if (ours === round.current) problem.value = problemOf(error);
    }
  }, [base, filter, items, isWhole, problem]);

  useEffect(() => {
    wanted.current = PAGE;
    items.value = [];
    isWhole.value = false;
    void read();
    return () => void (round.current += 1);
  }, [read, items, isWhole]);
  const { each } = task;
  // The counts of the task change with its items; a change of the counts starts a read.
  const state = `${each?.succeeded} ${each?.failed} ${each?.running}`;
  const timer = useRef<number | undefined>(undefined);
  useEffect(() => {
    // A timer is running: its read will include this change.
    if (timer.current !== undefined) return;
    // A list that is scrolled far down costs many calls, so it is read less often.
    const pages = Math.max(1, Math.ceil(items.peek().length / PAGE));
    timer.current = window.setTimeout(() => {
      timer.current = undefined;
      void read();
    }, REREAD_MS * pages);
  }, [state, read, items]);
  useEffect(() => {
    return () => {
      window.clearTimeout(timer.current);
      timer.current = undefined;
    };
  }, [read]);
  // Reads one more page than is visible, so that scrolling seldom has to wait.
  const seen = useCallback(
    (index: number) => {
      if (index < items.peek().length || isWhole.peek() || index < wanted.current) return;
      wanted.current = index + PAGE;
      void read();
    },
    [read, items, isWhole],
  );
  return { items, isWhole, problem, seen };
}

/**
 * A row: index, status, size of the output or error, and duration. A row that is not loaded shows
 * its index.
 */
function ItemRow({
  item,
  index,
  isOpen,
}: {
  readonly item: Item | undefined;
  readonly index: number;
  readonly isOpen: boolean;
}): JSX.Element {
  if (item === undefined) return <div class="item-row muted">{formatCount(index)} …</div>;
  const first = item.attempts[0];
  const last = item.attempts.at(-1);
  const error = last?.error ?? null;
  return (
    <button
      type="button"
      class={`item-row ${isOpen ? "is-chosen" : ""}`}
      aria-pressed={isOpen}
      onClick={() => setQuery({ item: isOpen ? null : String(item.index) })}
    >
      <span class="item-index">{formatCount(item.index)}</span>
      <StatusIcon status={item.status} size={12} />
      <span class="item-status">{statusWord(item.status)}</span>
      <span class="ellipsis muted">
        {error === null
          ? item.output === null
            ? ""
            : formatBytes(item.output.size)
          : error.message}
      </span>
      {first !== undefined && <Duration from={first.started_at} to={last?.finished_at ?? null} />}
    </button>
  );
}

/** The open item: its attempts, output and log lines. */
function ItemPanel({
  model,
  task,
  item,
}: {
  readonly model: RunModel;
  readonly task: TaskOfRun;
  readonly item: Item;
}): JSX.Element {
  return (
    <section class="item-panel" aria-label={`Item ${item.index}`}>
      <h4>Item {formatCount(item.index)}</h4>
      <AttemptsView attempts={item.attempts} />
      {item.output !== null && (
        <>
          <h5>Output</h5>
          <PayloadView runId={model.runId} task={task.task} item={item.index} />
        </>
      )}
      <h5>Log</h5>
      <LogView
        model={model}
        task={task.task}
        item={item.index}
        attempts={item.attempts}
        label={`Log of item ${item.index}`}
        height={LOG_HEIGHT}
      />
    </section>
  );
}
