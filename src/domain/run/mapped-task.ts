/**
 * Mapped tasks (`each`): one item per element of the input array.
 *
 *     pending ──▶ each ──▶ queued ──▶ running ──▶ succeeded
 *                  │ │      └─ collects the outputs of all items, as one attempt of the task
 *                  │ └────▶ failed (`item_failed`)
 *                  └ empty array: succeeded at once; no array: failed
 *
 * Items are entries of the run with their own ordinals (`run.items`), so leases, retries, losses
 * and logs work as for tasks. Items start in order, at most `maxParallel` at a time, when a driver
 * claims them. A pending item appears in no change. Collecting starts without pending or active
 * items. An item skipped or cancelled by a limit (`strategy`) passes null, like a tolerated
 * failure. Applying a change updates the counts per kind.
 */
import { endedWaitMs } from "./run-times.ts";
import {
  isBegunByDrivers,
  laneOf,
  methodMs,
  type GraphTask,
  type Lane,
} from "../plan/run-graph.ts";
import type { EachPlan } from "../plan/plan.ts";
import type { AttemptRecord } from "./attempt.ts";
import type { MappedProgress, ItemPlace, Run, TaskEntry } from "./state.ts";
import type { FinalState, TaskState } from "./task-state.ts";

/** Shared state of all pending items. */
export const PENDING: TaskState = { status: "pending" };

/** Maximum length of the array. */
export const MAX_ITEMS = 10_000;

/** Progress of a task with newly opened items. */
export function newProgress(first: number, total: number): MappedProgress {
  return {
    first,
    total,
    pending: total,
    running: 0,
    succeeded: 0,
    failed: 0,
    cancelled: 0,
    skipped: 0,
    cursor: 0,
    bytes: 0,
    inR2: 0,
  };
}

/** Number of started items which are not final. Each occupies a place of `maxParallel`. */
export function underWay({
  total,
  pending,
  succeeded,
  failed,
  cancelled,
  skipped,
}: MappedProgress): number {
  return total - pending - succeeded - failed - cancelled - skipped;
}

/** Counts one item's change of state. */
export function countItem(
  progress: MappedProgress,
  index: number,
  before: TaskState,
  after: TaskState,
): void {
  count(progress, before, -1);
  count(progress, after, 1);
  // Items start in order, so every earlier item has started.
  if (before.status === "pending") progress.cursor = index + 1;
}

/** Number of items which may start now. */
export function slotsLeft(policy: EachPlan, progress: MappedProgress): number {
  if (isStopping(policy, progress)) return 0;
  return Math.min(progress.pending, Math.max(0, policy.maxParallel - underWay(progress)));
}

/** Number of items for additional drivers. Drivers with running items return for more. */
export function itemsForDrivers(task: GraphTask, progress: MappedProgress | null): number {
  if (task.each === undefined || progress === null || !isBegunByDrivers(task)) return 0;
  return Math.max(0, slotsLeft(task.each, progress) - progress.running);
}

/** Tests whether a failed item stops further starts. */
export function isStopping({ onError }: EachPlan, { failed }: MappedProgress): boolean {
  return onError === "fail" && failed > 0;
}

/** Timeout of an attempt. For a mapped task itself, the time for collecting the outputs. */
export function attemptTimeoutMs({ task, each }: TaskEntry, progress = each): number {
  if (progress === undefined) return methodMs(task);
  return collectingLane(progress) === "driver" ? COLLECTING_MS.driver : COLLECTING_MS.executor;
}

/** Lane of the attempts of a task, an item or a collection. */
export function laneOfEntry({ task, each }: TaskEntry, progress = each): Lane {
  return progress === undefined ? laneOf(task) : collectingLane(progress);
}

const COLLECTING_MS = { driver: 15_000, executor: 840_000 } as const;

/** R2 objects are read a few at a time, about 30 ms each; a driver has no time for more. */
function collectingLane({ bytes, inR2 }: MappedProgress): Lane {
  return inR2 <= 100 && bytes <= 32_000_000 ? "driver" : "executor";
}

function count(progress: MappedProgress, state: TaskState, by: number): void {
  switch (state.status) {
    case "pending":
    case "running":
    case "failed":
    case "cancelled":
    case "skipped":
      progress[state.status] += by;
      break;
    case "succeeded":
      progress.succeeded += by;
      progress.bytes += by * state.passed.output.size;
      if (state.passed.output.at === "r2") progress.inR2 += by;
      break;
    case "queued":
    case "retrying":
    case "waiting":
    case "each":
      break;
  }
}

/** Applies a task's new state to its items, before the task itself. */
export function applyToItems(run: Run, ordinal: number, entry: TaskEntry, state: TaskState): void {
  if (state.status === "each") {
    if (entry.each === undefined) openItems(run, ordinal, entry, state);
    else if (entry.state.status === "failed" || entry.state.status === "cancelled")
      resetItems(run, entry.each, entry.round);
  } else if (endsItems(state) && entry.each !== undefined)
    cancelItems(run, entry.each, state.finishedAt);
}

/** Tests whether the end of a task ends active items. A task failing by itself has none. */
function endsItems(state: TaskState): state is FinalState {
  return state.status === "cancelled" || (state.status === "failed" && state.reason === "broken");
}

/** Counts an item's new state, before the item itself. */
export function applyToCounts(
  run: Run,
  entry: TaskEntry,
  { of, index }: ItemPlace,
  state: TaskState,
): void {
  const progress = run.tasks[of]?.each;
  if (progress === undefined)
    throw new RangeError(`run ${run.id} has items of task ${of}, which has none`);
  countItem(progress, index, entry.state, state);
}

function openItems(
  run: Run,
  of: number,
  entry: TaskEntry,
  { first, total }: { readonly first: number; readonly total: number },
): void {
  if (first !== run.tasks.length + run.items.length)
    throw new RangeError(
      `the items of task ${of} of run ${run.id} begin at ${first}, after others`,
    );
  entry.each = newProgress(first, total);
  run.mappedTasks.push(of);
  for (let index = 0; index < total; index += 1) run.items.push(newItem(entry, of, index));
}

/** Makes a pending item. */
export function newItem({ task }: TaskEntry, of: number, index: number): TaskEntry {
  return { task, state: PENDING, attempts: [], retriedAfter: 0, waitingOn: 0, item: { of, index } };
}

/** Resets the items of a retried task; outputs of succeeded items are kept. */
function resetItems(run: Run, progress: MappedProgress, round?: number): void {
  for (const [index, item] of itemsOf(run, progress).entries()) {
    if (item.state.status === "succeeded") continue;
    countItem(progress, index, item.state, PENDING);
    item.state = PENDING;
    delete item.waits;
    delete item.awaits;
    delete item.arrived;
    item.retriedAfter = item.attempts.length;
    if (round !== undefined) item.round = round;
    item.isSuspect = false;
  }
  progress.cursor = 0;
}

/** Cancels all open items in one change. Ten thousand changes would exceed a journal row. */
function cancelItems(run: Run, progress: MappedProgress, at: number): void {
  for (const [index, item] of itemsOf(run, progress).entries()) {
    const { state } = item;
    if (!isUnderWay(state)) continue;
    const cancelled: TaskState = { status: "cancelled", finishedAt: at };
    const waitedMs = endedWaitMs(item, { state: cancelled, attempts: item.attempts }, at);
    if (waitedMs > 0) item.waitedMs = (item.waitedMs ?? 0) + waitedMs;
    countItem(progress, index, state, cancelled);
    const record = item.attempts.at(-1);
    if (state.status === "running" && record !== undefined) {
      const ended: AttemptRecord = {
        ...record,
        status: "cancelled",
        finishedAt: Math.max(record.startedAt, at),
      };
      item.attempts[item.attempts.length - 1] = ended;
    }
    item.state = cancelled;
    run.active.delete(progress.first + index);
  }
}

function isUnderWay({ status }: TaskState): boolean {
  return (
    status === "queued" || status === "running" || status === "retrying" || status === "waiting"
  );
}

/** Items of a task, in order. */
export function itemsOf(run: Run, { first, total }: MappedProgress): TaskEntry[] {
  const begin = first - run.tasks.length;
  return run.items.slice(begin, begin + total);
}
