/**
 * Decides what happens to a run whose alarm fails. The alarm is retried with growing delays, across
 * all lives of the object. After an hour of failures the run ends as `broken`. If the journal
 * cannot be read or written, a dead letter records the run instead, and the alarm is not set again.
 * A message for the run, or a request to read the run, starts another attempt.
 *
 * Lists show an unreadable run with the last reported status and its problem (see
 * problem-notice.ts). A request for the run itself is answered with `run_unreadable`.
 *
 * A failing infrastructure (overload, reset, timeout) gives a run up only after a week. A final
 * run, or an id that never became a run, only waits to be listed or deleted. Listing and deletion
 * are retried for a day, or for a week if the infrastructure fails. Then a dead letter names the
 * remainder, and the retries end. Waiting for newer code is not a failure.
 */
import { brokenBy } from "../../domain/run/broken-run.ts";
import type { Run } from "../../domain/run/state.ts";
import type { TransitionResult } from "../../domain/run/machine-events.ts";

/**
 * Delays before a failed alarm is retried: 1 s, doubling to 5 min. After the first hour: a quarter
 * of the time since the hour ended, at most 1 h. The platform's own retries end after six.
 */
const RETRY_DELAY_MS = { soon: 300_000, share: 1 / 4, most: 3_600_000 } as const;

/**
 * Limits after which a failure counts as permanent; `strikes` is the least number of failures.
 * `goingOnMs`: of an active run. `tidyingMs`: of a final run's cleanup. `transientMs`: of the
 * infrastructure.
 */
const FOR_GOOD = {
  goingOnMs: 3_600_000,
  tidyingMs: 86_400_000,
  transientMs: 7 * 86_400_000,
  strikes: 10,
} as const;

/** A series of failures without a success in between. */
export interface Trouble {
  /** Time of the first failure, epoch milliseconds. */
  readonly since: number;
  readonly strikes: number;
}

/**
 * `again`: the alarm is set again. `ended`: the run is `broken`. `given_up`: neither the run nor
 * the alarm goes on.
 */
export type TroubleOutcome = "again" | "ended" | "given_up";

/** Dependencies of `AlarmTrouble`: the durable record, and the handling of runs given up. */
export interface TroubleHost {
  /** Durable: the record outlives the object's lives and is deleted with everything else. */
  read(): Trouble | null;
  write(trouble: Trouble | null): void;
  /** Tells failures of the infrastructure from others (see platform/calls.ts). */
  isTransient(error: unknown): boolean;
  /** Logs a run that could not be ended, or whose end was not followed by all effects. */
  notEnded(error: unknown): void;
  /**
   * Records a run that can be neither continued nor ended; with `isOver`, a remainder that can be
   * neither listed nor deleted.
   */
  giveUp(error: unknown, isOver: boolean): Promise<void>;
}

/** Records a transition, applies its change and performs its effects. Throws if recording fails. */
export type CommitEnd = (run: Run, decided: TransitionResult) => void;

export class AlarmTrouble {
  readonly #host: TroubleHost;
  readonly #commit: CommitEnd;
  /** Undefined until the first read in this life of the object. */
  #known: Trouble | null | undefined;

  constructor(host: TroubleHost, commit: CommitEnd) {
    this.#host = host;
    this.#commit = commit;
  }

  /** Counts the alarm's failures in a row. */
  get strikes(): number {
    return this.#known?.strikes ?? 0;
  }

  /** Clears the record: the alarm has succeeded. */
  isOver(): void {
    if (this.#read() !== null) this.#note(null);
    this.#known = null;
  }

  /**
   * Records a failure of the alarm and decides the outcome. `run` is undefined if the journal is
   * unreadable, and null if no run exists.
   */
  failed(run: Run | null | undefined, error: unknown, now: number): TroubleOutcome {
    const { since, strikes } = this.#read() ?? { since: now, strikes: 0 };
    this.#known = { since, strikes: strikes + 1 };
    this.#note(this.#known);
    const limitMs = isOver(run) ? FOR_GOOD.tidyingMs : FOR_GOOD.goingOnMs;
    const isLong = now - since >= (this.#host.isTransient(error) ? FOR_GOOD.transientMs : limitMs);
    if (!isLong || this.strikes < FOR_GOOD.strikes) return "again";
    return run !== undefined && run !== null && !isOver(run) && this.#end(run, error, now)
      ? "ended"
      : "given_up";
  }

  /** Returns the delay before the alarm is retried. */
  retryDelayMs(now: number): number {
    const overMs = now - (this.#known?.since ?? now) - FOR_GOOD.goingOnMs;
    const longestMs = Math.max(
      RETRY_DELAY_MS.soon,
      Math.min(RETRY_DELAY_MS.most, overMs * RETRY_DELAY_MS.share),
    );
    return Math.min(longestMs, 500 * 2 ** Math.min(this.strikes, 20));
  }

  /** Ends the run, in the journal and in memory. Returns false if that fails. */
  #end(run: Run, error: unknown, now: number): boolean {
    const message = `the run could not go on: ${error instanceof Error ? error.message : String(error)}`;
    const stack = error instanceof Error ? (error.stack ?? null) : null;
    try {
      this.#commit(run, brokenBy(run, { name: "RunBrokenError", message, stack }, now));
    } catch (failure) {
      // The alarm repeats effects that fail after the commit.
      this.#host.notEnded(failure);
    }
    return run.finishedAt !== null;
  }

  /** Records that the run is given up; calls `again` if recording fails. */
  async giveUp(run: Run | null | undefined, error: unknown, again: () => void): Promise<void> {
    try {
      await this.#host.giveUp(error, isOver(run));
    } catch {
      again();
    }
  }

  #read(): Trouble | null {
    try {
      return (this.#known ??= this.#host.read());
    } catch {
      return null;
    }
  }

  /** Ignores errors: storage may be the failing part. */
  #note(trouble: Trouble | null): void {
    try {
      this.#host.write(trouble);
    } catch {
      // The count of this life has to suffice.
    }
  }
}

/** Tells whether only cleanup is left. The state of an unreadable run is unknown, hence false. */
function isOver(run: Run | null | undefined): boolean {
  return run === null || (run !== undefined && run.finishedAt !== null);
}
