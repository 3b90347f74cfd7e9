/**
 * Reads the journal of a run. If newer code wrote the journal, every call is refused until that
 * code is deployed. If the journal is unreadable, every call is refused too.
 */
import type { Run } from "../../domain/run/state.ts";
import { deployPauseMs, NewerFormatError } from "../../domain/version.ts";
import { UnreadableRunError } from "../../domain/run/unreadable-run.ts";
import type { Journal } from "./journal.ts";

/** Access needed to keep the alarm of an unreadable run. */
export interface JournalReaderHost {
  /** Current time, epoch milliseconds. */
  now(): number;
  /** Time of the alarm; null if none is set, and during the alarm's handler. */
  getAlarm(): Promise<number | null>;
  setAlarm(at: number): void;
  /** Continues work after the answer. */
  waitUntil(work: Promise<void>): void;
  readonly trouble: {
    /** Tells failures of the infrastructure from others (see platform/calls.ts). */
    isTransient(error: unknown): boolean;
  };
}

export class JournalReader {
  readonly #journal: Journal;
  readonly #host: JournalReaderHost;
  /** Set once the journal turned out to need newer code: this code will never read the journal. */
  #newer: NewerFormatError | null = null;

  constructor(journal: Journal, host: JournalReaderHost) {
    this.#journal = journal;
    this.#host = host;
  }

  /**
   * Returns the run; null if no run was accepted. Throws `NewerFormatError` and sets an alarm for
   * the next look, or throws `UnreadableRunError`.
   */
  read(): Run | null {
    if (this.#newer !== null) throw this.#newer;
    try {
      return this.#journal.load();
    } catch (error) {
      if (error instanceof NewerFormatError) {
        this.#newer = error;
        this.#host.waitUntil(this.#arm());
        throw error;
      }
      throw this.#host.trouble.isTransient(error) ? error : new UnreadableRunError(error);
    }
  }

  get isNewer(): boolean {
    return this.#newer !== null;
  }

  /**
   * Returns the delay until the next look for newer code; grows with the time since the last write.
   */
  recheckDelayMs(): number {
    return deployPauseMs(this.#host.now() - this.#journal.writtenAt());
  }

  async #arm(): Promise<void> {
    // If the alarm is the caller, its handler has set the next alarm by then.
    await Promise.resolve();
    if ((await this.#host.getAlarm()) === null)
      this.#host.setAlarm(this.#host.now() + this.recheckDelayMs());
  }
}
