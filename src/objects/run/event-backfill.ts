/**
 * Reads the changes of a run after some position of its journal and puts them into words as they were told live: for a listener
 * that comes back. Folding begins at the first entry, since a change says nothing without the run as it was before. Where the
 * journal no longer has every entry that this needs, the listener is told the run as it is now instead.
 */
import { unpack } from "../../domain/run/journal-codec.ts";
import { fold } from "../../domain/run/apply-change.ts";
import { newRun, type Progress, type Run } from "../../domain/run/state.ts";
import { Batch } from "./subscribers.ts";
import { changeEvent, endEvent, type RunEvent } from "./public-events.ts";
import type { JournalPage, JournalRow, RunStore } from "./journal.ts";

/** What is read of the journal at once: an entry may have megabytes. */
const PAGE: JournalPage = { rows: 200, length: 1_000_000 };

/** The run as it is now. */
export interface Present {
  /** As a listener hears it that has heard nothing yet; with its end, if it has ended. */
  readonly asItIs: () => readonly RunEvent[];
  /** What the attempt with this token has said last; null: nothing, or it is not under way. */
  readonly progressOf: (ordinal: number, token: number) => Progress | null;
}

export class Replay {
  readonly #store: RunStore;
  readonly #after: number;
  readonly #present: Present;
  /** The run as it was at `#position`. */
  #run: Run | null = null;
  #position = 0;
  /** The last change that `#run` has. */
  #folded = 0;
  /** Entries are missing: the listener is told the run as it is, from now on. */
  #hasGap = false;

  constructor(store: RunStore, after: number, present: Present) {
    this.#store = store;
    this.#after = after;
    this.#present = present;
  }

  /** The next changes, the last of them with the end if the run has ended; null: from here on the audience hears what is new. */
  next(): Batch | null {
    while (!this.#hasGap) {
      const { rows, isEnd: isCaughtUp } = this.#store.readAfter(this.#position, PAGE);
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
    // What was told then may be old by now: the reader took its time.
    return this.#position === this.#store.nextSeq - 1 ? null : this.#startOver();
  }

  /** Whether changes before this row are gone that the listener has not heard. Of bytes before the first entry some may be gone. */
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
    const unpacked = unpack(change, this.#run);
    fold(this.#run, unpacked);
    this.#folded = seq;
    const run = this.#run;
    return seq > this.#after
      ? [changeEvent(run, unpacked, seq, (ordinal) => this.#progressOf(run, ordinal))]
      : [];
  }

  /** The journal has what an attempt said only once it has ended; of one that goes on it is known what it said last. */
  #progressOf(run: Run, ordinal: number): Progress | null {
    const state = run.tasks[ordinal]?.state;
    return state?.status === "running" ? this.#present.progressOf(ordinal, state.token) : null;
  }

  #startOver(): Batch {
    this.#hasGap = true;
    this.#position = this.#store.nextSeq - 1;
    return new Batch(this.#present.asItIs());
  }
}
