/**
 * Reads the changes of a run after a position of the journal, as the events that live subscribers
 * got: for a subscriber that reconnects. The changes are applied from the first entry on, because a
 * change has a meaning only with the run before the change. If the journal lacks an entry, the
 * subscriber gets the current run instead.
 */
import { decodeChange } from "../../domain/run/journal-codec.ts";
import { applyChange } from "../../domain/run/apply-change.ts";
import { newRun, type Run } from "../../domain/run/state.ts";
import { type Progress } from "../../domain/run/attempt.ts";
import { Batch } from "./subscribers.ts";
import { changeEvent, endEvent, type RunEvent } from "./public-events.ts";
import type { JournalPage, JournalRow, Journal } from "./journal.ts";

/** Limits for one read of the journal: an entry may have megabytes. */
const PAGE: JournalPage = { rows: 200, length: 1_000_000 };

/** Access to the current run. */
export interface CurrentRun {
  /** Events for a subscriber that knows nothing yet; with the end, if the run has ended. */
  readonly events: () => readonly RunEvent[];
  /** Last progress of the attempt with this token; null: none, or the attempt has ended. */
  readonly progressOf: (ordinal: number, token: number) => Progress | null;
}

export class EventBackfill {
  readonly #journal: Journal;
  readonly #after: number;
  readonly #current: CurrentRun;
  /** The run at `#position`. */
  #run: Run | null = null;
  #position = 0;
  /** Row of the last change applied to `#run`. */
  #folded = 0;
  /** Entries are missing: the subscriber gets the current run from now on. */
  #hasGap = false;

  constructor(journal: Journal, after: number, current: CurrentRun) {
    this.#journal = journal;
    this.#after = after;
    this.#current = current;
  }

  /**
   * Returns the next changes, the last batch with the end of an ended run. Null: the subscriber
   * joins the live events.
   */
  next(): Batch | null {
    while (!this.#hasGap) {
      const { rows, isEnd: isCaughtUp } = this.#journal.readAfter(this.#position, PAGE);
      const events: RunEvent[] = [];
      for (const row of rows) {
        if (this.#isMissing(row)) return this.#startOver();
        events.push(...this.#take(row));
      }
      if (isCaughtUp && this.#run !== null && this.#run.finishedAt !== null)
        events.push(endEvent(this.#run, this.#position));
      if (events.length > 0) return new Batch(events);
      if (isCaughtUp) return null;
    }
    // A slow reader may have missed changes since the last snapshot of events.
    return this.#position === this.#journal.nextSeq - 1 ? null : this.#startOver();
  }

  /**
   * Tells whether changes that the subscriber lacks are missing before this row. Data rows before
   * the first entry may be missing.
   */
  #isMissing({ seq, genesis, change, snapshot }: JournalRow): boolean {
    if (snapshot !== null) return snapshot.upTo > Math.max(this.#after, this.#folded);
    const isFirst = this.#run === null && genesis === null && change === null;
    return seq !== this.#position + 1 && !isFirst;
  }

  #take({ seq, genesis, change, snapshot }: JournalRow): RunEvent[] {
    this.#position = seq;
    if (genesis !== null) this.#run = newRun(genesis);
    if (snapshot !== null) this.#run = snapshot.run;
    if (this.#run === null || change === null) return [];
    const unpacked = decodeChange(change, this.#run);
    applyChange(this.#run, unpacked);
    this.#folded = seq;
    const run = this.#run;
    return seq > this.#after
      ? [changeEvent(run, unpacked, seq, (ordinal) => this.#progressOf(run, ordinal))]
      : [];
  }

  /**
   * Returns the last known progress of a running attempt. The journal has the progress of ended
   * attempts only.
   */
  #progressOf(run: Run, ordinal: number): Progress | null {
    const state = run.tasks[ordinal]?.state;
    return state?.status === "running" ? this.#current.progressOf(ordinal, state.token) : null;
  }

  #startOver(): Batch {
    this.#hasGap = true;
    this.#position = this.#journal.nextSeq - 1;
    return new Batch(this.#current.events());
  }
}
