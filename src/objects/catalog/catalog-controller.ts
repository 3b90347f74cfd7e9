/**
 * The decisions of a catalog object, apart from the platform. The object keeps the summaries of
 * runs, lists and counts runs, and deletes a run when its retention is over. No trigger waits for
 * the catalog, and no decision about a run is made here (docs/design/catalog.md).
 *
 * Delivery. A run reports its summary after each commit that changes its status, and repeats the
 * report by alarm until this object confirms that the summary is stored. A later revision replaces
 * an earlier one; an earlier revision changes nothing. The summary of an unfinished run stays in
 * memory at first (`#unfinished`): most runs finish within seconds, and then cost one row. If this
 * object dies meanwhile, the list lacks the run until the run ends, or until the alarm of the run,
 * seconds later, asks for a stored summary.
 *
 * Expiry. An alarm of this object deletes expired runs in batches. Lists leave a run out from the
 * moment of expiry. Counters for the metrics stay.
 */
import type { RunFilter, RunPlace, RunSummary } from "../../domain/run/summary.ts";
import { AlarmClock } from "../../platform/alarm-clock.ts";
import { RunIndex } from "./run-index.ts";
import type {
  Change,
  ChangesAnswer,
  CountAnswer,
  FailuresAnswer,
  ListAnswer,
  MetricsAnswer,
  RecordAnswer,
  StatisticsAnswer,
  StatisticsQuery,
} from "./catalog-rpc.ts";
import { RecentChanges } from "./recent-changes.ts";
import { LateNotices } from "./late-notices.ts";
import {
  BUSY_RUNS_A_SECOND,
  FULL_RUNS,
  SHARD_MAP_VALID_MS,
  shardFor,
  shardsOf,
  splitFurther,
  type ShardMap,
} from "./shard-map.ts";
import type { CatalogStore } from "./store.ts";
import { bucketOf } from "./run-counts.ts";
import { listed, RunQueries } from "./run-queries.ts";
import { runStatistics } from "./run-statistics.ts";

/** Limit of unfinished runs in memory; further runs are stored at once. */
const MAX_UNFINISHED = 20_000;
/**
 * Age at which an unfinished run leaves memory: the report was late, and the end of the run is
 * already deleted.
 */
const UNFINISHED_MS = 3_600_000;
/**
 * Interval of housekeeping: at most this long while runs arrive, and at least this long between
 * expiries.
 */
const HOUSEKEEPING_MS = { often: 60_000, seldom: 3_600_000 } as const;
const ALARM_RETRY_MS = 60_000;
/** Delay before the rest of an expiry, so that other calls are served in between. */
const EXPIRY_DELAY_MS = 1_000;
/** The watermark stays this far behind the clock: recent runs still change. */
const WATERMARK_LAG_MS = 10_000;
/** Changes above the watermark before the watermark moves. */
const CHANGES_PER_ADVANCE = 10_000;
const RATE_WINDOW_MS = 10_000;
/**
 * The clock of changes runs ahead where one millisecond has several changes. An earlier life of the
 * object may have been ahead by this much.
 */
const CLOCK_AHEAD_MS = 1_000;

/** The parts of the platform that the controller needs. */
export interface CatalogHost {
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

/** Decides for the object of one shard: records, counts, splits, deletes. */
export class CatalogController {
  readonly #store: CatalogStore;
  readonly #index: RunIndex;
  readonly #queries: RunQueries;
  readonly #part: CatalogPart;
  readonly #host: CatalogHost;
  readonly #notices = new LateNotices();
  readonly #unfinished = new Map<string, Change>();
  readonly #recent: RecentChanges;
  #clock: number;
  #shardMap: ShardMap | null = null;
  #isRegistered: boolean | null = null;
  readonly #alarm: AlarmClock;
  #changesSinceAdvance = 0;
  #rate = { since: 0, runs: 0 };

  /** `alarmAt`: the time that the alarm is set to when the object starts. */
  constructor(store: CatalogStore, part: CatalogPart, host: CatalogHost, alarmAt: number | null) {
    this.#store = store;
    this.#alarm = new AlarmClock(host);
    if (alarmAt !== null) this.#alarm.recover(alarmAt);
    this.#index = new RunIndex(store);
    this.#queries = new RunQueries(store, this.#index, this.#unfinished, () => host.now());
    this.#part = part;
    this.#host = host;
    this.#clock = host.now();
    this.#recent = new RecentChanges(this.#clock + CLOCK_AHEAD_MS);
  }

  record(reported: RunSummary, keep: boolean): RecordAnswer {
    const shardMap = this.#getShardMap();
    if (shardFor(shardMap, reported) !== this.#part.shard) {
      // A caller without a shard map asks only the first shard.
      if (this.#part.shard === 0) return { shardMap, until: this.#host.now() + SHARD_MAP_VALID_MS };
    }
    const unfinished = this.#unfinished.get(reported.id);
    const kept = unfinished === undefined ? this.#store.read(reported) : null;
    const known = unfinished ?? kept;
    const now = this.#host.now();
    if (reported.problem === undefined) this.#notices.reported(reported.id, now);
    else if (known !== null && this.#notices.isLate(reported, known.changedAt, now)) return true;
    const summary = withProblem(reported, known?.summary);
    if (known === null) this.#measure();
    const isFinal = summary.finishedAt !== null;
    const isKept =
      isFinal ||
      keep ||
      kept !== null ||
      // The metrics count stored runs, and a late run may stay open for days.
      summary.late === true ||
      this.#unfinished.size >= MAX_UNFINISHED;
    if (known !== null && !addsTo(summary, known.summary)) {
      if (kept === null && keep) this.#keep(known.summary, null, known.changedAt);
      return kept !== null || keep;
    }
    // The report came after the expiry: nothing would delete the run again.
    if (kept === null && (summary.forgetAt ?? Number.POSITIVE_INFINITY) <= this.#host.now()) {
      this.#unfinished.delete(summary.id);
      return true;
    }
    const changedAt = this.#tick();
    if (isKept) this.#keep(summary, kept, changedAt);
    else this.#unfinished.set(summary.id, { summary, changedAt });
    this.#recent.push({ summary: listed(summary), changedAt });
    this.#register();
    return isKept;
  }

  list(filter: RunFilter, after: RunPlace | null, limit: number): ListAnswer {
    return { ...this.#queries.list(filter, after, limit), shards: this.#shards };
  }

  count(filter: RunFilter): CountAnswer {
    return { counts: this.#queries.count(filter), shards: this.#shards };
  }

  changes(since: number | null, limit: number): ChangesAnswer {
    const until = Math.max(this.#clock, this.#host.now());
    this.#clock = until;
    const changes =
      since === null
        ? []
        : (this.#recent.after(since, limit) ?? this.#queries.changedSince(since, limit));
    const last = changes.at(-1);
    return {
      changes,
      until: changes.length === limit && last !== undefined ? last.changedAt : until,
      shards: this.#shards,
    };
  }

  metrics(): MetricsAnswer {
    const { queued, running } = this.#queries.count({
      statuses: ["queued", "running"],
    });
    return {
      task: this.#part.task,
      metrics: this.#index.metrics,
      open: { queued, running },
      shards: this.#shards,
    };
  }

  failures(since: number): FailuresAnswer {
    return { groups: this.#queries.failures(since), shards: this.#shards };
  }

  statistics(query: StatisticsQuery): StatisticsAnswer {
    const statistics = runStatistics(this.#store, this.#index, this.#queries, query);
    return { task: this.#part.task, statistics, shards: this.#shards };
  }

  /**
   * Handles the alarm. Never throws: the platform gives an alarm up after six failures. `firing`:
   * the time that the alarm was set to, if the platform tells.
   */
  alarm(firing: number | null): void {
    const now = this.#host.now();
    this.#alarm.fires(firing);
    try {
      this.#advance();
      for (const [id, { changedAt }] of this.#unfinished)
        if (changedAt < now - UNFINISHED_MS) this.#unfinished.delete(id);
      this.#splitIfFull(now);
      const due = this.#index.expire(now);
      const next = due <= now ? now + EXPIRY_DELAY_MS : Math.max(due, now + HOUSEKEEPING_MS.often);
      const soonest = this.#index.hasRunsAbove
        ? Math.min(next, now + HOUSEKEEPING_MS.seldom)
        : next;
      this.#alarm.set(soonest);
    } catch (error) {
      this.#host.failed("the alarm of a catalog", error);
      this.#alarm.set(now + ALARM_RETRY_MS);
    } finally {
      this.#alarm.handled();
    }
  }

  #keep(summary: RunSummary, before: Parameters<RunIndex["put"]>[0], changedAt: number): void {
    this.#index.put(before, summary, changedAt);
    this.#unfinished.delete(summary.id);
    const now = this.#host.now();
    this.#alarm.atLatest(
      Math.min(
        now + HOUSEKEEPING_MS.seldom,
        Math.max(summary.forgetAt ?? Number.POSITIVE_INFINITY, now + HOUSEKEEPING_MS.often),
      ),
    );
    this.#changesSinceAdvance += 1;
    if (this.#changesSinceAdvance >= CHANGES_PER_ADVANCE) this.#advance();
  }

  #advance(): void {
    this.#changesSinceAdvance = 0;
    this.#index.advance(this.#host.now() - WATERMARK_LAG_MS);
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
        await this.#host.register();
        this.#store.putState("registered", true);
      } catch (error) {
        this.#isRegistered = false;
        this.#host.failed("to register a catalog", error);
      }
    };
    this.#host.waitUntil(work());
  }

  /** Counts a new run. Splits the task when runs arrive faster than one object should take them. */
  #measure(): void {
    const now = this.#host.now();
    if (now - this.#rate.since > RATE_WINDOW_MS) this.#rate = { since: now, runs: 0 };
    this.#rate.runs += 1;
    if (this.#rate.runs > (BUSY_RUNS_A_SECOND * RATE_WINDOW_MS) / 1_000) this.#split(now);
  }

  #splitIfFull(now: number): void {
    const since = bucketOf(this.#getShardMap().at(-1)?.since ?? 0);
    const kept = this.#index.parts.flatMap((part) =>
      [...part.buckets()].map((bucket) => (bucket >= since ? part.runsIn(bucket, {}).all : 0)),
    );
    if (kept.reduce((sum, runs) => sum + runs, 0) > FULL_RUNS) this.#split(now);
  }

  #split(now: number): void {
    const shardMap = this.#part.shard === 0 ? splitFurther(this.#getShardMap(), now) : null;
    if (shardMap === null) return;
    this.#store.putState("shard_map", shardMap);
    this.#shardMap = shardMap;
  }

  get #shards(): number {
    return shardsOf(this.#getShardMap());
  }

  #getShardMap(): ShardMap {
    this.#shardMap ??= this.#store.state("shard_map") ?? [];
    return this.#shardMap;
  }

  /** The time of a change: unique, and later than every time that was reported before. */
  #tick(): number {
    this.#clock = Math.max(this.#clock + 1, this.#host.now());
    return this.#clock;
  }
}

/**
 * Checks that a report adds to the known summary. A run that is kept beyond its retention reports a
 * later expiry and nothing else.
 */
function addsTo(summary: RunSummary, known: RunSummary): boolean {
  return (
    summary.revision > known.revision ||
    (summary.revision === known.revision &&
      ((summary.forgetAt ?? 0) > (known.forgetAt ?? 0) ||
        summary.problem !== known.problem ||
        waitsOtherwise(summary, known)))
  );
}

/** Tests for a later report of the same status with different waiting tasks. */
function waitsOtherwise(summary: RunSummary, known: RunSummary): boolean {
  return (
    (summary.toldAt ?? 0) > (known.toldAt ?? 0) &&
    JSON.stringify(summary.waiting) !== JSON.stringify(known.waiting)
  );
}

/**
 * Adds the problem of an unreadable run to the known summary, which stands otherwise. A final
 * summary is complete and stays as reported.
 */
function withProblem(reported: RunSummary, known: RunSummary | undefined): RunSummary {
  const { foundAt: _, problem, ...rest } = reported;
  if (problem === undefined) return reported;
  return known === undefined || known.finishedAt !== null
    ? { ...rest, problem }
    : { ...known, problem };
}
