/**
 * Follows every run to the end and beyond: reads the run after the tasks have reported to the
 * recorder, again some time later, and after the retention, when the run must be gone.
 *
 * The follower must not help. Reading a run loads the run's object, which then checks the alarm. A
 * run is left alone until the recorder has all reports, and is read early only after a long silence
 * (`quiet`).
 */
import { KINDS } from "./kinds.ts";
import type { Client } from "./client.ts";
import type { FollowedRun, Report, RunDocument, Source } from "./history.ts";
import type { RuntimeFixture } from "./fixture.ts";

const FINAL = new Set(["succeeded", "failed", "cancelled"]);
const TICK_MS = 100;
const READS_AT_ONCE = 16;
/** Time between the last task's report and the first read, for the settle. */
const SETTLE_MS = 200;
const FIRST_PAUSE_MS = 400;
const MAX_PAUSE_MS = 5_000;
/** Longer than a lease, and longer than a twice-lost message is missed. */
const QUIET_MS = 60_000;
/** Time before a final run is read again. */
const LATER_MS = 60_000;
/** The largest delay of the alarm that ends the retention. */
const DELETION_SLACK_MS = 3_000;

/** The state of following a run. */
interface Tracked {
  readonly runId: string;
  source: Source;
  sent: string | null;
  kind: string | null;
  cancelled: FollowedRun["cancelled"];
  readonly announcedAt: number | null;
  /** True if any of its tasks has reported. */
  heard: boolean;
  readonly open: Set<string>;
  readonly succeededAt: Map<string, number>;
  final: FollowedRun["final"];
  finalAt: number | null;
  later: RunDocument | null;
  lastRead: RunDocument | null;
  gone: FollowedRun["gone"];
  newsAt: number;
  /** Infinity: not before a report comes. */
  readAt: number;
  pauseMs: number;
  /** A read is in progress. */
  isRead: boolean;
}

export interface FollowerOptions {
  readonly fixture: RuntimeFixture;
  readonly client: Client;
  /** The number of reports so far. */
  readonly position: () => number;
  readonly signal: AbortSignal;
}

export class Follower {
  /** Runs that were read because of a long silence, and were not final then. */
  readonly quiet: RunDocument[] = [];
  readonly #options: FollowerOptions;
  readonly #runs = new Map<string, Tracked>();
  readonly #done: Promise<void>;
  #ended = false;
  #reading = 0;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#done = this.#loop();
  }

  /** Begins to follow a run. `sent`: the digest of the trigger's payload. */
  track(runId: string, source: Source, task: string | null, sent: string | null): void {
    const known = this.#runs.get(runId);
    if (known === undefined) {
      const now = Date.now();
      this.#runs.set(runId, {
        runId,
        source,
        sent,
        kind: null,
        cancelled: "no",
        announcedAt: source === "announced" ? now : null,
        heard: false,
        open: new Set(),
        succeededAt: new Map(),
        final: null,
        finalAt: null,
        later: null,
        lastRead: null,
        gone: "no",
        newsAt: now,
        readAt: Number.POSITIVE_INFINITY,
        pauseMs: FIRST_PAUSE_MS,
        isRead: false,
      });
      this.#setKind(runId, task);
      return;
    }
    if (known.source === "seen") known.source = source;
    known.sent ??= sent;
    this.#setKind(runId, task);
  }

  /** Handles a report. */
  heard(report: Report): void {
    const isRoot = KINDS.has(report.task);
    if (!this.#runs.has(report.run))
      this.track(report.run, "seen", isRoot ? report.task : null, null);
    else if (isRoot) this.#setKind(report.run, report.task);
    if (report.event === "child")
      this.track(report.run_id, "triggered", report.target, report.sent);
    const run = this.#runs.get(report.run);
    if (run === undefined) return;
    run.newsAt = Date.now();
    run.heard = true;
    // A task with items ends before the task below it starts: the first item of the latter is
    // enough.
    if (report.event !== "end" && report.event !== "item") return;
    run.open.delete(report.task);
    if (run.open.size === 0 && run.kind !== null && run.final === null)
      run.readAt = Math.min(run.readAt, Date.now() + SETTLE_MS);
  }

  /** The client is about to cancel the run (`asked`), or has cancelled it (`accepted`). */
  cancelled(runId: string, how: "asked" | "accepted"): void {
    const run = this.#runs.get(runId);
    if (run === undefined) return;
    if (run.cancelled !== "accepted") run.cancelled = how;
    run.readAt = Date.now() + SETTLE_MS;
  }

  /** The number of runs not known to be final. */
  get open(): number {
    return this.#count((run) => run.final === null && run.gone === "no" && !isUnseen(run));
  }

  get final(): number {
    return this.#count((run) => run.final !== null);
  }

  get deleted(): number {
    return this.#count((run) => run.gone === "after");
  }

  /** The time when the last run was first read as final. Epoch milliseconds. */
  get lastFinalAt(): number {
    return Math.max(0, ...[...this.#runs.values()].map(({ finalAt }) => finalAt ?? 0));
  }

  /** The history of all runs, for the checks. `kills`: the times of kills. */
  runs(kills: readonly number[]): FollowedRun[] {
    return [...this.#runs.values()].map((run) => ({
      ...run,
      excused:
        run.announcedAt !== null && kills.some((at) => isSoonAfter(at, run.announcedAt ?? 0)),
    }));
  }

  async end(): Promise<void> {
    this.#ended = true;
    await this.#done;
  }

  #count(condition: (run: Tracked) => boolean): number {
    let count = 0;
    for (const run of this.#runs.values()) if (condition(run)) count += 1;
    return count;
  }

  /** Sets the reports to wait for, as soon as the root task is known. */
  #setKind(runId: string, task: string | null): void {
    const run = this.#runs.get(runId);
    const kind = task === null ? undefined : KINDS.get(task);
    if (run === undefined || run.kind !== null || kind === undefined) return;
    run.kind = task;
    for (const name of kind.tasks) if (!Object.hasOwn(kind.others, name)) run.open.add(name);
  }

  async #loop(): Promise<void> {
    while (!this.#ended && !this.#options.signal.aborted) {
      if (this.#options.fixture.isUp) this.#readDue(Date.now());
      await new Promise((wake) => setTimeout(wake, TICK_MS));
    }
  }

  /** Does not wait for answers: a slow one would delay all others. */
  #readDue(now: number): void {
    for (const run of this.#runs.values()) {
      if (this.#reading === READS_AT_ONCE) return;
      if (run.isRead || now < this.#dueAt(run)) continue;
      run.isRead = true;
      this.#reading += 1;
      void this.#read(run).finally(() => {
        run.isRead = false;
        this.#reading -= 1;
      });
    }
  }

  #dueAt(run: Tracked): number {
    if (run.gone !== "no") return Number.POSITIVE_INFINITY;
    if (run.final !== null || run.readAt !== Number.POSITIVE_INFINITY) return run.readAt;
    return Math.max(run.newsAt, this.#options.fixture.readyAt) + QUIET_MS;
  }

  async #read(run: Tracked): Promise<void> {
    const isQuiet = run.readAt === Number.POSITIVE_INFINITY;
    let document: RunDocument | null;
    try {
      document = await this.#options.client.run(run.runId);
    } catch {
      // The runtime was killed meanwhile: the run is read later.
      return;
    }
    const now = Date.now();
    if (document === null) {
      this.#missed(run, now);
      return;
    }
    run.lastRead = document;
    for (const { task, status } of document.tasks) {
      if (status === "succeeded" && !run.succeededAt.has(task))
        run.succeededAt.set(task, this.#options.position());
    }
    if (run.final !== null) {
      run.later ??= document;
      run.readAt = Math.max(now + run.pauseMs, this.#deletedAt(run) + DELETION_SLACK_MS);
      return;
    }
    if (FINAL.has(document.status)) {
      run.final = { document, at: this.#options.position() };
      run.finalAt = now;
      run.readAt = now + LATER_MS;
      return;
    }
    if (isQuiet) this.quiet.push(document);
    run.readAt = now + run.pauseMs;
    run.pauseMs = Math.min(MAX_PAUSE_MS, run.pauseMs * 1.6);
  }

  #missed(run: Tracked, now: number): void {
    if (run.final !== null) run.gone = now >= this.#deletedAt(run) ? "after" : "early";
    // Announced but unseen: its message may still come.
    else if (isUnseen(run)) run.readAt = now + MAX_PAUSE_MS;
    else run.gone = now < run.newsAt + this.#options.fixture.retentionMs ? "early" : "unread";
  }

  #deletedAt({ final }: Tracked): number {
    return Date.parse(final?.document.finished_at ?? "") + this.#options.fixture.retentionMs;
  }
}

/** True for a run announced by a PUT whose notification is not known to have become a run. */
function isUnseen(run: Tracked): boolean {
  return run.source === "announced" && run.lastRead === null && !run.heard;
}

/** The local queue is in memory: a notification is lost if the runtime dies before consuming it. */
function isSoonAfter(kill: number, announced: number): boolean {
  return kill >= announced && kill - announced < 10_000;
}
