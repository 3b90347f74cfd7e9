/**
 * Tells a notice that a run cannot be read from one that is late: a call that is made again, or takes its time, may come when the run has
 * told of itself since, and nobody would take it back before the run changes the next time.
 */
import type { RunId } from "../../domain/ids.ts";
import type { RunSummary } from "../../domain/run/summary.ts";

/** A notice may have been sent so much later than its time says: clocks differ. */
const CLOCKS_APART_MS = 1_000;

/** Runs that were heard of last: a notice is late by seconds. */
const MOST_HEARD = 1_000;

export class LateNotices {
  /** When a run has told of itself, without any news, by its id. */
  readonly #heard = new Map<RunId, number>();

  /** The run has told of itself, so it can be read. */
  heard(id: RunId, now: number): void {
    this.#heard.delete(id);
    this.#heard.set(id, now);
    for (const oldest of this.#heard.keys()) {
      if (this.#heard.size <= MOST_HEARD) break;
      this.#heard.delete(oldest);
    }
  }

  /** `changedAt`: when what is known of the run was told. What is told in the future, since the clock was set back, says nothing. */
  isLate({ id, foundAt }: RunSummary, changedAt: number, now: number): boolean {
    if (foundAt === undefined) return false;
    return [changedAt, this.#heard.get(id) ?? 0].some(
      (at) => at > foundAt + CLOCKS_APART_MS && at <= now,
    );
  }
}
