/** Keeps the latest changes of an object in memory, so that followers of changes cost no reads. */
import type { Change } from "./catalog-rpc.ts";

const KEPT = 2_000;

export class RecentChanges {
  #changes: Change[] = [];
  /** The time after which every change is in memory. */
  #since: number;

  constructor(since: number) {
    this.#since = since;
  }

  push(change: Change): void {
    this.#changes.push(change);
    if (this.#changes.length < 2 * KEPT) return;
    const forgotten = this.#changes.splice(0, KEPT);
    this.#since = forgotten.at(-1)?.changedAt ?? this.#since;
  }

  /** Returns the earliest changes after that time; null if some of them may have left memory. */
  after(time: number, limit: number): readonly Change[] | null {
    if (time < this.#since) return null;
    const from = this.#changes.findLastIndex(({ changedAt }) => changedAt <= time) + 1;
    return this.#changes.slice(from, from + limit);
  }
}
