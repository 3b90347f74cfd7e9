/**
 * The decisions of a catalog object, apart from the platform. The object keeps the summaries of
 * runs, lists and counts runs, and deletes a run when its retention is over. No trigger waits for
 * the catalog, and no decision about a run is made here (docs/design/catalog.md).
 *
 * Delivery. A run reports its summary after each commit that changes its status, and repeats the
 * report by alarm until this object confirms that the summary is stored. A later revision replaces
 * an earlier one; an earlier revision changes nothing. The summary of an unfinished run stays in
 * memory at first (`fresh`): most runs finish within seconds, and then cost one row. If this object
 * dies meanwhile, the list lacks the run until the run ends, or until the alarm of the run, seconds
 * later, asks for a stored summary.
 *
 * Expiry. An alarm of this object deletes expired runs in batches. Lists leave a run out from the
 * moment of expiry. Counters for the metrics stay.
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

/** Limit of unfinished runs in memory; further runs are stored at once. */
const MOST_FRESH = 20_000;
/**
 * Age at which an unfinished run leaves memory: the report was late, and the end of the run is
 * already deleted.
 */
const FRESH_MS = 3_600_000;
/**
 * Interval of housekeeping: at most this long while runs arrive, and at least this long between
 * expiries.
 */
const KEEPING_MS = { often: 60_000, seldom: 3_600_000 } as const;
const ALARM_PAUSE_MS = 60_000;
/** Delay before the rest of an expiry, so that other calls are served in between. */
const SWEEP_PAUSE_MS = 1_000;
/** The watermark stays this far behind the clock: recent runs still change. */
const OPEN_MS = 10_000;
/** Changes above the watermark before the watermark moves. */
const CHANGES_TO_CLOSE = 10_000;
/**
 * Limit of rows that a list reads without a match; then the list answers with the runs found so
 * far.
 */
const LOOKED_THROUGH = 200_000;
const RATE_WINDOW_MS = 10_000;
/**
 * The clock of changes runs ahead where one millisecond has several changes. An earlier life of the
 * object may have been ahead by this much.
 */
const CLOCK_AHEAD_MS = 1_000;

export interface CatalogSurroundings {
  /** Epoch milliseconds. */
  now(): number;
  /** Sets the alarm in the commit under way: durable with the commit, and answers wait for both. */
  setAlarm(at: number): void;
  /** Registers this task with the task directory. */
  register(): Promise<void>;
  waitUntil(work: Promise<void>): void;
  /** Logs a failure that is retried. */
  failed(what: string, error: unknown): void;
}

export interface CatalogPart {
  readonly task: string;
  /** Number of the shard. The first shard, 0, decides how many shards the task has. */
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
  #isRegistered: boolean | null = null;
  readonly #alarm: AlarmClock;
  #changesToClose = 0;
  #rate = { since: 0, runs: 0 };

  /** `alarmAt`: the time that the alarm is set to when the object starts. */
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
      // A caller without a shard map asks only the first shard.
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
    // The report came after the expiry: nothing would delete the run again.
    if (kept === null && (summary.forgetAt ?? Number.POSITIVE_INFINITY) <= this.#around.now()) {
      this.#fresh.delete(summary.id);
      return true;
    }
    const changedAt = this.#tick();
    if (isKept) this.#keep(summary, kept, changedAt);
    else this.#fresh.set(summary.id, { summary, changedAt });
    this.#recent.push({ summary: listed(summary), changedAt });
    this.#register();
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

  /**
   * Handles the alarm. Never throws: the platform gives an alarm up after six failures. `firing`:
   * the time that the alarm was set to, if the platform tells.
   */
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

  /** Finds stored runs after `begin`, at most `limit`. */
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

  /** Numbers of the buckets that may hold runs between these places, newest first. */
  #bucketsFrom(begin: RunPlace, from: number): number[] {
    const numbers = new Set(this.#books.tallies.flatMap((tallies) => [...tallies.buckets()]));
    return [...numbers]
      .filter((bucket) => bucket <= bucketOf(begin.createdAt) && bucket >= bucketOf(from))
      .toSorted((one, other) => other - one);
  }

  /** The partial buckets at both ends of an interval. */
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

  /** Changes since that time, read from memory and from the stored runs. */
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

  #register(): void {
    if (this.#part.shard > 0 || this.#isRegistered === true) return;
    if (this.#isRegistered === null && this.#store.state("registered") === true) {
      this.#isRegistered = true;
      return;
    }
    this.#isRegistered = true;
    const work = async (): Promise<void> => {
      try {
        await this.#around.register();
        this.#store.putState("registered", true);
      } catch (error) {
        this.#isRegistered = false;
        this.#around.failed("to register a catalog", error);
      }
    };
    this.#around.waitUntil(work());
  }

  /** Counts a new run. Splits the task when runs arrive faster than one object should take them. */
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

  /** The time of a change: unique, and later than every time that was reported before. */
  #tick(): number {
    this.#clock = Math.max(this.#clock + 1, this.#around.now());
    return this.#clock;
  }
}

/**
 * Checks that a report adds to the known summary. A run that is kept beyond its retention reports a
 * later expiry and nothing else.
 */
function isNews(summary: RunSummary, known: RunSummary): boolean {
  return (
    summary.revision > known.revision ||
    (summary.revision === known.revision &&
      ((summary.forgetAt ?? 0) > (known.forgetAt ?? 0) || summary.problem !== known.problem))
  );
}

/**
 * Adds the problem of an unreadable run to the known summary, which stands otherwise. A final
 * summary is complete and stays as reported.
 */
function withProblem(told: RunSummary, known: RunSummary | undefined): RunSummary {
  const { foundAt: _, problem, ...rest } = told;
  if (problem === undefined) return told;
  return known === undefined || known.finishedAt !== null
    ? { ...rest, problem }
    : { ...known, problem };
}

/** The place where a list begins: behind `after`, and before `createdBefore`. */
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

/** A summary without the counters of attempts, which lists do not show. */
function listed(summary: RunSummary): RunSummary {
  return { ...summary, attempts: {} };
}
