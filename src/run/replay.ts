/** The changes of a run after some position of its journal, as they were told then: for a listener that comes back. */
import { fold } from "../core/fold.ts";
import { newRun, type Run } from "../core/run.ts";
import { Batch } from "./audience.ts";
import { changeEvent, endEvent } from "./run-events.ts";
import type { RunStore } from "./store.ts";

/** Entries of the journal that are read at once. */
const PAGE = 200;

export class Replay {
  readonly #store: RunStore;
  readonly #after: number;
  /** The run as it was at `#position`. */
  #run: Run | null = null;
  #position = 0;
  #hasEnded = false;

  constructor(store: RunStore, after: number) {
    this.#store = store;
    this.#after = after;
  }

  /** The next changes, or null: from here on the audience hears what is new. With the last one comes the end, if the run has ended. */
  next(): Batch | null {
    for (;;) {
      const entries = this.#store.readAfter(this.#position, PAGE);
      const events = entries.flatMap(({ seq, genesis, change }) => {
        this.#run ??= genesis === null ? null : newRun(genesis);
        if (this.#run === null) return [];
        fold(this.#run, change);
        this.#position = seq;
        return seq > this.#after ? [changeEvent(this.#run, change, seq, () => null)] : [];
      });
      const isCaughtUp = entries.length < PAGE;
      if (isCaughtUp && !this.#hasEnded && this.#run !== null && this.#run.finishedAt !== null) {
        events.push(endEvent(this.#run, this.#position));
        this.#hasEnded = true;
      }
      if (events.length > 0) return new Batch(events);
      if (isCaughtUp) return null;
    }
  }
}
