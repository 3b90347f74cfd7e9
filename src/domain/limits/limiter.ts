/**
 * Slots of one limit: a semaphore or a sliding-window rate limiter. The limiter decides; the limit
 * object records the changes and makes the calls. No I/O and no clock: `now` is an argument in
 * epoch milliseconds.
 *
 *             no slot free              slot free            released (the attempt has ended)
 *     acquire ────────────▶ waiting ──────────────▶ held ────────────────────────────────────▶ gone
 *        └───────── slot free ────────────────────▶  │ └─ released, lease goes on ▶ leaving ▶ gone
 *                                                    └─ rate: attempt has started ▶ window ▶ gone
 *
 * At most `limit` entries are held, leaving or in the window. Age alone never takes a slot back:
 * the limiter asks the run (`checkAt`), which knows whether the attempt may still run.
 *
 * The newest known plan sets the number of slots (`LimitRule`). A raised limit applies at once to
 * waiting attempts; a lowered limit takes no slot back. The run decides the fate of an attempt
 * without a slot (`strategy`), since its graph is fixed.
 *
 * Attempts are granted in order of arrival. Each point of priority counts as one minute of earlier
 * arrival, so a low priority is overtaken only by arrivals within that many minutes.
 *
 * The class has about 300 lines: each rule reads and changes the same entries, waiting line and
 * window.
 */
import { isInForce } from "./limit-rule.ts";
import type { LimitRule, SlotHolder, SlotRequest, SlotStatus } from "./limit.ts";
import { placeFreeAt } from "./place-free-at.ts";

const AGING_MS = 60_000;

/** First check of a granted slot, and the maximum of the doubling delay. */
const CHECK_MS = { first: 15_000, most: 300_000 } as const;

/** Runs asked per check; the rest follow in the next. */
const CHECK_BATCH = 50;

/** Resolution of the window (see `placeFreeAt`). */
const WINDOW_STEPS = 10_000;

/** Interval of recording for a plan confirmed by newer runs; each record costs a row. */
const CONFIRM_MS = 60_000;

export interface SlotEntry {
  readonly holder: SlotHolder;
  /** Order of grants, lower first: arrival time less a minute per point of priority. */
  readonly rank: number;
  /** Arrival number at this limit. */
  readonly seq: number;
  readonly phase: "waiting" | "held" | "leaving";
  /** Next question to the run; null for none. */
  readonly checkAt: number | null;
  readonly checks: number;
  /** Release time of a leaving slot. */
  readonly freeAt: number | null;
  /** Preempted by a newer attempt (`cancel_running`); the run is notified until its end. */
  readonly givesWay: boolean;
}

/** Changes of a call, for recording. */
export interface SlotChanges {
  readonly put: readonly SlotEntry[];
  /** Slot ids. */
  readonly gone: readonly string[];
  /** Places of the window by release time; count 0 deletes the record. */
  readonly window: readonly { readonly freeAt: number; readonly count: number }[];
  /** Null if unchanged. */
  readonly rule: LimitRule | null;
}

export type AcquireAnswer = "granted" | "waiting" | "refused";

/** Returns the key of an entry. */
export function slotId({ runId, ordinal, attempt }: SlotHolder): string {
  return `${runId}/${ordinal}/${attempt}`;
}

export class Limiter {
  readonly #entries = new Map<string, SlotEntry>();
  /** Waiting entries in order of grants. */
  readonly #waiting: SlotEntry[] = [];
  /** Entries with a due time, so nothing scans all waiting entries. */
  readonly #due = new Map<string, SlotEntry>();
  /** Places of the window by release time. */
  readonly #window = new Map<number, number>();
  #inUse = 0;
  #lastSeq = 0;
  readonly #put = new Map<string, SlotEntry>();
  readonly #gone = new Set<string>();
  readonly #windowChanges = new Map<number, number>();
  #rule: LimitRule | null;
  #noted: LimitRule | null;

  /** Restores a recorded limiter. `rule` is null before the first request. */
  constructor(
    entries: Iterable<SlotEntry>,
    window: Iterable<readonly [freeAt: number, count: number]>,
    rule: LimitRule | null,
  ) {
    this.#rule = rule;
    this.#noted = rule;
    for (const entry of entries) {
      this.#index(entry);
      this.#lastSeq = Math.max(this.#lastSeq, entry.seq);
      if (entry.phase === "waiting") this.#waiting.push(entry);
      else this.#inUse += 1;
    }
    this.#waiting.sort(byTurn);
    for (const [freeAt, count] of window) {
      this.#window.set(freeAt, count);
      this.#inUse += count;
    }
  }

  get inUse(): number {
    return this.#inUse;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0 && this.#window.size === 0;
  }

  get entries(): Iterable<SlotEntry> {
    return this.#entries.values();
  }

  /** Number of slots. */
  get limit(): number {
    return this.#rule?.limit ?? 0;
  }

  /** Adopts the rule of a plan; an older rule changes nothing. */
  adopt(rule: LimitRule): void {
    const known = this.#rule;
    if (known !== null && !isInForce(rule, known)) return;
    this.#rule = rule;
    const shiftMs = (rule.perMs ?? 0) - (known?.perMs ?? rule.perMs ?? 0);
    if (shiftMs !== 0) this.#shiftWindow(shiftMs);
  }

  /** Requests a slot for an attempt. A repeated request changes nothing. */
  acquire({ holder, rule, strategy, since, priority }: SlotRequest, now: number): AcquireAnswer {
    this.adopt(rule);
    this.#free(now);
    const { limit } = this;
    const id = slotId(holder);
    const known = this.#entries.get(id);
    if (known !== undefined) return known.phase === "waiting" ? "waiting" : "granted";
    if (strategy === "skip" && (this.#inUse >= limit || this.#waiting.length > 0)) return "refused";
    const entry: SlotEntry = {
      holder,
      rank: Math.min(since, now) - priority * AGING_MS,
      seq: (this.#lastSeq += 1),
      phase: "waiting",
      checkAt: null,
      checks: 0,
      freeAt: null,
      givesWay: false,
    };
    this.#save(entry);
    this.#insert(entry);
    return "waiting";
  }

  /**
   * Preempts the oldest attempts of other runs in favour of this attempt, so at most `limit`
   * continue.
   */
  preemptFor(holder: SlotHolder, now: number): readonly SlotEntry[] {
    const entry = this.#entries.get(slotId(holder));
    if (entry?.phase !== "waiting") return [];
    const live = [...this.#entries.values()].filter(
      ({ phase, givesWay }) => phase !== "leaving" && !givesWay,
    );
    const others = live.filter(
      (other) => other.holder.runId !== holder.runId && other.seq < entry.seq,
    );
    const tooMany = Math.max(0, live.length - this.limit);
    return others
      .toSorted((a, b) => a.seq - b.seq)
      .slice(0, tooMany)
      .map((other) => this.#save({ ...other, givesWay: true, checkAt: now + CHECK_MS.first }));
  }

  /** Releases the slot of an attempt, after `afterMs` if positive. */
  release(holder: SlotHolder, afterMs: number, now: number): void {
    const entry = this.#entries.get(slotId(holder));
    if (entry === undefined) return;
    if (entry.phase === "waiting" || afterMs <= 0) this.#remove(entry);
    else if (entry.phase === "held")
      this.#save({
        ...entry,
        phase: "leaving",
        freeAt: now + afterMs,
        checkAt: null,
        givesWay: false,
      });
  }

  /** Moves a started attempt into the window. */
  consume(holder: SlotHolder, perMs: number, now: number): void {
    const entry = this.#entries.get(slotId(holder));
    if (entry === undefined) return;
    this.#remove(entry);
    if (entry.phase === "waiting") return;
    const windowMs = this.#rule?.perMs ?? perMs;
    const freeAt = placeFreeAt(now, windowMs, this.limit, WINDOW_STEPS);
    this.#count(freeAt, (this.#window.get(freeAt) ?? 0) + 1);
    this.#inUse += 1;
  }

  /** Applies a run's report on a granted, checked or preempted attempt. */
  applyStatus(holder: SlotHolder, standing: SlotStatus, now: number): void {
    switch (standing.type) {
      case "holding":
        break;
      case "over":
        this.release(holder, standing.afterMs, now);
        break;
      case "spent":
        this.consume(holder, standing.perMs, now);
        break;
    }
  }

  /**
   * Grants free slots in queue order and returns the new holders. The caller notifies their runs.
   */
  grant(now: number): readonly SlotEntry[] {
    this.#free(now);
    const granted: SlotEntry[] = [];
    for (;;) {
      const [first] = this.#waiting;
      if (first === undefined || this.#inUse >= this.limit) return granted;
      this.#waiting.shift();
      this.#inUse += 1;
      granted.push(this.#save({ ...first, phase: "held", checkAt: now + CHECK_MS.first }));
    }
  }

  /** Returns the entries due for a question to their run, and schedules the next check of each. */
  takeDue(now: number): readonly SlotEntry[] {
    const due: SlotEntry[] = [];
    for (const entry of this.#due.values()) {
      if (entry.checkAt === null || entry.checkAt > now) continue;
      const pauseMs = Math.min(CHECK_MS.most, CHECK_MS.first * 2 ** (entry.checks + 1));
      due.push(this.#save({ ...entry, checks: entry.checks + 1, checkAt: now + pauseMs }));
      if (due.length === CHECK_BATCH) break;
    }
    return due;
  }

  /** Returns the next due time without a call; null for never. */
  nextAt(): number | null {
    let next = Number.POSITIVE_INFINITY;
    for (const { checkAt, freeAt } of this.#due.values())
      next = Math.min(
        next,
        checkAt ?? Number.POSITIVE_INFINITY,
        freeAt ?? Number.POSITIVE_INFINITY,
      );
    // Without waiting entries the last release is soon enough: then nothing is left to store.
    const isWaitedFor = this.#waiting.length > 0;
    let freed: number | null = null;
    for (const freeAt of this.#window.keys())
      freed =
        freed === null ? freeAt : isWaitedFor ? Math.min(freed, freeAt) : Math.max(freed, freeAt);
    next = Math.min(next, freed ?? Number.POSITIVE_INFINITY);
    return next === Number.POSITIVE_INFINITY ? null : next;
  }

  /** Returns the changes since the last call; null without changes. */
  takeChanges(): SlotChanges | null {
    const rule = this.#ruleToNote();
    if (
      rule === null &&
      this.#put.size === 0 &&
      this.#gone.size === 0 &&
      this.#windowChanges.size === 0
    )
      return null;
    const changes = {
      put: [...this.#put.values()],
      gone: [...this.#gone],
      window: [...this.#windowChanges].map(([freeAt, count]) => ({ freeAt, count })),
      rule,
    };
    this.#put.clear();
    this.#gone.clear();
    this.#windowChanges.clear();
    return changes;
  }

  #ruleToNote(): LimitRule | null {
    const [rule, noted] = [this.#rule, this.#noted];
    if (rule === null) return null;
    const isNoted =
      rule.limit === noted?.limit &&
      rule.perMs === noted.perMs &&
      rule.madeAt === noted.madeAt &&
      rule.planAt - noted.planAt < CONFIRM_MS;
    if (isNoted) return null;
    this.#noted = rule;
    return rule;
  }

  /** Shifts the window after a change of its length. */
  #shiftWindow(shiftMs: number): void {
    const counts = [...this.#window];
    for (const [freeAt] of counts) this.#count(freeAt, 0);
    for (const [freeAt, count] of counts) this.#count(freeAt + shiftMs, count);
  }

  /** Frees expired slots. */
  #free(now: number): void {
    for (const entry of this.#due.values())
      if (entry.freeAt !== null && entry.freeAt <= now) this.#remove(entry);
    for (const [freeAt, count] of this.#window) {
      if (freeAt > now) continue;
      this.#count(freeAt, 0);
      this.#inUse -= count;
    }
  }

  #index(entry: SlotEntry): void {
    const id = slotId(entry.holder);
    this.#entries.set(id, entry);
    if (entry.checkAt !== null || entry.freeAt !== null) this.#due.set(id, entry);
  }

  #save(entry: SlotEntry): SlotEntry {
    const id = slotId(entry.holder);
    if (entry.phase === "waiting" && this.#entries.has(id))
      this.#waiting[this.#placeOf(entry)] = entry;
    this.#index(entry);
    this.#put.set(id, entry);
    this.#gone.delete(id);
    return entry;
  }

  #placeOf(entry: SlotEntry): number {
    return this.#waiting.findIndex(({ seq }) => seq === entry.seq);
  }

  #remove(entry: SlotEntry): void {
    const id = slotId(entry.holder);
    if (entry.phase === "waiting") this.#waiting.splice(this.#placeOf(entry), 1);
    else this.#inUse -= 1;
    this.#entries.delete(id);
    this.#due.delete(id);
    this.#put.delete(id);
    this.#gone.add(id);
  }

  /** Inserts from the end, where most entries belong. */
  #insert(entry: SlotEntry): void {
    let place = this.#waiting.length;
    for (; place > 0; place -= 1) {
      const before = this.#waiting[place - 1];
      if (before === undefined || byTurn(before, entry) <= 0) break;
    }
    this.#waiting.splice(place, 0, entry);
  }

  #count(freeAt: number, count: number): void {
    if (count === 0) this.#window.delete(freeAt);
    else this.#window.set(freeAt, count);
    this.#windowChanges.set(freeAt, count);
  }
}

function byTurn(a: SlotEntry, b: SlotEntry): number {
  return a.rank - b.rank || a.seq - b.seq;
}
