/**
 * What a catalogue object does with each call, apart from the platform. It keeps what runs tell of themselves, lists and counts them,
 * and deletes them when their retention is over. It is never on the way of a trigger, and decides nothing about a run.
 *
 * Who owes what. A run tells its summary after each commit that changes its status, and again by its alarm until this object says
 * that it is kept; a later revision takes the place of an earlier one, and an earlier one changes nothing. A run that is not final
 * stays in memory at first (`fresh`): most are final within seconds, and then cost one row. Should this object die meanwhile, the
 * run is missing in the list until it ends, or until its alarm, seconds later, has it kept.
 *
 * Runs are deleted by an alarm of this object, many at once; from the moment they are due they are not listed any more. What they
 * have counted for the metrics stays.
 */
import {
  byPlace,
  matches,
  type RunFilter,
  type RunPlace,
  type RunSummary,
} from "../../domain/run/summary.ts";
import { RUN_STATUSES } from "../../domain/statuses.ts";
import { TRIGGER_SOURCES } from "../../domain/trigger.ts";
import { AlarmClock } from "../../platform/alarm-clock.ts";
import { Books } from "./run-index.ts";
import type {
  Change,
  ChangesAnswer,
  CountAnswer,
  ListAnswer,
  MetricsAnswer,
  RecordAnswer,
} from "./catalog-rpc.ts";
import { RecentChanges } from "./recent-changes.ts";
import { LateNotices } from "./late-notices.ts";
import {
  BUSY_RUNS_A_SECOND,
  FULL_RUNS,
  ROUTES_HOLD_MS,
  shardFor,
  shardsOf,
  splitFurther,
  type Split,
} from "./shard-map.ts";
import type { CatalogStore } from "./store.ts";
import { addCounts, bucketOf, BUCKET_MS, NO_RUNS, type RunCounts } from "./run-counts.ts";

/** As many runs that are not final stay in memory; further ones are kept at once. */
const MOST_FRESH = 20_000;
/** A run that is not final and has not been heard of for so long was told late, after its end was deleted. */
const FRESH_MS = 3_600_000;
/** The object's housekeeping: at least so often while runs come, and at most so often when they are due. */
const KEEPING_MS = { often: 60_000, seldom: 3_600_000 } as const;
const ALARM_PAUSE_MS = 60_000;
/** Before what is left of a sweep, so that others are served meanwhile. */
const SWEEP_PAUSE_MS = 1_000;
/** The books stay open for what is under way just now. */
const OPEN_MS = 10_000;
/** Changes in the open part before it is closed. */
const CHANGES_TO_CLOSE = 10_000;
/** A list looks through so many runs that are not asked for before it answers with what it has found. */
const LOOKED_THROUGH = 200_000;
const RATE_WINDOW_MS = 10_000;
/** The clock of changes counts on where there are several in a millisecond: an earlier life may have been ahead by so much. */
const CLOCK_AHEAD_MS = 1_000;

export interface CatalogSurroundings {
  /** Epoch milliseconds. */
  now(): number;
  /** Belongs to the commit under way: durable with it, and answers wait for it. */
  setAlarm(at: number): void;
  /** Tells the directory that this task has a catalogue. */
  enlist(): Promise<void>;
  waitUntil(work: Promise<void>): void;
  /** Something failed that is tried again. */
  failed(what: string, error: unknown): void;
}

export interface CatalogPart {
  readonly task: string;
  /** The first, 0, decides over how many objects the runs are spread. */
  readonly shard: number;
}

export class CatalogProtocol {
  readonly #store: CatalogStore;
  readonly #books: Books;
  readonly #part: CatalogPart;
  readonly #around: CatalogSurroundings;
  readonly #notices = new LateNotices();
  readonly #fresh = new Map<string, Change>();
  readonly #recent: RecentChanges;
  #clock: number;
  #splits: readonly Split[] | null = null;
  #isEnlisted: boolean | null = null;
  readonly #alarm: AlarmClock;
  #changesToClose = 0;
  #rate = { since: 0, runs: 0 };

  /** `alarmAt`: what the alarm is set to when the object's life begins. */
  constructor(
    store: CatalogStore,
    part: CatalogPart,
    around: CatalogSurroundings,
    alarmAt: number | null,
  ) {
    this.#store = store;
    this.#alarm = new AlarmClock(
      () => around.now(),
      (at) => around.setAlarm(at),
    );
    if (alarmAt !== null) this.#alarm.recover(alarmAt);
    this.#books = new Books(store);
    this.#part = part;
    this.#around = around;
    this.#clock = around.now();
    this.#recent = new RecentChanges(this.#clock + CLOCK_AHEAD_MS);
  }

  record(told: RunSummary, keep: boolean): RecordAnswer {
    const splits = this.#getSplits();
    if (shardFor(splits, told) !== this.#part.shard) {
      // Only the first is asked by whoever does not know.
      if (this.#part.shard === 0) return { splits, until: this.#around.now() + ROUTES_HOLD_MS };
    }
    const fresh = this.#fresh.get(told.id);
    const kept = fresh === undefined ? this.#store.read(told) : null;
    const known = fresh ?? kept;
    const now = this.#around.now();
    if (told.problem === undefined) this.#notices.heard(told.id, now);
    else if (known !== null && this.#notices.isLate(told, known.changedAt, now)) return true;
    const summary = withProblem(told, known?.summary);
    if (known === null) this.#measure();
    const isFinal = summary.finishedAt !== null;
    const isKept = isFinal || keep || kept !== null || this.#fresh.size >= MOST_FRESH;
    if (known !== null && !isNews(summary, known.summary)) {
      if (kept === null && keep) this.#keep(known.summary, null, known.changedAt);
      return kept !== null || keep;
    }
    // Told late, when it was deleted already: nobody would delete it again.
    if (kept === null && (summary.forgetAt ?? Number.POSITIVE_INFINITY) <= this.#around.now()) {
      this.#fresh.delete(summary.id);
      return true;
    }
    const changedAt = this.#tick();
    if (isKept) this.#keep(summary, kept, changedAt);
    else this.#fresh.set(summary.id, { summary, changedAt });
    this.#recent.push({ summary: listed(summary), changedAt });
    this.#enlist();
    return isKept;
  }

  list(filter: RunFilter, after: RunPlace | null, limit: number): ListAnswer {
    const begin = beginOf(filter, after);
    const { runs: found, end } = this.#find(filter, begin, limit);
    const fresh = [...this.#fresh.values()].flatMap(({ summary }) =>
      matches(filter, summary) &&
      byPlace(begin, summary) < 0 &&
      (end === null || byPlace(summary, end) < 0)
        ? [summary]
        : [],
    );
    const all = [...found, ...fresh].toSorted(byPlace);
    const runs = all.slice(0, limit).map(listed);
    const isCut = all.length > limit || found.length === limit;
    return { runs, end: isCut ? placeOf(runs.at(-1)) : end, shards: this.#shards };
  }

  count(filter: RunFilter): CountAnswer {
    const [from, until] = [
      filter.createdAfter ?? 0,
      filter.createdBefore ?? Number.MAX_SAFE_INTEGER,
    ];
    let counts: RunCounts = NO_RUNS;
    for (const tallies of this.#books.tallies) {
      for (const bucket of tallies.buckets()) {
        const start = bucket * BUCKET_MS;
        if (start >= from && start + BUCKET_MS <= until)
          counts = addCounts(counts, tallies.countsIn(bucket, filter));
      }
    }
    for (const [start, end] of this.#edges(from, until)) {
      for (const { status, source, runs } of this.#store.tally(BUCKET_MS, start, end)) {
        if (
          (filter.statuses?.includes(status) ?? true) &&
          (filter.sources?.includes(source) ?? true)
        )
          counts = addCounts(counts, { ...NO_RUNS, [status]: runs });
      }
    }
    for (const { summary } of this.#fresh.values())
      if (matches(filter, summary)) counts = addCounts(counts, { ...NO_RUNS, [summary.status]: 1 });
    return { counts, shards: this.#shards };
  }

  changes(since: number | null, limit: number): ChangesAnswer {
    const until = Math.max(this.#clock, this.#around.now());
    this.#clock = until;
    const changes =
      since === null ? [] : (this.#recent.after(since, limit) ?? this.#changedSince(since, limit));
    const last = changes.at(-1);
    return {
      changes,
      until: changes.length === limit && last !== undefined ? last.changedAt : until,
      shards: this.#shards,
    };
  }

  metrics(): MetricsAnswer {
    const { queued, running } = this.count({ statuses: ["queued", "running"] }).counts;
    return {
      task: this.#part.task,
      figures: this.#books.figures,
      open: { queued, running },
      shards: this.#shards,
    };
  }

  /** Never throws: the platform gives an alarm up after six failures. `firing`: what the alarm was set to, as far as it tells. */
  alarm(firing: number | null): void {
    const now = this.#around.now();
    this.#alarm.fires(firing);
    try {
      this.#close();
      for (const [id, { changedAt }] of this.#fresh)
        if (changedAt < now - FRESH_MS) this.#fresh.delete(id);
      this.#splitIfFull(now);
      const due = this.#books.sweep(now);
      const next = due <= now ? now + SWEEP_PAUSE_MS : Math.max(due, now + KEEPING_MS.often);
      const soonest = this.#books.isOpen ? Math.min(next, now + KEEPING_MS.seldom) : next;
      this.#alarm.set(soonest);
    } catch (error) {
      this.#around.failed("the alarm of a catalogue", error);
      this.#alarm.set(now + ALARM_PAUSE_MS);
    } finally {
      this.#alarm.handled();
    }
  }

  #keep(summary: RunSummary, before: Parameters<Books["put"]>[0], changedAt: number): void {
    this.#books.put(before, summary, changedAt);
    this.#fresh.delete(summary.id);
    const now = this.#around.now();
    this.#alarm.atLatest(
      Math.min(
        now + KEEPING_MS.seldom,
        Math.max(summary.forgetAt ?? Number.POSITIVE_INFINITY, now + KEEPING_MS.often),
      ),
    );
    this.#changesToClose += 1;
    if (this.#changesToClose >= CHANGES_TO_CLOSE) this.#close();
  }

  #close(): void {
    this.#changesToClose = 0;
    this.#books.close(this.#around.now() - OPEN_MS);
  }

  /** Runs of the store that come after `begin`, at most `limit`. */
  #find(
    filter: RunFilter,
    begin: RunPlace,
    limit: number,
  ): { readonly runs: RunSummary[]; readonly end: RunPlace | null } {
    const { statuses = RUN_STATUSES, sources = TRIGGER_SOURCES, createdAfter = 0 } = filter;
    const now = this.#around.now();
    const areRare = statuses.every((status) => status === "failed" || status === "cancelled");
    if (areRare || (filter.statuses === undefined && filter.sources === undefined))
      return {
        runs: this.#store.page({ from: createdAfter, after: begin, statuses, sources, now, limit }),
        end: null,
      };
    const parts = this.#books.tallies;
    const runs: RunSummary[] = [];
    let lookedThrough = 0;
    for (const bucket of this.#bucketsFrom(begin, createdAfter)) {
      const counts = parts.map((tallies) => tallies.runsIn(bucket, filter));
      if (counts.every(({ wanted }) => wanted === 0)) continue;
      const start = bucket * BUCKET_MS;
      if (lookedThrough > LOOKED_THROUGH)
        return { runs, end: { createdAt: start + BUCKET_MS, id: "" } };
      const end: RunPlace = { createdAt: start + BUCKET_MS, id: "" };
      const after = byPlace(begin, end) < 0 ? end : begin;
      const from = Math.max(start, createdAfter);
      runs.push(
        ...this.#store.page({ from, after, statuses, sources, now, limit: limit - runs.length }),
      );
      if (runs.length >= limit) break;
      lookedThrough += counts.reduce((sum, { all }) => sum + all, 0);
    }
    return { runs, end: null };
  }

  /** Numbers of the buckets that may have runs between these places, newest first. */
  #bucketsFrom(begin: RunPlace, from: number): number[] {
    const numbers = new Set(this.#books.tallies.flatMap((tallies) => [...tallies.buckets()]));
    return [...numbers]
      .filter((bucket) => bucket <= bucketOf(begin.createdAt) && bucket >= bucketOf(from))
      .toSorted((one, other) => other - one);
  }

  /** The parts of this stretch that are no whole buckets. */
  #edges(from: number, until: number): (readonly [from: number, until: number])[] {
    const [first, last] = [
      Math.ceil(from / BUCKET_MS) * BUCKET_MS,
      Math.floor(until / BUCKET_MS) * BUCKET_MS,
    ];
    if (first > last) return [[from, until]];
    const edges = [
      [from, first],
      [last, until],
    ] as const;
    return edges.filter(([start, end]) => start < end);
  }

  /** As it can be told from what is kept. */
  #changedSince(since: number, limit: number): Change[] {
    const changes = [...this.#fresh.values()].filter(({ changedAt }) => changedAt > since);
    const parts = this.#books.tallies;
    for (const bucket of this.#bucketsFrom({ createdAt: Number.MAX_SAFE_INTEGER, id: "" }, 0)) {
      if (parts.every((tallies) => tallies.changedAt(bucket) <= since)) continue;
      const start = bucket * BUCKET_MS;
      changes.push(...this.#store.changed(start, start + BUCKET_MS, since, limit));
    }
    return changes
      .map(({ summary, changedAt }) => ({ summary: listed(summary), changedAt }))
      .toSorted((one, other) => one.changedAt - other.changedAt)
      .slice(0, limit);
  }

  #enlist(): void {
    if (this.#part.shard > 0 || this.#isEnlisted === true) return;
    if (this.#isEnlisted === null && this.#store.state("enlisted") === true) {
      this.#isEnlisted = true;
      return;
    }
    this.#isEnlisted = true;
    const work = async (): Promise<void> => {
      try {
        await this.#around.enlist();
        this.#store.putState("enlisted", true);
      } catch (error) {
        this.#isEnlisted = false;
        this.#around.failed("to enlist a catalogue", error);
      }
    };
    this.#around.waitUntil(work());
  }

  /** A run that was not known has come: the task may be busier than one object should be. */
  #measure(): void {
    const now = this.#around.now();
    if (now - this.#rate.since > RATE_WINDOW_MS) this.#rate = { since: now, runs: 0 };
    this.#rate.runs += 1;
    if (this.#rate.runs > (BUSY_RUNS_A_SECOND * RATE_WINDOW_MS) / 1_000) this.#split(now);
  }

  #splitIfFull(now: number): void {
    const since = bucketOf(this.#getSplits().at(-1)?.since ?? 0);
    const kept = this.#books.tallies.flatMap((tallies) =>
      [...tallies.buckets()].map((bucket) =>
        bucket >= since ? tallies.runsIn(bucket, {}).all : 0,
      ),
    );
    if (kept.reduce((sum, runs) => sum + runs, 0) > FULL_RUNS) this.#split(now);
  }

  #split(now: number): void {
    const splits = this.#part.shard === 0 ? splitFurther(this.#getSplits(), now) : null;
    if (splits === null) return;
    this.#store.putState("splits", splits);
    this.#splits = splits;
  }

  get #shards(): number {
    return shardsOf(this.#getSplits());
  }

  #getSplits(): readonly Split[] {
    this.#splits ??= this.#store.state("splits") ?? [];
    return this.#splits;
  }

  /** The time of a change: no two are the same, and none was told of before. */
  #tick(): number {
    this.#clock = Math.max(this.#clock + 1, this.#around.now());
    return this.#clock;
  }
}

/** Whether it says more than what is known. A run that is kept beyond its retention tells so, and nothing else has changed. */
function isNews(summary: RunSummary, known: RunSummary): boolean {
  return (
    summary.revision > known.revision ||
    (summary.revision === known.revision &&
      ((summary.forgetAt ?? 0) > (known.forgetAt ?? 0) || summary.problem !== known.problem))
  );
}

/** A run that cannot be read says no more than that: what is known of it stands. One that is final has said all it has to. */
function withProblem(told: RunSummary, known: RunSummary | undefined): RunSummary {
  const { foundAt: _, problem, ...rest } = told;
  if (problem === undefined) return told;
  return known === undefined || known.finishedAt !== null
    ? { ...rest, problem }
    : { ...known, problem };
}

/** Where to begin: after this place, and before the time that is asked for. */
function beginOf(
  { createdBefore = Number.MAX_SAFE_INTEGER }: RunFilter,
  after: RunPlace | null,
): RunPlace {
  const begin = { createdAt: createdBefore, id: "" };
  return after !== null && byPlace(begin, after) < 0 ? after : begin;
}

function placeOf(run: RunSummary | undefined): RunPlace | null {
  return run === undefined ? null : { createdAt: run.createdAt, id: run.id };
}

/** What it has counted is of no use in a list. */
function listed(summary: RunSummary): RunSummary {
  return { ...summary, attempts: {} };
}
