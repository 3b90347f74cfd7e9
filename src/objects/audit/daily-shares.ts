/**
 * How many entries of the audit one may have a day: who may pause and resume, or is refused, a million times must not push out of it what
 * others did, nor what they did themselves. What is beyond is not left out: like ones are one entry then, with a count, the time of the
 * first and that of the last. The worker's log has each.
 *
 * For what one has done (`who`, and a status below 400), the first `MOST.done` of a UTC day stand for themselves. Then those of one `what`,
 * `on` and status are one, from many addresses; after as many again also those of any `on`. Refusals name what their sender likes, so theirs
 * is left out at once. That is 10,000 entries a day and a few, 4 million a year, of `MOST_ENTRIES`.
 *
 * It is known in memory, and read from the newest entries after a reset.
 */
import { MANY_ADDRESSES, type AuditEntry } from "../../domain/audit-entry.ts";
import type { AuditStore } from "./store.ts";

const DAY_MS = 86_400_000;
const MOST = { done: 5_000, refused: 1_000 } as const;

interface Day {
  readonly begunAt: number;
  /** How many entries of whom, by `shareOf`. */
  readonly counts: Map<string, number>;
  /** The numbers of those that stand for many, by `kindOf`. */
  readonly merged: Map<string, number>;
}

export class DailyShares {
  readonly #store: AuditStore;
  #day: Day | null = null;

  constructor(store: AuditStore) {
    this.#store = store;
  }

  /** Keeps the entries, each for itself or as one with those before. `now`: epoch milliseconds. */
  append(entries: readonly AuditEntry[], now: number): void {
    try {
      this.#store.together(() => {
        const day = this.#dayOf(now);
        for (const entry of entries) this.#add(day, entry);
      });
    } catch (error) {
      // Nothing of it was kept: what is there is read anew.
      this.#day = null;
      throw error;
    }
  }

  #add(day: Day, entry: AuditEntry): void {
    const share = shareOf(entry.who, isRefused(entry));
    const count = day.counts.get(share) ?? 0;
    const most = isRefused(entry) ? MOST.refused : MOST.done;
    const isAlone = count < most;
    const kept = isAlone ? entry : this.#asOneOfMany(day, entry, count < 2 * most);
    const known = isAlone ? undefined : day.merged.get(kindOf(kept));
    if (known !== undefined) return this.#store.countAgain(known, entry);
    const seq = this.#store.append(kept);
    day.counts.set(share, count + 1);
    if (!isAlone) day.merged.set(kindOf(kept), seq);
  }

  /** `isRoom`: for one more `on` of what was done. */
  #asOneOfMany({ merged }: Day, entry: AuditEntry, isRoom: boolean): AuditEntry {
    const one = { ...entry, from: MANY_ADDRESSES, lastAt: entry.lastAt ?? entry.at };
    return !isRefused(entry) && (isRoom || merged.has(kindOf(one))) ? one : { ...one, on: "" };
  }

  #dayOf(now: number): Day {
    const begunAt = now - (now % DAY_MS);
    if (this.#day?.begunAt === begunAt) return this.#day;
    const { counts, merged } = this.#store.since(begunAt);
    this.#day = {
      begunAt,
      counts: new Map(counts.map((each) => [shareOf(each.who, each.isRefused), each.entries])),
      merged: new Map(merged.map(({ seq, entry }) => [kindOf(entry), seq])),
    };
    return this.#day;
  }
}

function isRefused({ status }: AuditEntry): boolean {
  return status >= 400;
}

function shareOf(who: string, isRefused: boolean): string {
  return `${isRefused ? "refused" : "done"} ${who}`;
}

function kindOf({ who, what, on, status }: AuditEntry): string {
  return JSON.stringify([who, what, on, status]);
}
