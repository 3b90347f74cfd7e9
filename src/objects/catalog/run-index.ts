/**
 * The index of a catalog object: its runs, with counts and metrics that survive a crash at any time
 * and cost a run no row of its own.
 *
 * A watermark divides runs by time of creation. Below the watermark, counts and metrics are stored,
 * and a late change of a run writes the run and both sums in one transaction. Above the watermark,
 * the first query counts the rows, and memory keeps the sums up to date from then on. After a reset
 * the rows are counted again. The watermark moves forward now and then, which bounds that work.
 * Almost every run ends above the watermark.
 */
import {
  metricsOfEnd,
  isNothing,
  NO_METRICS,
  subtractMetrics,
  sumOfMetrics,
  type RunMetrics,
} from "../../domain/run/metrics.ts";
import type { RunSummary } from "../../domain/run/summary.ts";
import type { CatalogStore, KeptRun, BucketCount } from "./store.ts";
import { bucketOf, BUCKET_MS, BUCKETS_A_DAY, BucketedCounts } from "./run-counts.ts";

/** Later than every stored time. */
const EVER = Number.MAX_SAFE_INTEGER;
const NEVER = Number.POSITIVE_INFINITY;

/** Limit of buckets for one expiry: about a second of work. */
const BUCKETS_PER_EXPIRY = 200;

interface Parts<T> {
  below: T;
  above: T;
}

export class RunIndex {
  readonly #store: CatalogStore;
  #watermark: number | null = null;
  #counts: Parts<BucketedCounts> | null = null;
  #metrics: Parts<RunMetrics> | null = null;

  constructor(store: CatalogStore) {
    this.#store = store;
  }

  /** Replaces the stored state of a run. Returns the new state. */
  put(before: KeptRun | null, summary: RunSummary, changedAt: number): KeptRun {
    const after = succeed(before, summary, changedAt);
    const isLate = summary.createdAt < this.#getWatermark();
    if (isLate) {
      this.#atOnce(() => this.#putLate(before, after));
      return after;
    }
    this.#store.put(after);
    this.#recount("above", before, after);
    this.#countMetrics("above", before, after);
    return after;
  }

  /** Moves the watermark up to this time. */
  advance(until: number): void {
    const from = this.#getWatermark();
    const moved = until > from ? this.#store.countByBucket(BUCKET_MS, from, until) : [];
    if (moved.length === 0) return;
    const counts = this.#getCounts();
    const metrics = this.#getMetrics();
    const counted = sumOfMetrics(metricsOfAll(this.#store.each(from, until)));
    const below = sumOfMetrics([metrics.below, counted]);
    this.#atOnce(() => {
      counts.below.add(moved);
      this.#putDays(counts.below, moved);
      this.#store.putState("metrics", below);
      this.#store.putState("watermark", until);
    });
    this.#watermark = until;
    this.#metrics = { below, above: subtractMetrics(metrics.above, counted) };
    // Counted anew, so that the bounds come from runs above only.
    this.#counts = { below: counts.below, above: this.#countAbove(until) };
  }

  /**
   * Deletes expired runs below the watermark. Returns the time of the next expiry: in the past
   * while expired runs remain, Infinity without runs.
   */
  expire(now: number): number {
    const { below, above } = this.#getCounts();
    const due = [...below.buckets()]
      .filter((bucket) => below.forgetFrom(bucket) <= now)
      .slice(0, BUCKETS_PER_EXPIRY);
    if (due.length > 0) {
      this.#atOnce(() => {
        for (const bucket of due) this.#expireBucket(below, bucket, now);
      });
    }
    const next = (part: BucketedCounts): number =>
      [...part.buckets()].reduce(
        (soonest, bucket) => Math.min(soonest, part.forgetFrom(bucket)),
        NEVER,
      );
    return Math.min(next(below), next(above));
  }

  /** Checks that runs above the watermark exist. */
  get hasRunsAbove(): boolean {
    return this.#store.hasRunsFrom(this.#getWatermark());
  }

  /** Counts below and above the watermark. */
  get parts(): readonly BucketedCounts[] {
    const { below, above } = this.#getCounts();
    return [below, above];
  }

  /** Metrics of all runs that were ever recorded here. */
  get metrics(): RunMetrics {
    const { below, above } = this.#getMetrics();
    return sumOfMetrics([below, above]);
  }

  /**
   * Writes several rows in one transaction. Memory changes with the rows; after a failure memory is
   * read again.
   */
  #atOnce(write: () => void): void {
    try {
      this.#store.atOnce(write);
    } catch (error) {
      this.#counts = null;
      this.#metrics = null;
      throw error;
    }
  }

  #putLate(before: KeptRun | null, after: KeptRun): void {
    this.#store.put(after);
    this.#recount("below", before, after, this.#getCounts());
    this.#putDays(this.#getCounts().below, bucketCountsOf(after));
    const { below } = this.#getMetrics();
    this.#countMetrics("below", before, after);
    const counted = this.#getMetrics().below;
    if (counted !== below) this.#store.putState("metrics", counted);
  }

  #expireBucket(below: BucketedCounts, bucket: number, now: number): void {
    const from = bucket * BUCKET_MS;
    const until = Math.min(from + BUCKET_MS, this.#getWatermark());
    const due = this.#store.countDueByBucket(BUCKET_MS, from, until, now);
    this.#store.deleteDue(from, until, now);
    below.add(due, -1);
    below.setForgetFrom(bucket, this.#store.nextDue(from, until));
    this.#store.putDay(dayOf(bucket), below.writeDay(dayOf(bucket)));
  }

  #putDays(counts: BucketedCounts, changed: readonly BucketCount[]): void {
    for (const day of new Set(changed.map(({ bucket }) => dayOf(bucket))))
      this.#store.putDay(day, counts.writeDay(day));
  }

  #recount(
    part: keyof Parts<BucketedCounts>,
    before: KeptRun | null,
    after: KeptRun,
    counts = this.#counts,
  ): void {
    if (counts === null) return;
    counts[part].add(bucketCountsOf(after));
    if (before !== null) counts[part].add(bucketCountsOf(before), -1);
  }

  #countMetrics(part: keyof Parts<RunMetrics>, before: KeptRun | null, after: KeptRun): void {
    if (this.#metrics === null) return;
    const more =
      before === null ? metricsOf(after) : subtractMetrics(metricsOf(after), metricsOf(before));
    if (!isNothing(more)) this.#metrics[part] = sumOfMetrics([this.#metrics[part], more]);
  }

  #getWatermark(): number {
    this.#watermark ??= this.#store.state("watermark") ?? 0;
    return this.#watermark;
  }

  #getCounts(): Parts<BucketedCounts> {
    if (this.#counts === null) {
      const below = new BucketedCounts();
      for (const { counts } of this.#store.days()) below.readDay(counts);
      this.#counts = { below, above: this.#countAbove(this.#getWatermark()) };
    }
    return this.#counts;
  }

  #countAbove(from: number): BucketedCounts {
    const above = new BucketedCounts();
    above.add(this.#store.countByBucket(BUCKET_MS, from, EVER));
    return above;
  }

  #getMetrics(): Parts<RunMetrics> {
    this.#metrics ??= {
      below: this.#store.state("metrics") ?? NO_METRICS,
      above: sumOfMetrics(metricsOfAll(this.#store.each(this.#getWatermark(), EVER))),
    };
    return this.#metrics;
  }
}

/** The next stored state of a run. Counters of earlier ends survive a retry of the run. */
function succeed(before: KeptRun | null, summary: RunSummary, changedAt: number): KeptRun {
  if (before === null) return { summary, changedAt, earlier: {} };
  const isRetried =
    before.summary.finishedAt !== null && summary.revision > before.summary.revision;
  const attempts = summary.finishedAt === null ? before.summary.attempts : summary.attempts;
  return {
    summary: { ...summary, attempts },
    changedAt,
    earlier: isRetried ? metricsOf(before).runs : before.earlier,
  };
}

function metricsOf({ summary, earlier }: KeptRun): RunMetrics {
  const { finishedAt, attempts } = summary;
  const end = finishedAt === null ? {} : metricsOfEnd({ ...summary, finishedAt });
  const late = summary.late === true ? { late: 1 } : {};
  return sumOfMetrics([
    { runs: earlier, tasks: attempts },
    { runs: end, tasks: {} },
    { runs: late, tasks: {} },
  ]);
}

function* metricsOfAll(runs: Iterable<KeptRun>): Generator<RunMetrics> {
  for (const run of runs) yield metricsOf(run);
}

function bucketCountsOf({
  summary: { createdAt, status, source, forgetAt },
  changedAt,
}: KeptRun): BucketCount[] {
  return [
    {
      bucket: bucketOf(createdAt),
      status,
      source,
      runs: 1,
      forgetFrom: forgetAt ?? NEVER,
      changedAt,
    },
  ];
}

function dayOf(bucket: number): number {
  return Math.floor(bucket / BUCKETS_A_DAY);
}
