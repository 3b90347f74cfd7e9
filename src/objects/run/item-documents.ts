/** Describes the items of mapped tasks (`each`), for the API and for drivers. Only reads. */
import { itemsOf } from "../../domain/run/mapped-task.ts";
import type { LeasePayload } from "../../domain/payload.ts";
import type { AttemptRecord } from "../../domain/run/attempt.ts";
import type { Run, TaskEntry } from "../../domain/run/state.ts";
import type { TaskState } from "../../domain/run/task-state.ts";
import type { TaskStatus } from "../../domain/statuses.ts";
import { inlinePayload } from "./lease-payloads.ts";
import { describeAttempt, describeOutput } from "./run-document.ts";
import type { ItemOutputsPage } from "./run-rpc.ts";
import type { ItemDocument, ItemPage, ItemQuery } from "./run-documents-rpc.ts";
import type { Journal } from "./journal.ts";

/** Limits of a page for the collecting attempt: bytes of inline payloads, and items. */
const PAGE_BYTES = 1_000_000;
const PAGE_ITEMS = 2_000;

/**
 * Returns the outputs of a task's items from index `from` on; null for a failed item. Returns null
 * if the task has no items.
 */
export function itemOutputsPage(
  run: Run,
  journal: Journal,
  ordinal: number,
  from: number,
): ItemOutputsPage | null {
  const { each } = run.tasks[ordinal] ?? {};
  if (each === undefined) return null;
  const items: (LeasePayload | null)[] = [];
  let bytes = 0;
  for (const { state } of itemsOf(run, each).slice(from, from + PAGE_ITEMS)) {
    const ref = state.status === "succeeded" ? state.passed.output : null;
    const newPayload = ref?.at === "run" ? inlinePayload(journal, ref) : ref;
    bytes += ref?.at === "run" ? ref.size : 0;
    items.push(newPayload);
    if (bytes >= PAGE_BYTES) break;
  }
  const next = from + items.length;
  return { items, next: next < each.total ? next : null };
}

/**
 * Returns a page of a task's items; undefined: no such task. A task without `each`, or not started,
 * has no items.
 */
export function describeItems(
  run: Run,
  task: string,
  { status, from, limit }: ItemQuery,
): ItemPage | undefined {
  const entry = run.tasks.find((candidate) => candidate.task.name === task);
  if (entry === undefined) return undefined;
  const found: ItemDocument[] = [];
  const all = entry.each === undefined ? [] : itemsOf(run, entry.each);
  for (let index = from; index < all.length; index += 1) {
    const item = all[index];
    if (item === undefined) continue;
    const document = describeItem(entry, item, index);
    if (status !== null && document.status !== status) continue;
    if (found.length === limit) return { items: found, next: index };
    found.push(document);
  }
  return { items: found, next: null };
}

/** Returns the item with this index; undefined: no such item. */
export function itemOf(run: Run, task: string, index: number): TaskEntry | undefined {
  const { each } = run.tasks.find((candidate) => candidate.task.name === task) ?? {};
  return each === undefined || !(index < each.total)
    ? undefined
    : run.items[each.first - run.tasks.length + index];
}

function describeItem(of: TaskEntry, { state, attempts }: TaskEntry, index: number): ItemDocument {
  return {
    index,
    ...statusOf(of.state, state),
    attempts: attempts.map((attempt: AttemptRecord) => describeAttempt(attempt)),
    output: describeOutput(state),
  };
}

/** Returns the shown status of an item: an item that never started shares the fate of its task. */
function statusOf(
  of: TaskState,
  state: TaskState,
): { readonly status: TaskStatus; readonly reason: string | null } {
  if (state.status === "pending" && of.status === "failed")
    return { status: "skipped", reason: "item_failed" };
  if (state.status === "pending" && of.status === "cancelled")
    return { status: "cancelled", reason: null };
  return {
    status: state.status === "each" ? "running" : state.status,
    reason: state.status === "failed" ? state.reason : null,
  };
}
