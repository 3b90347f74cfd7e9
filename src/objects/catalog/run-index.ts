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
  figuresOfEnd,
  isNothing,
  NO_FIGURES,
  subtractFigures,
  sumOfFigures,
  type RunFigures,
} from "../../domain/run/metrics.ts";
import type { RunSummary } from "../../domain/run/summary.ts";
import type { CatalogStore, KeptRun, TallyRow } from "./store.ts";
import { bucketOf, BUCKET_MS, BUCKETS_A_DAY, Tallies } from "./run-counts.ts";

/** Later than every stored time. */
const EVER = Number.MAX_SAFE_INTEGER;
const NEVER = Number.POSITIVE_INFINITY;

/** Limit of buckets for one expiry: about a second of work. */
const BUCKETS_A_SWEEP = 200;

interface Parts<T> {
  closed: T;
  open: T;
}

export class Books {
  readonly #store: CatalogStore;
  #closedUntil: number | null = null;
  #tallies: Parts<Tallies> | null = null;
  #figures: Parts<RunFigures> | null = null;

  constructor(store: CatalogStore) {
    this.#store = store;
  }

  /** Replaces the stored state of a run. Returns the new state. */
  put(before: KeptRun | null, summary: RunSummary, changedAt: number): KeptRun {
    const after = succeed(before, summary, changedAt);
    const isLate = summary.createdAt < this.#getClosedUntil();
    if (isLate) {
      this.#atOnce(() => this.#putLate(before, after));
      return after;
    }
    this.#store.put(after);
    this.#retally("open", before, after);
    this.#count("open", before, after);
    return after;
  }

  /** Moves the watermark up to this time. */
  close(until: number): void {
    const from = this.#getClosedUntil();
    const closing = until > from ? this.#store.tally(BUCKET_MS, from, until) : [];
    if (closing.length === 0) return;
    const tallies = this.#getTallies();
    const figures = this.#getFigures();
    const counted = sumOfFigures(figuresOfAll(this.#store.each(from, until)));
    const closed = sumOfFigures([figures.closed, counted]);
    this.#atOnce(() => {
      tallies.closed.add(closing);
      this.#putDays(tallies.closed, closing);
      this.#store.putState("figures", closed);
      this.#store.putState("closed_until", until);
    });
    this.#closedUntil = until;
    this.#figures = { closed, open: subtractFigures(figures.open, counted) };
    // Counted anew, so that the bounds come from open runs only.
    this.#tallies = { closed: tallies.closed, open: this.#countOpen(until) };
  }

  /**
   * Deletes expired runs below the watermark. Returns the time of the next expiry: in the past
   * while expired runs remain, Infinity without runs.
   */
  sweep(now: number): number {
    const { closed, open } = this.#getTallies();
    const due = [...closed.buckets()]
      .filter((bucket) => closed.forgetFrom(bucket) <= now)
      .slice(0, BUCKETS_A_SWEEP);
    if (due.length > 0) {
      this.#atOnce(() => {
        for (const bucket of due) this.#sweepBucket(closed, bucket, now);
      });
    }
    const next = (part: Tallies): number =>
      [...part.buckets()].reduce(
        (soonest, bucket) => Math.min(soonest, part.forgetFrom(bucket)),
        NEVER,
      );
    return Math.min(next(closed), next(open));
  }

  /** Checks that runs above the watermark exist. */
  get isOpen(): boolean {
    return this.#store.hasRunsFrom(this.#getClosedUntil());
  }

  /** Counts below and above the watermark. */
  get tallies(): readonly Tallies[] {
    const { closed, open } = this.#getTallies();
    return [closed, open];
  }

  /** Metrics of all runs that were ever recorded here. */
  get figures(): RunFigures {
    const { closed, open } = this.#getFigures();
    return sumOfFigures([closed, open]);
  }

  /**
   * Writes several rows in one transaction. Memory changes with the rows; after a failure memory is
   * read again.
   */
  #atOnce(write: () => void): void {
    try {
      this.#store.atOnce(write);
    } catch (error) {
      this.#tallies = null;
      this.#figures = null;
      throw error;
    }
  }

  #putLate(before: KeptRun | null, after: KeptRun): void {
    this.#store.put(after);
    this.#retally("closed", before, after, this.#getTallies());
    this.#putDays(this.#getTallies().closed, tallied(after));
    const { closed } = this.#getFigures();
    this.#count("closed", before, after);
    const counted = this.#getFigures().closed;
    if (counted !== closed) this.#store.putState("figures", counted);
  }

  #sweepBucket(closed: Tallies, bucket: number, now: number): void {
    const from = bucket * BUCKET_MS;
    const until = Math.min(from + BUCKET_MS, this.#getClosedUntil());
    const due = this.#store.tallyDue(BUCKET_MS, from, until, now);
    this.#store.deleteDue(from, until, now);
    closed.add(due, -1);
    closed.setForgetFrom(bucket, this.#store.nextDue(from, until));
    this.#store.putDay(dayOf(bucket), closed.writeDay(dayOf(bucket)));
  }

  #putDays(tallies: Tallies, changed: readonly TallyRow[]): void {
    for (const day of new Set(changed.map(({ bucket }) => dayOf(bucket))))
      this.#store.putDay(day, tallies.writeDay(day));
  }

  #retally(
    part: keyof Parts<Tallies>,
    before: KeptRun | null,
    after: KeptRun,
    tallies = this.#tallies,
  ): void {
    if (tallies === null) return;
    tallies[part].add(tallied(after));
    if (before !== null) tallies[part].add(tallied(before), -1);
  }

  #count(part: keyof Parts<RunFigures>, before: KeptRun | null, after: KeptRun): void {
    if (this.#figures === null) return;
    const more =
      before === null ? figuresOf(after) : subtractFigures(figuresOf(after), figuresOf(before));
    if (!isNothing(more)) this.#figures[part] = sumOfFigures([this.#figures[part], more]);
  }

  #getClosedUntil(): number {
    this.#closedUntil ??= this.#store.state("closed_until") ?? 0;
    return this.#closedUntil;
  }

  #getTallies(): Parts<Tallies> {
    if (this.#tallies === null) {
      const closed = new Tallies();
      for (const { tallies } of this.#store.days()) closed.readDay(tallies);
      this.#tallies = { closed, open: this.#countOpen(this.#getClosedUntil()) };
    }
    return this.#tallies;
  }

  #countOpen(from: number): Tallies {
    const open = new Tallies();
    open.add(this.#store.tally(BUCKET_MS, from, EVER));
    return open;
  }

  #getFigures(): Parts<RunFigures> {
    this.#figures ??= {
      closed: this.#store.state("figures") ?? NO_FIGURES,
      open: sumOfFigures(figuresOfAll(this.#store.each(this.#getClosedUntil(), EVER))),
    };
    return this.#figures;
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
    earlier: isRetried ? figuresOf(before).runs : before.earlier,
  };
}

function figuresOf({ summary, earlier }: KeptRun): RunFigures {
  const { finishedAt, attempts } = summary;
  const end = finishedAt === null ? {} : figuresOfEnd({ ...summary, finishedAt });
  return sumOfFigures([
    { runs: earlier, tasks: attempts },
    { runs: end, tasks: {} },
  ]);
}

function* figuresOfAll(runs: Iterable<KeptRun>): Generator<RunFigures> {
  for (const run of runs) yield figuresOf(run);
}

function tallied({
  summary: { createdAt, status, source, forgetAt },
  changedAt,
}: KeptRun): TallyRow[] {
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
