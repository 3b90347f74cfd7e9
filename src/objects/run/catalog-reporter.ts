/**
 * Tells the catalogue how a run stands. One call is under way at a time, and always with the run as it is: what changes meanwhile is
 * told by the next. What the catalogue has not said to keep is owed by the run's state, and its alarm tells it again; after a reset
 * that is everything, and the catalogue takes no notice of what it knows.
 */
import type { Run } from "../../domain/run/state.ts";
import { summarize, type RunSummary } from "../../domain/run/summary.ts";
import type { After } from "../../platform/patience.ts";

/**
 * How long a run that is not final waits before the catalogue is told, in milliseconds: most have been started by then, many have
 * ended, and are told of once instead of three times. A list may lag.
 */
const GATHER_MS = 100;

/** So often one `confirm` tells the catalogue: the run may have changed while it was told, but not for ever. */
const MOST_CONFIRMING = 5;

/** True once it is durable there. With `keep` it is, or the call rejects. */
export type TellCatalog = (summary: RunSummary, keep: boolean) => Promise<boolean>;

export class RunFeed {
  readonly #tell: TellCatalog;
  readonly #failed: (error: unknown) => void;
  readonly #after: After;
  /** The run that is kept there, by its nonce, and its revision: another one of the same id may come in this life of the object. */
  #kept = { nonce: "", revision: -1 };
  /** The next call must have it kept; null: there is nothing to tell. */
  #owed: { readonly keep: boolean } | null = null;
  #telling: Promise<void> | null = null;
  /** Ends the pause that is under way before a call; null: none is. */
  #endPause: (() => void) | null = null;

  constructor(tell: TellCatalog, failed: (error: unknown) => void, after: After) {
    this.#tell = tell;
    this.#failed = failed;
    this.#after = after;
  }

  /** The run has changed its status. Never rejects: what is not told now, the alarm will. */
  async note(run: Run, keep: boolean): Promise<void> {
    this.#owed = { keep: keep || this.#owed?.keep === true };
    if (!keep && run.finishedAt === null) {
      // What the pause is for tells of this as well.
      if (this.#endPause !== null) return;
      await this.#pause();
    } else this.#endPause?.();
    try {
      await this.#tellAll(run);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Whether the catalogue keeps the run as it is. */
  isKept(run: Pick<Run, "nonce" | "revision">): boolean {
    return this.#kept.nonce === run.nonce && this.#kept.revision >= run.revision;
  }

  /** Resolves once the catalogue keeps the run as it is; rejects if it cannot be told, or says again and again that it does not. */
  async confirm(run: Run): Promise<void> {
    for (let tries = 0; !this.isKept(run); tries += 1) {
      if (tries === MOST_CONFIRMING)
        throw new Error(`the catalogue was told ${tries} times to keep the run, and does not`);
      this.#owed = { keep: true };
      await this.#tellAll(run);
    }
  }

  /** The run is final, but is kept until that time. Rejects if the catalogue cannot be told. */
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
      // In the same turn as the last look at what is owed, so that nothing is noted in between.
      this.#telling = null;
    }
  }
}
