/**
 * Handles the alarm of a run: lets the machine act on the time, reports to the catalog and the
 * parent, and deletes the run after its retention. A failure is passed to `AlarmTrouble`.
 */
import { looksForMessage, nextWakeAt } from "../../domain/run/machine.ts";
import { type Run } from "../../domain/run/state.ts";
import { AlarmTrouble } from "./alarm-trouble.ts";
import type { RunDeletion } from "./run-deletion.ts";
import { JournalBytes } from "./journal-bytes.ts";
import { ProblemNotice } from "./problem-notice.ts";
import type { AlarmClock } from "../../platform/alarm-clock.ts";
import { isOverWithin } from "../../platform/patience.ts";
import { LISTED_MS, HELD_MS, LEFT_BEHIND_MS } from "./run-times.ts";
import type { RunHost } from "./run-host.ts";
import type { Journal } from "./journal.ts";

import type { RunRetention } from "./run-retention.ts";
import type { RunTransitions } from "./run-transitions.ts";

export class AlarmHandler {
  readonly #journal: Journal;
  readonly #host: RunHost;
  readonly #clock: AlarmClock;
  readonly #transitions: RunTransitions;
  readonly #deletion: RunDeletion;
  readonly #retention: RunRetention;
  readonly #trouble: AlarmTrouble;
  readonly #problem: ProblemNotice;
  /** Work on a final run or on an id without a run; null: none is under way. */
  #ending: Promise<void> | null = null;

  constructor(
    journal: Journal,
    host: RunHost,
    clock: AlarmClock,
    transitions: RunTransitions,
    deletion: RunDeletion,
    retention: RunRetention,
  ) {
    this.#journal = journal;
    this.#host = host;
    this.#clock = clock;
    this.#transitions = transitions;
    this.#deletion = deletion;
    this.#retention = retention;
    this.#trouble = new AlarmTrouble(host.trouble, (run, ended) => transitions.commit(run, ended));
    this.#problem = new ProblemNotice(journal, host);
  }

  /**
   * Handles the alarm. Never rejects: the platform gives an alarm up after six failures, and the
   * run would be lost. `firing`: the time that the alarm was set to, if the platform tells.
   */
  async handle(firing: number | null): Promise<void> {
    this.#clock.fires(firing);
    try {
      const run = this.#transitions.load();
      const failure = run === null ? null : await this.#wake(run);
      const work = this.#workAfter(run);
      if (!(await isOverWithin(HELD_MS, work, this.#host.after))) this.#leaveBehind(work);
      else if (failure === null) this.#trouble.isOver();
      if (failure !== null) throw failure.error;
    } catch (error) {
      this.#hasFailed(error);
    } finally {
      this.#clock.handled();
    }
  }

  /**
   * Lets the machine act on the time. Returns the error of a final run instead of throwing: listing
   * and deletion go on although a notification failed.
   */
  async #wake(run: Run): Promise<{ readonly error: unknown } | null> {
    try {
      const queue = looksForMessage(run, this.#host.now()) ? await this.#host.askQueue() : null;
      const silent = this.#transitions.signs.silent(run);
      this.#transitions.advance(
        run,
        { type: "woken", silent },
        new JournalBytes(this.#journal.nextSeq),
        queue,
      );
      return null;
    } catch (error) {
      if (run.finishedAt === null) throw error;
      return { error };
    }
  }

  /**
   * Starts the alarm's remote work, one at a time: the catalog, R2 or the parent run may be slow or
   * silent.
   */
  #workAfter(run: Run | null): Promise<void> {
    if (run !== null && run.finishedAt === null) return this.#goOn(run);
    return (this.#ending ??= (run === null ? this.#deletion.cleanUp() : this.#end(run)).finally(
      () => {
        this.#ending = null;
      },
    ));
  }

  /**
   * Continues slow work in the background. Another alarm checks on the work, in case the object
   * dies or the work stays slow.
   */
  #leaveBehind(work: Promise<void>): void {
    this.#host.waitUntil(work.catch((error: unknown) => this.#hasFailed(error)));
    const now = this.#host.now();
    const due = this.#transitions.known
      ? nextWakeAt(this.#transitions.known)
      : Number.POSITIVE_INFINITY;
    const again = now + LEFT_BEHIND_MS;
    this.#clock.atLatest(due > now ? Math.min(due, again) : again);
  }

  #hasFailed(error: unknown): void {
    const { isNewer } = this.#transitions.reader;
    const now = this.#host.now();
    const outcome = this.#trouble.failed(isNewer ? null : this.#transitions.known, error, now);
    this.#host.alarmFailed(this.#trouble.strikes, error);
    if (this.#transitions.known === undefined) this.#host.waitUntil(this.#problem.tell(error));
    const again = (): void =>
      this.#clock.set(
        now +
          (isNewer ? this.#transitions.reader.recheckDelayMs() : this.#trouble.retryDelayMs(now)),
      );
    if (outcome !== "given_up" || isNewer) return again();
    this.#host.waitUntil(this.#trouble.giveUp(this.#transitions.known, error, again));
  }

  /** Sets the run's next alarm first, so that the run never waits for the catalog. */
  async #goOn(run: Run): Promise<void> {
    this.#transitions.alarm.setFor(run);
    const telling = this.#transitions.parent.tell(run);
    try {
      await this.#transitions.catalog.confirm(run);
    } catch (error) {
      this.#host.reportFailed(error);
      this.#clock.atLatest(this.#host.now() + LISTED_MS.pause);
    }
    await telling;
  }

  /**
   * Lists the final run, then keeps the run, then deletes the run: the catalog deletes only runs
   * known as final.
   */
  async #end(run: Run): Promise<void> {
    const telling = this.#retention.isOver(run) ? null : this.#transitions.parent.tell(run);
    if (!this.#retention.isOver(run) || run.graph.retentionMs < LISTED_MS.short)
      await this.#transitions.catalog.confirm(run);
    await telling;
    // The run may have been retried meanwhile.
    if (run.finishedAt === null) return;
    if (this.#retention.isOver(run)) await this.#retention.end(run);
    else this.#transitions.alarm.setFor(run);
  }
}
