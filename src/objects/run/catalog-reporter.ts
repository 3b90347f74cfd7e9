/**
 * Reports the run's status to the catalog. At most one call is under way, and always with the
 * current state; the next call reports later changes. The run's state records that an unconfirmed
 * report is outstanding, and the alarm repeats the call. After a reset every report is repeated,
 * and the catalog ignores known revisions.
 */
import type { Run } from "../../domain/run/state.ts";
import { summarize, type RunSummary } from "../../domain/run/summary.ts";
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

export class CatalogReporter {
  readonly #tell: ReportToCatalog;
  readonly #failed: (error: unknown) => void;
  readonly #after: After;
  /**
   * Nonce and revision of the last confirmed report. The nonce tells runs apart: the id may belong
   * to another run later in this life of the object.
   */
  #kept = { nonce: "", revision: -1 };
  /** The outstanding report, and whether the catalog must confirm; null: nothing is outstanding. */
  #owed: { readonly keep: boolean } | null = null;
  #telling: Promise<void> | null = null;
  /** Ends the current delay early; null: no delay is running. */
  #endPause: (() => void) | null = null;

  constructor(tell: ReportToCatalog, failed: (error: unknown) => void, after: After) {
    this.#tell = tell;
    this.#failed = failed;
    this.#after = after;
  }

  /** Reports a changed status. Never rejects: the alarm repeats a failed report. */
  async note(run: Run, keep: boolean): Promise<void> {
    this.#owed = { keep: keep || this.#owed?.keep === true };
    if (!keep && run.finishedAt === null) {
      // The report after the running delay covers the change.
      if (this.#endPause !== null) return;
      await this.#pause();
    } else this.#endPause?.();
    try {
      await this.#tellAll(run);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Tells whether the catalog has confirmed the run's current revision. */
  isKept(run: Pick<Run, "nonce" | "revision">): boolean {
    return this.#kept.nonce === run.nonce && this.#kept.revision >= run.revision;
  }

  /**
   * Resolves once the catalog has confirmed the current revision. Rejects if the catalog is
   * unreachable, or repeatedly does not confirm.
   */
  async confirm(run: Run): Promise<void> {
    for (let tries = 0; !this.isKept(run); tries += 1) {
      if (tries === MAX_REPORTS)
        throw new Error(`the catalog was told ${tries} times to keep the run, and does not`);
      this.#owed = { keep: true };
      await this.#tellAll(run);
    }
  }

  /** Reports a later retention end of a final run. Rejects if the catalog is unreachable. */
  async extend(run: Run, keptUntil: number): Promise<void> {
    await this.#tell(summarize(run, keptUntil), true);
  }

  async #pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const callOff = this.#after(GATHER_MS, resolve);
    this.#endPause = () => {
      callOff();
      resolve();
    };
    await promise;
    this.#endPause = null;
  }

  async #tellAll(run: Run): Promise<void> {
    if (this.#telling === null && this.#owed !== null) this.#telling = this.#tellOneByOne(run);
    await this.#telling;
  }

  async #tellOneByOne(run: Run): Promise<void> {
    try {
      while (this.#owed !== null) {
        const { keep } = this.#owed;
        this.#owed = null;
        const summary = summarize(run);
        const isKept = await this.#tell(summary, keep || summary.finishedAt !== null);
        if (isKept && !this.isKept({ nonce: run.nonce, revision: summary.revision }))
          this.#kept = { nonce: run.nonce, revision: summary.revision };
      }
    } finally {
      // Runs in the same turn as the last check of `#owed`, so no report is added in between.
      this.#telling = null;
    }
  }
}
