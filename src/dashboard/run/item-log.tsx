/**
 * The log of one item of a task with `each`, below the log of the run.
 *
 * API calls:
 * - `GET /runs/ID/tasks/TASK/items`: the item, for its attempts; or the first failed one.
 *
 * Query parameters: `of` is the task and the index of the item, as `TASK.12`.
 */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { Item, ItemPage } from "../../contract/run-items.ts";
import type { ItemCounts } from "../../contract/run.ts";
import { get, problemOf } from "../api.ts";
import { formatCount } from "../format.ts";
import type { RunModel } from "../live/run-model.ts";
import { query, setQuery } from "../location.ts";
import { ActionButton } from "../parts/button.tsx";
import { Loading, Problem } from "../parts/states.tsx";
import { StatusPill } from "../parts/status.tsx";
import { runPath } from "../routes.ts";
import type { ShownProblem } from "../shown-problem.ts";
import { LogView } from "./log-view.tsx";

/** The height of an item's log in pixels. */
const LOG_HEIGHT = 300;

/** Lets the user choose an item of the tasks in `maps` and shows the log of the item. */
export function ItemLog({
  model,
  maps,
}: {
  readonly model: RunModel;
  readonly maps: readonly string[];
}): JSX.Element {
  const [, task, index] = /^(.+)\.(\d+)$/.exec(query.value.get("of") ?? "") ?? [];
  const each = task === undefined ? undefined : model.task(task)?.value.each;
  return (
    <section class="item-log" aria-label="Logs of items">
      <p class="muted small">Items have logs of their own:</p>
      {maps.map((name) => (
        <ItemChoice key={name} model={model} task={name} />
      ))}
      {task !== undefined && index !== undefined && each !== undefined && (
        <OneLog key={`${task}.${index}`} model={model} task={task} index={Number(index)} />
      )}
    </section>
  );
}

/** Shows a field for the number of an item, and a way to the first item that failed. */
function ItemChoice({
  model,
  task,
}: {
  readonly model: RunModel;
  readonly task: string;
}): JSX.Element | null {
  const text = useSignal("");
  const each: ItemCounts | undefined = model.task(task)?.value.each;
  if (each === undefined) return null;
  const index = text.value === "" ? Number.NaN : Number(text.value);
  const isItem = Number.isInteger(index) && index >= 0 && index < each.total;
  const path = `/runs/${encodeURIComponent(model.runId)}/tasks/${encodeURIComponent(task)}/items`;
  const toFailed = async (): Promise<void> => {
    const { items } = await get<ItemPage>(`${path}?limit=1&status=failed`);
    const [first] = items;
    if (first !== undefined) setQuery({ of: `${task}.${first.index}` });
  };
  return (
    <form
      class="item-choice"
      onSubmit={(event) => {
        event.preventDefault();
        if (isItem) setQuery({ of: `${task}.${index}` });
      }}
    >
      <a class="tag" href={`${runPath(model.runId, task)}&tab=items`}>
        {task}
      </a>
      <input
        type="number"
        min={0}
        max={each.total - 1}
        aria-label={`Item of ${task}`}
        placeholder={`0 to ${formatCount(each.total - 1)}`}
        value={text.value}
        onInput={(event) => (text.value = event.currentTarget.value)}
      />
      <button type="submit" class="button button-small" disabled={!isItem}>
        Show its log
      </button>
      {each.failed > 0 && (
        <ActionButton icon="cross" action={toFailed}>
          First of {formatCount(each.failed)} that failed
        </ActionButton>
      )}
    </form>
  );
}

/** Reads an item and shows its log. */
function OneLog({
  model,
  task,
  index,
}: {
  readonly model: RunModel;
  readonly task: string;
  readonly index: number;
}): JSX.Element {
  const item = useSignal<Item | null>(null);
  const problem = useSignal<ShownProblem | null>(null);
  useEffect(() => {
    const path = `/runs/${encodeURIComponent(model.runId)}/tasks/${encodeURIComponent(task)}/items`;
    get<ItemPage>(`${path}?limit=1&cursor=${index}`).then(
      ({ items }) => (item.value = items[0] ?? null),
      (error: unknown) => (problem.value = problemOf(error)),
    );
  }, [model, task, index, item, problem]);
  if (problem.value !== null) return <Problem problem={problem.value} />;
  if (item.value === null) return <Loading lines={3} label="the item" />;
  const { attempts, status } = item.value;
  return (
    <>
      <h3 class="small-title">
        Item {formatCount(index)} of {task} <StatusPill status={status} />
      </h3>
      <LogView
        model={model}
        task={task}
        item={index}
        attempts={attempts}
        label={`Log of item ${index} of ${task}`}
        height={LOG_HEIGHT}
      />
    </>
  );
}
