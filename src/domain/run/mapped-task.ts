/**
 * Tasks with `each`: once per item of the array that the task reads.
 *
 *     pending ──▶ each ──▶ queued ──▶ running ──▶ succeeded
 *                  │ │      └─ the array of what the items passed is put together ("gathered"), as one attempt of the task
 *                  │ └────▶ failed (`item_failed`)
 *                  └ of an empty array: succeeded at once, of no array: failed
 *
 * Its items are entries of the run with ordinals of their own (`run.items`), so leases, retries, losses, logs and everything else
 * that goes by ordinal are for items what they are for tasks. They are begun in order, at most `maxParallel` at a time, and only
 * when a driver asks: what nobody has begun is `pending` and stands in no change. A gathered task has no pending items and none
 * under way; an item that a limit has skipped or cancelled (`strategy`) has passed nothing, and stands as null like one that has failed
 * where that is let pass. How many there are of each kind is counted as changes are folded.
 */
import {
  isBegunByDrivers,
  laneOf,
  methodMs,
  type GraphTask,
  type Lane,
} from "../plan/run-graph.ts";
import type { EachPlan } from "../plan/plan.ts";
import type {
  AttemptRecord,
  EachProgress,
  FinalState,
  ItemPlace,
  Run,
  TaskEntry,
  TaskState,
} from "./state.ts";

/** The state of an item that nobody has begun: one for all. */
export const PENDING: TaskState = { status: "pending" };

/** The longest array. */
export const MAX_ITEMS = 10_000;

/** The progress of a task whose items have just become known. */
export function newProgress(first: number, total: number): EachProgress {
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

/** Items that were begun and are not final: each has a place among `maxParallel`. */
export function underWay({
  total,
  pending,
  succeeded,
  failed,
  cancelled,
  skipped,
}: EachProgress): number {
  return total - pending - succeeded - failed - cancelled - skipped;
}

/** Counts one item's change of state. */
export function countItem(
  progress: EachProgress,
  index: number,
  before: TaskState,
  after: TaskState,
): void {
  count(progress, before, -1);
  count(progress, after, 1);
  // They are begun in order, so all before this one were.
  if (before.status === "pending") progress.cursor = index + 1;
}

/** How many more items may be begun now. */
export function slotsLeft(policy: EachPlan, progress: EachProgress): number {
  if (isStopping(policy, progress)) return 0;
  return Math.min(progress.pending, Math.max(0, policy.maxParallel - underWay(progress)));
}

/** Items that wait for further drivers: those who run some already come back for more. */
export function itemsForDrivers(task: GraphTask, progress: EachProgress | null): number {
  if (task.each === undefined || progress === null || !isBegunByDrivers(task)) return 0;
  return Math.max(0, slotsLeft(task.each, progress) - progress.running);
}

/** Whether no item is begun any more, since one has failed for good. */
export function isStopping({ onError }: EachPlan, { failed }: EachProgress): boolean {
  return onError === "fail" && failed > 0;
}

/** How long an attempt may take: of an `each` task itself, the one that gathers what its items passed. */
export function attemptTimeoutMs({ task, each }: TaskEntry, progress = each): number {
  if (progress === undefined) return methodMs(task);
  return gatheringLane(progress) === "driver" ? GATHERING_MS.driver : GATHERING_MS.executor;
}

/** Where the attempts of a task, an item or a gathering run. */
export function laneOfEntry({ task, each }: TaskEntry, progress = each): Lane {
  return progress === undefined ? laneOf(task) : gatheringLane(progress);
}

const GATHERING_MS = { driver: 15_000, executor: 840_000 } as const;

/** Objects of R2 are read a few at a time, some 30 ms each; a driver has no time for more. */
function gatheringLane({ bytes, inR2 }: EachProgress): Lane {
  return inR2 <= 100 && bytes <= 32_000_000 ? "driver" : "executor";
}

function count(progress: EachProgress, state: TaskState, by: number): void {
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

/** Before a task's state is folded: what that means for its items. */
export function foldEach(run: Run, ordinal: number, entry: TaskEntry, state: TaskState): void {
  if (state.status === "each") {
    if (entry.each === undefined) openItems(run, ordinal, entry, state);
    else if (entry.state.status === "failed" || entry.state.status === "cancelled")
      resetItems(run, entry.each);
  } else if (endsItems(state) && entry.each !== undefined)
    cancelItems(run, entry.each, state.finishedAt);
}

/** Whether items that are under way end with their task: of one that fails by itself, none are. */
function endsItems(state: TaskState): state is FinalState {
  return state.status === "cancelled" || (state.status === "failed" && state.reason === "broken");
}

/** Before an item's state is folded. */
export function foldItem(
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
  run.eaches.push(of);
  for (let index = 0; index < total; index += 1) run.items.push(newItem(entry, of, index));
}

/** An item that nobody has begun, as it is made. */
export function newItem({ task }: TaskEntry, of: number, index: number): TaskEntry {
  return { task, state: PENDING, attempts: [], retriedAfter: 0, waitingOn: 0, item: { of, index } };
}

/** The task runs again: what its items have passed is kept, all others are begun once more. */
function resetItems(run: Run, progress: EachProgress): void {
  for (const [index, item] of itemsOf(run, progress).entries()) {
    if (item.state.status === "succeeded") continue;
    countItem(progress, index, item.state, PENDING);
    item.state = PENDING;
    delete item.waits;
    delete item.awaits;
    delete item.arrived;
    item.retriedAfter = item.attempts.length;
    item.isSuspect = false;
  }
  progress.cursor = 0;
}

/** One change for all: ten thousand would not fit into one row of the journal. */
function cancelItems(run: Run, progress: EachProgress, at: number): void {
  for (const [index, item] of itemsOf(run, progress).entries()) {
    const { state } = item;
    if (!isUnderWay(state)) continue;
    const cancelled: TaskState = { status: "cancelled", finishedAt: at };
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

/** The items of one task, in order. */
export function itemsOf(run: Run, { first, total }: EachProgress): TaskEntry[] {
  const begin = first - run.tasks.length;
  return run.items.slice(begin, begin + total);
}
