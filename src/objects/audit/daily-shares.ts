/**
 * Limits the entries of an actor per day. An actor who pauses and resumes, or is refused, a million
 * times must not displace foreign entries, nor earlier entries of the same actor. Entries beyond
 * the limit are merged, not dropped: like entries become a single entry with a count, the first
 * time and the last time. The worker's log has every entry.
 *
 * Successful actions (by `who`, with a status below 400): the first `MOST.done` of a UTC day stand
 * alone. Further actions merge by `what`, `on` and status, from many addresses; after as many
 * again, `on` is merged too. Refusals carry any `on` that the sender likes, so `on` is merged at
 * once. The sum is a little above 10,000 entries a day, or 4 million a year, of `MOST_ENTRIES`.
 *
 * The state is in memory, and read from the newest entries after a reset.
 */
import { MANY_ADDRESSES, type AuditEntry } from "../../domain/audit-entry.ts";
import type { AuditStore } from "./store.ts";

const DAY_MS = 86_400_000;
const MOST = { done: 5_000, refused: 1_000 } as const;

interface Day {
  readonly begunAt: number;
  /** Counts of entries by `shareOf`. */
  readonly counts: Map<string, number>;
  /** Numbers of merged entries by `kindOf`. */
  readonly merged: Map<string, number>;
}

export class DailyShares {
  readonly #store: AuditStore;
  #day: Day | null = null;

  constructor(store: AuditStore) {
    this.#store = store;
  }

  /** Appends the entries, each alone or merged with earlier ones. `now`: epoch milliseconds. */
  append(entries: readonly AuditEntry[], now: number): void {
    try {
      this.#store.together(() => {
        const day = this.#dayOf(now);
        for (const entry of entries) this.#add(day, entry);
      });
    } catch (error) {
      // The write failed as a whole: the state is read anew.
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

  /** Merges an entry. `isRoom`: one more `on` of successful actions fits. */
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
