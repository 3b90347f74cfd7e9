/**
 * Recognizes an outdated notice that a run cannot be read. A retried or slow call may arrive after
 * the run has reported again. Such a notice would stand until the next change of the run.
 */
import type { RunId } from "../../domain/ids.ts";
import type { RunSummary } from "../../domain/run/summary.ts";

/** Tolerance for the difference between two clocks. */
const CLOCKS_APART_MS = 1_000;

/** Limit of remembered runs: a notice is late by seconds. */
const MAX_REMEMBERED = 1_000;

export class LateNotices {
  /** Time of the last report of each run, which proves that the run can be read. */
  readonly #reportedAt = new Map<RunId, number>();

  /** Notes a report of the run. */
  reported(id: RunId, now: number): void {
    this.#reportedAt.delete(id);
    this.#reportedAt.set(id, now);
    for (const oldest of this.#reportedAt.keys()) {
      if (this.#reportedAt.size <= MAX_REMEMBERED) break;
      this.#reportedAt.delete(oldest);
    }
  }

  /**
   * Checks that the run has reported after the notice was made. `changedAt`: time of the known
   * summary. A report from the future, after the clock was set back, proves nothing.
   */
  isLate({ id, foundAt }: RunSummary, changedAt: number, now: number): boolean {
    if (foundAt === undefined) return false;
    return [changedAt, this.#reportedAt.get(id) ?? 0].some(
      (at) => at > foundAt + CLOCKS_APART_MS && at <= now,
    );
  }
}
