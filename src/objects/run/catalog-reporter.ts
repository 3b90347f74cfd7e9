/**
 * Reports the run's status to the catalog. At most one call is under way, and always with the
 * current state; the next call reports later changes. The run's state records that an unconfirmed
 * report is outstanding, and the alarm repeats the call. After a reset every report is repeated,
 * and the catalog ignores known revisions.
 */
import type { Run } from "../../domain/run/state.ts";
import { summarize, type RunSummary } from "../../domain/run/summary.ts";
import { kindsOfWaits, waitingTasks, type WaitingTask } from "../../domain/run/waiting.ts";
import type { After } from "../../platform/patience.ts";

/**
 * Delay before the catalog learns of a run that is not final, in milliseconds. Most runs have
 * started by then and many have ended, and cause one report instead of three. A list may lag.
 */
const GATHER_MS = 100;

/** Limit of reports by one `confirm`: the run may change during a report, but not for ever. */
const MAX_REPORTS = 5;

/**
 * Resolves to true once the summary is durable in the catalog. With `keep`, the call otherwise
 * rejects.
 */
export type ReportToCatalog = (summary: RunSummary, keep: boolean) => Promise<boolean>;

/** Text of a list of waiting tasks, to compare. */
const textOf = (waiting: readonly WaitingTask[]): string => JSON.stringify(waiting);
const NONE_WAIT = textOf([]);

export class CatalogReporter {
  readonly #report: ReportToCatalog;
  readonly #failed: (error: unknown) => void;
  readonly #after: After;
  /**
   * Nonce, revision and waiting tasks of the last confirmed report. The nonce tells runs apart: the
   * id may belong to another run later in this life of the object.
   */
  #confirmed = { nonce: "", revision: -1, waiting: NONE_WAIT };
  /** Kinds of waits in the last report, confirmed or not; null before the first. */
  #toldWaits: string | null = null;
  /** The outstanding report, and whether the catalog must confirm; null: nothing is outstanding. */
  #pending: { readonly keep: boolean } | null = null;
  #reporting: Promise<void> | null = null;
  /** Ends the current delay early; null: no delay is running. */
  #endDelay: (() => void) | null = null;

  constructor(report: ReportToCatalog, failed: (error: unknown) => void, after: After) {
    this.#report = report;
    this.#failed = failed;
    this.#after = after;
  }

  /** Reports a changed status. Never rejects: the alarm repeats a failed report. */
  async note(run: Run, keep: boolean): Promise<void> {
    this.#pending = { keep: keep || this.#pending?.keep === true };
    if (!keep && run.finishedAt === null) {
      // The report after the running delay covers the change.
      if (this.#endDelay !== null) return;
      await this.#delay();
    } else this.#endDelay?.();
    try {
      await this.#reportPending(run);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Tells whether the catalog has confirmed the current revision and the waiting tasks. */
  isConfirmed(run: Run): boolean {
    const { nonce, revision, waiting } = this.#confirmed;
    return nonce === run.nonce && revision >= run.revision && waiting === textOf(waitingTasks(run));
  }

  /** Tells whether the last report has the same tasks waiting, whatever their times. */
  knowsWaits(run: Run): boolean {
    return this.#toldWaits === kindsOfWaits(run);
  }

  /**
   * Resolves once the catalog has confirmed the current revision. Rejects if the catalog is
   * unreachable, or repeatedly does not confirm.
   */
  async confirm(run: Run): Promise<void> {
    for (let tries = 0; !this.isConfirmed(run); tries += 1) {
      if (tries === MAX_REPORTS)
        throw new Error(`the catalog was told ${tries} times to keep the run, and does not`);
      this.#pending = { keep: true };
      await this.#reportPending(run);
    }
  }

  /** Reports a later retention end of a final run. Rejects if the catalog is unreachable. */
  async extend(run: Run, keptUntil: number): Promise<void> {
    await this.#report(summarize(run, keptUntil), true);
  }

  async #delay(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const callOff = this.#after(GATHER_MS, resolve);
    this.#endDelay = () => {
      callOff();
      resolve();
    };
    await promise;
    this.#endDelay = null;
  }

  async #reportPending(run: Run): Promise<void> {
    if (this.#reporting === null && this.#pending !== null)
      this.#reporting = this.#reportOneByOne(run);
    await this.#reporting;
  }

  async #reportOneByOne(run: Run): Promise<void> {
    try {
      while (this.#pending !== null) {
        const { keep } = this.#pending;
        this.#pending = null;
        const summary = summarize(run);
        const waits = kindsOfWaits(run);
        const isConfirmed = await this.#report(summary, keep || summary.finishedAt !== null);
        this.#toldWaits = waits;
        const { revision, waiting = [] } = summary;
        if (isConfirmed) this.#confirmed = { nonce: run.nonce, revision, waiting: textOf(waiting) };
      }
    } finally {
      // Runs in the same turn as the last check of `#pending`, so no report is added in between.
      this.#reporting = null;
    }
  }
}
