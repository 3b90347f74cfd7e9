/**
 * Pending changes to the items of mapped tasks within one transition: counts on top of the recorded
 * counts, and items opened by this transition. The draft decides nothing; the transition does.
 */
import { countItem, newItem, newProgress, PENDING } from "./mapped-task.ts";
import { entryOf, type MappedProgress, type Run, type TaskEntry } from "./state.ts";
import { type TaskState } from "./task-state.ts";

export class MappedTaskDraft {
  readonly #run: Run;
  readonly #progress = new Map<number, MappedProgress>();
  readonly #opened: number[] = [];
  readonly #reopened = new Set<number>();
  /** Tasks with an item which got its slot, or no longer waits for one. */
  readonly #freed = new Set<number>();
  #nextOrdinal: number;

  constructor(run: Run) {
    this.#run = run;
    this.#nextOrdinal = run.tasks.length + run.items.length;
  }

  /** Opens the items of a task. */
  open(of: number, total: number): MappedProgress {
    const progress = newProgress(this.#nextOrdinal, total);
    this.#nextOrdinal += total;
    this.#progress.set(of, progress);
    this.#opened.push(of);
    return progress;
  }

  /** Reopens the items which have not succeeded. */
  reopen(of: number, recorded: MappedProgress): MappedProgress {
    const { total, succeeded } = recorded;
    const progress = {
      ...recorded,
      pending: total - succeeded,
      running: 0,
      failed: 0,
      cancelled: 0,
      skipped: 0,
      cursor: 0,
    };
    this.#progress.set(of, progress);
    this.#reopened.add(of);
    return progress;
  }

  /** Recorded state of an item; `pending` if this transition reopens its task. */
  stateOf({ state, item }: TaskEntry): TaskState {
    const isReopened = item !== undefined && this.#reopened.has(item.of);
    return isReopened && state.status !== "succeeded" ? PENDING : state;
  }

  /** Progress including pending changes; null without known items. */
  progress(of: number): MappedProgress | null {
    const known = this.#progress.get(of);
    if (known !== undefined) return known;
    const recorded = this.#run.tasks[of]?.each;
    if (recorded === undefined) return null;
    const copy = { ...recorded };
    this.#progress.set(of, copy);
    return copy;
  }

  /** Entry of an item opened by this transition: pending. */
  newItem(ordinal: number): TaskEntry | undefined {
    for (const of of this.#opened) {
      const { first = 0, total = 0 } = this.#progress.get(of) ?? {};
      const entry = entryOf(this.#run, of);
      if (entry !== undefined && ordinal >= first && ordinal < first + total)
        return newItem(entry, of, ordinal - first);
    }
    return undefined;
  }

  /** Tests whether an item of this task stopped waiting for its slot. */
  hasFreed(of: number): boolean {
    return this.#freed.has(of);
  }

  count({ item }: TaskEntry, before: TaskState, after: TaskState): void {
    if (item !== undefined && isBlocked(before) && !isBlocked(after)) this.#freed.add(item.of);
    const progress = item === undefined ? null : this.progress(item.of);
    if (item !== undefined && progress !== null) countItem(progress, item.index, before, after);
  }

  /** Tasks with items touched by this transition. */
  get touched(): number[] {
    return [...this.#progress.keys()];
  }

  /** All tasks with known items, the latest last. */
  get known(): number[] {
    return [...this.#run.mappedTasks, ...this.#opened];
  }
}

function isBlocked(state: TaskState): boolean {
  return state.status === "queued" && state.blockedBy !== undefined;
}
