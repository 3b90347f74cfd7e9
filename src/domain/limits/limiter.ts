/**
 * The slots of one limit: who has one, who waits, in which order, and what is checked when. It decides; the limit object records
 * what changed and makes the calls. No I/O and no clock: `now` is an argument (epoch milliseconds).
 *
 *              no slot free                a slot comes free            given back (the attempt has ended)
 *     ask ───────────────────▶ waiting ───────────────────────▶ held ──────────────────────────────────────▶ gone
 *      └──────────────── a slot is free ─────────────────────▶  │ └─ given back, but its lease goes on ▶ leaving ▶ gone
 *                                                               └─ rate: its attempt has started ▶ counts in the window ▶ gone
 *
 * Never more than `limit` are held, leaving or in the window. A slot is never taken back for its age alone: what was forgotten is
 * found by asking the run (`checkAt`), which knows whether the attempt may still run.
 *
 * How many there are is what the newest plan says that anybody has brought (`LimitRule`): a raised limit counts at once for what
 * waits already, a lowered one takes no slot back. What becomes of an attempt for which there is none is up to its own run
 * (`strategy`), whose graph is fixed.
 *
 * Waiting attempts are granted in order of arrival; each point of priority stands for a minute of earlier arrival, so a low
 * priority is overtaken by what comes within so many minutes, and by nothing that comes later.
 */
import { isInForce } from "./limit-rule.ts";
import type { LimitRule, SlotHolder, SlotRequest, Standing } from "./limit.ts";
import { placeFreeAt } from "./place-free-at.ts";

const AGING_MS = 60_000;

/** The first look after a granted slot, and the pause that doubles after each, at most. */
const CHECK_MS = { first: 15_000, most: 300_000 } as const;

/** Runs asked in one check; the rest follow in the next. */
const CHECK_BATCH = 50;

/** See `placeFreeAt`. */
const WINDOW_STEPS = 10_000;

/** A plan that is confirmed by ever newer runs is noted again so rarely: it costs a row. */
const CONFIRM_MS = 60_000;

export interface SlotEntry {
  readonly holder: SlotHolder;
  /** Lower is earlier: the arrival, less a minute for each point of priority. */
  readonly rank: number;
  /** Counts up over the arrivals at this limit. */
  readonly seq: number;
  readonly phase: "waiting" | "held" | "leaving";
  /** When its run is asked how it stands. Null: not at all. */
  readonly checkAt: number | null;
  readonly checks: number;
  /** Of a leaving one: when its slot is free. */
  readonly freeAt: number | null;
  /** It must give way to a newer one (`cancel_running`); its run is told until it has. */
  readonly givesWay: boolean;
}

/** What a call changed, to be recorded. */
export interface SlotChanges {
  readonly put: readonly SlotEntry[];
  /** Ids. */
  readonly gone: readonly string[];
  /** How many places of the window come free at that time; 0: none any more. */
  readonly window: readonly { readonly freeAt: number; readonly count: number }[];
  /** Null: it is as before. */
  readonly rule: LimitRule | null;
}

export type AskAnswer = "granted" | "waiting" | "refused";

/** By what an entry is found. */
export function slotId({ runId, ordinal, attempt }: SlotHolder): string {
  return `${runId}/${ordinal}/${attempt}`;
}

export class SlotBook {
  readonly #entries = new Map<string, SlotEntry>();
  /** In the order in which they are granted. */
  readonly #waiting: SlotEntry[] = [];
  /** Those with something due, so that nothing looks through all that wait. */
  readonly #due = new Map<string, SlotEntry>();
  /** Places of the window by the time at which they come free. */
  readonly #window = new Map<number, number>();
  #inUse = 0;
  #lastSeq = 0;
  readonly #put = new Map<string, SlotEntry>();
  readonly #gone = new Set<string>();
  readonly #windowChanges = new Map<number, number>();
  #rule: LimitRule | null;
  #noted: LimitRule | null;

  /** The book as it was recorded. `rule`: null before anybody has asked. */
  constructor(
    entries: Iterable<SlotEntry>,
    window: Iterable<readonly [freeAt: number, count: number]>,
    rule: LimitRule | null,
  ) {
    this.#rule = rule;
    this.#noted = rule;
    for (const entry of entries) {
      this.#keep(entry);
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

  /** So many may have a slot at a time. */
  get limit(): number {
    return this.#rule?.limit ?? 0;
  }

  /** A plan says this; one that is older than what is known changes nothing. */
  adopt(rule: LimitRule): void {
    const known = this.#rule;
    if (known !== null && !isInForce(rule, known)) return;
    this.#rule = rule;
    const shiftMs = (rule.perMs ?? 0) - (known?.perMs ?? rule.perMs ?? 0);
    if (shiftMs !== 0) this.#shiftWindow(shiftMs);
  }

  /** An attempt asks for a slot; asking again changes nothing. */
  ask({ holder, rule, strategy, since, priority }: SlotRequest, now: number): AskAnswer {
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
    this.#line(entry);
    return "waiting";
  }

  /** The oldest attempts of other runs that must give way to this one, so that at most `limit` go on. */
  displaceFor(holder: SlotHolder, now: number): readonly SlotEntry[] {
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

  /** The attempt needs its slot no longer, or only for `afterMs`. */
  giveBack(holder: SlotHolder, afterMs: number, now: number): void {
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

  /** The attempt has started: from now on it counts in the window. */
  spend(holder: SlotHolder, perMs: number, now: number): void {
    const entry = this.#entries.get(slotId(holder));
    if (entry === undefined) return;
    this.#remove(entry);
    if (entry.phase === "waiting") return;
    const windowMs = this.#rule?.perMs ?? perMs;
    const freeAt = placeFreeAt(now, windowMs, this.limit, WINDOW_STEPS);
    this.#count(freeAt, (this.#window.get(freeAt) ?? 0) + 1);
    this.#inUse += 1;
  }

  /** What the run says of an attempt that was granted, checked or told to give way. */
  heard(holder: SlotHolder, standing: Standing, now: number): void {
    switch (standing.type) {
      case "holding":
        break;
      case "over":
        this.giveBack(holder, standing.afterMs, now);
        break;
      case "spent":
        this.spend(holder, standing.perMs, now);
        break;
    }
  }

  /** Those whose turn it is, now that slots are free; their runs are to be told. */
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

  /** Those whose runs are to be asked how they stand; the next look at each is later. */
  check(now: number): readonly SlotEntry[] {
    const due: SlotEntry[] = [];
    for (const entry of this.#due.values()) {
      if (entry.checkAt === null || entry.checkAt > now) continue;
      const pauseMs = Math.min(CHECK_MS.most, CHECK_MS.first * 2 ** (entry.checks + 1));
      due.push(this.#save({ ...entry, checks: entry.checks + 1, checkAt: now + pauseMs }));
      if (due.length === CHECK_BATCH) break;
    }
    return due;
  }

  /** When something is due here if nobody calls; null: never. */
  nextAt(): number | null {
    let next = Number.POSITIVE_INFINITY;
    for (const { checkAt, freeAt } of this.#due.values())
      next = Math.min(
        next,
        checkAt ?? Number.POSITIVE_INFINITY,
        freeAt ?? Number.POSITIVE_INFINITY,
      );
    // With nobody waiting, the last place that comes free is soon enough: then there is nothing left to keep.
    const isWaitedFor = this.#waiting.length > 0;
    let freed: number | null = null;
    for (const freeAt of this.#window.keys())
      freed =
        freed === null ? freeAt : isWaitedFor ? Math.min(freed, freeAt) : Math.max(freed, freeAt);
    next = Math.min(next, freed ?? Number.POSITIVE_INFINITY);
    return next === Number.POSITIVE_INFINITY ? null : next;
  }

  /** What has changed since it was asked last; null: nothing. */
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

  /** The window has become longer, or shorter, by so much. */
  #shiftWindow(shiftMs: number): void {
    const counts = [...this.#window];
    for (const [freeAt] of counts) this.#count(freeAt, 0);
    for (const [freeAt, count] of counts) this.#count(freeAt + shiftMs, count);
  }

  /** Slots whose time is over are free. */
  #free(now: number): void {
    for (const entry of this.#due.values())
      if (entry.freeAt !== null && entry.freeAt <= now) this.#remove(entry);
    for (const [freeAt, count] of this.#window) {
      if (freeAt > now) continue;
      this.#count(freeAt, 0);
      this.#inUse -= count;
    }
  }

  #keep(entry: SlotEntry): void {
    const id = slotId(entry.holder);
    this.#entries.set(id, entry);
    if (entry.checkAt !== null || entry.freeAt !== null) this.#due.set(id, entry);
  }

  #save(entry: SlotEntry): SlotEntry {
    const id = slotId(entry.holder);
    if (entry.phase === "waiting" && this.#entries.has(id))
      this.#waiting[this.#placeOf(entry)] = entry;
    this.#keep(entry);
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

  /** Most come last: the place is looked for from the end. */
  #line(entry: SlotEntry): void {
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
