/**
 * Reads the journal of a run. One that newer code has written waits for that code, whole, and every call says so; so does every call
 * of one that cannot be read.
 */
import type { Run } from "../../domain/run/state.ts";
import { deployPauseMs, NewerFormatError } from "../../domain/version.ts";
import { UnreadableRunError } from "../../domain/run/unreadable-run.ts";
import type { RunStore } from "./journal.ts";

/** What it needs to keep the alarm set of a run that nobody can read. */
export interface JournalSurroundings {
  /** Epoch milliseconds. */
  now(): number;
  /** Null if none is set, and while one is handled. */
  getAlarm(): Promise<number | null>;
  setAlarm(at: number): void;
  /** Carries work on beyond the answer. */
  waitUntil(work: Promise<void>): void;
  readonly trouble: {
    /** Whether the surroundings have failed: see platform/calls.ts. */
    isPassing(error: unknown): boolean;
  };
}

export class Journal {
  readonly #store: RunStore;
  readonly #around: JournalSurroundings;
  /** This code will never read it. */
  #newer: NewerFormatError | null = null;

  constructor(store: RunStore, around: JournalSurroundings) {
    this.#store = store;
    this.#around = around;
  }

  /** The run, or null if none was accepted. Throws `NewerFormatError`, and sees to it that the alarm looks again; else `UnreadableRunError`. */
  read(): Run | null {
    if (this.#newer !== null) throw this.#newer;
    try {
      return this.#store.load();
    } catch (error) {
      if (error instanceof NewerFormatError) {
        this.#newer = error;
        this.#around.waitUntil(this.#arm());
        throw error;
      }
      throw this.#around.trouble.isPassing(error) ? error : new UnreadableRunError(error);
    }
  }

  get isNewer(): boolean {
    return this.#newer !== null;
  }

  /** How long to wait before the alarm looks again, since newer code may have been deployed: grows with the time of rest. */
  pauseMs(): number {
    return deployPauseMs(this.#around.now() - this.#store.writtenAt());
  }

  async #arm(): Promise<void> {
    // Should this be the alarm itself, it has set the next one by then.
    await Promise.resolve();
    if ((await this.#around.getAlarm()) === null)
      this.#around.setAlarm(this.#around.now() + this.pauseMs());
  }
}
