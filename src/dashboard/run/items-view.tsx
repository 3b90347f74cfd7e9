/** The items of an `each` task: read page by page as they are scrolled to, drawn only where they are seen. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useCallback, useEffect, useRef } from "preact/hooks";
import { get, problemOf } from "../api.ts";
import type { ItemDocument, ItemPage, ProblemDocument, TaskDocument } from "../documents.ts";
import { formatBytes, formatCount } from "../format.ts";
import type { RunModel } from "../live/run-model.ts";
import { query, setQuery } from "../location.ts";
import { PayloadView } from "../parts/payload-view.tsx";
import { Empty, Loading, Problem } from "../parts/states.tsx";
import { StatusIcon, statusWord } from "../parts/status.tsx";
import { Duration } from "../parts/time.tsx";
import { VirtualList } from "../parts/virtual-list.tsx";
import { AttemptsView } from "./attempts-view.tsx";
import { LogsView } from "./logs-view.tsx";

const PAGE = 200;
const ROW_HEIGHT = 30;
const MAX_HEIGHT = 360;
const REREAD_MS = 700;
const FILTERS = ["all", "failed", "running", "succeeded"] as const;
type Filter = (typeof FILTERS)[number];

/** The counts, a filter, the list, and the item that is open. */
export function ItemsView({
  model,
  task,
}: {
  readonly model: RunModel;
  readonly task: TaskDocument;
}): JSX.Element {
  const filter = FILTERS.find((known) => known === query.value.get("items")) ?? "all";
  const open = query.value.get("item");
  const { items, isWhole, problem, seen } = useItems(model, task, filter);
  const { each } = task;
  const shown = items.value.find(({ index }) => String(index) === open);
  return (
    <div class="items">
      <div class="chips" role="group" aria-label="Which items">
        {FILTERS.map((name) => (
          <button
            key={name}
            type="button"
            class="chip"
            aria-pressed={name === filter}
            onClick={() => setQuery({ items: name === "all" ? null : name, item: null })}
          >
            {name}{" "}
            {each !== undefined && <span class="muted">{formatCount(countOf(each, name))}</span>}
          </button>
        ))}
      </div>
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

function countOf(
  { total, succeeded, failed, running }: NonNullable<TaskDocument["each"]>,
  filter: Filter,
): number {
  return { all: total, failed, running, succeeded }[filter];
}

/** Reads the pages up to the last row that was seen; from the beginning again a moment after something has changed. */
function useItems(model: RunModel, task: TaskDocument, filter: Filter) {
  const items = useSignal<readonly ItemDocument[]>([]);
  const isWhole = useSignal(false);
  const problem = useSignal<ProblemDocument | null>(null);
  const wanted = useRef(PAGE);
  const round = useRef(0);
  const base = `/runs/${encodeURIComponent(model.runId)}/tasks/${encodeURIComponent(task.task)}/items`;

  const read = useCallback(async (): Promise<void> => {
    round.current += 1;
    const ours = round.current;
    const fresh: ItemDocument[] = [];
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
        // What was shown stays until as much is there again.
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
  const state = `${each?.succeeded} ${each?.failed} ${each?.running}`;
  const timer = useRef<number | undefined>(undefined);
  useEffect(() => {
    if (timer.current !== undefined) return;
    // What has been scrolled to far down costs many calls, and is read again less often.
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

function ItemRow({
  item,
  index,
  isOpen,
}: {
  readonly item: ItemDocument | undefined;
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

function ItemPanel({
  model,
  task,
  item,
}: {
  readonly model: RunModel;
  readonly task: TaskDocument;
  readonly item: ItemDocument;
}): JSX.Element {
  return (
    <section class="item-panel" aria-label={`Item ${item.index}`}>
      <h4>Item {formatCount(item.index)}</h4>
      <AttemptsView attempts={item.attempts} />
      {item.output !== null && (
        <>
          <h5>Passed</h5>
          <PayloadView runId={model.runId} task={task.task} item={item.index} />
        </>
      )}
      <h5>Log</h5>
      <LogsView model={model} task={{ ...task, attempts: item.attempts }} item={item.index} />
    </section>
  );
}
