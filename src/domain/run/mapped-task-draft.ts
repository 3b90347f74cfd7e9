/**
 * What one decision has done so far to the items of `each` tasks: how many there are of each kind, on top of how the run counts
 * them, and the items that have become known in this very decision. It decides nothing: `decision.ts` does.
 */
import { countItem, newItem, newProgress, PENDING } from "./mapped-task.ts";
import { entryOf, type EachProgress, type Run, type TaskEntry, type TaskState } from "./state.ts";

export class EachItems {
  readonly #run: Run;
  readonly #progress = new Map<number, EachProgress>();
  readonly #opened: number[] = [];
  readonly #reopened = new Set<number>();
  /** Tasks of which an item has its slot now, or wants none any more. */
  readonly #freed = new Set<number>();
  #nextOrdinal: number;

  constructor(run: Run) {
    this.#run = run;
    this.#nextOrdinal = run.tasks.length + run.items.length;
  }

  /** The items of this task become known. */
  open(of: number, total: number): EachProgress {
    const progress = newProgress(this.#nextOrdinal, total);
    this.#nextOrdinal += total;
    this.#progress.set(of, progress);
    this.#opened.push(of);
    return progress;
  }

  /** The items of this task that have not succeeded are to be begun once more. */
  reopen(of: number, recorded: EachProgress): EachProgress {
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

  /** Of an item that this decision has not touched itself. */
  stateOf({ state, item }: TaskEntry): TaskState {
    const isReopened = item !== undefined && this.#reopened.has(item.of);
    return isReopened && state.status !== "succeeded" ? PENDING : state;
  }

  /** As decided so far; null if the items of this task are not known. */
  progress(of: number): EachProgress | null {
    const known = this.#progress.get(of);
    if (known !== undefined) return known;
    const recorded = this.#run.tasks[of]?.each;
    if (recorded === undefined) return null;
    const copy = { ...recorded };
    this.#progress.set(of, copy);
    return copy;
  }

  /** An item that has become known in this decision, as it was: not begun. */
  newItem(ordinal: number): TaskEntry | undefined {
    for (const of of this.#opened) {
      const { first = 0, total = 0 } = this.#progress.get(of) ?? {};
      const entry = entryOf(this.#run, of);
      if (entry !== undefined && ordinal >= first && ordinal < first + total)
        return newItem(entry, of, ordinal - first);
    }
    return undefined;
  }

  /** Whether an item of this task waits for its slot no longer. */
  hasFreed(of: number): boolean {
    return this.#freed.has(of);
  }

  count({ item }: TaskEntry, before: TaskState, after: TaskState): void {
    if (item !== undefined && isHeld(before) && !isHeld(after)) this.#freed.add(item.of);
    const progress = item === undefined ? null : this.progress(item.of);
    if (item !== undefined && progress !== null) countItem(progress, item.index, before, after);
  }

  /** Tasks whose items were touched in this decision. */
  get touched(): number[] {
    return [...this.#progress.keys()];
  }

  /** All tasks whose items are known, the latest last. */
  get known(): number[] {
    return [...this.#run.eaches, ...this.#opened];
  }
}

function isHeld(state: TaskState): boolean {
  return state.status === "queued" && state.hold !== undefined;
}
