/**
 * What becomes of a run whose alarm fails. It is tried again with growing pauses, over all lives of the object; what fails for an hour
 * fails for good: the run is ended as `broken`, or, if not even that can be written or the journal not be read, a dead letter says
 * so and the alarm is not set again. A message for the run, or somebody who looks at it, has it tried once more.
 *
 * Lists show a run that cannot be read with the status that it told last, and with its problem (see problem-notice.ts); whoever reads the
 * run itself is answered `run_unreadable`.
 *
 * Surroundings that fail (an overload, a reset) are no reason to give a run up, however long; and a run that is final only waits to be
 * listed or deleted: both are tried as long as it takes.
 */
import { brokenBy } from "../core/broken-run.ts";
import type { Run } from "../core/run.ts";
import type { Advance } from "../core/run-event.ts";

/** Pauses before a failed alarm is tried again: 1 s, doubling to 5 min. The platform's own retries end after six. */
const PAUSE_MAX_MS = 300_000;

/** What fails for so long, and so often, fails for good. */
const FOR_GOOD = { ms: 3_600_000, strikes: 10 } as const;

/** Failures in a row. */
export interface Trouble {
  /** When the first was. */
  readonly since: number;
  readonly strikes: number;
}

/** The alarm is set again; or the run is `broken`; or it is to be given up, and the alarm with it. */
export type TroubleOutcome = "again" | "ended" | "given_up";

export interface TroubleSurroundings {
  /** Durable: it outlives the object's lives, and goes with all that is deleted. */
  read(): Trouble | null;
  write(trouble: Trouble | null): void;
  /** Whether the surroundings have failed: see platform/calls.ts. */
  isPassing(error: unknown): boolean;
  /** The run could not be ended, or not all that follows from its end be done. */
  notEnded(error: unknown): void;
  /** Records that the run can be neither carried on nor ended. */
  giveUp(error: unknown): Promise<void>;
}

/** Records what was decided about the run, folds it and performs its effects. Throws if it cannot be recorded. */
export type CommitEnd = (run: Run, decided: Advance) => void;

export class AlarmTrouble {
  readonly #around: TroubleSurroundings;
  readonly #commit: CommitEnd;
  /** Undefined until it was read in this life. */
  #known: Trouble | null | undefined;

  constructor(around: TroubleSurroundings, commit: CommitEnd) {
    this.#around = around;
    this.#commit = commit;
  }

  /** How often the alarm has failed in a row. */
  get strikes(): number {
    return this.#known?.strikes ?? 0;
  }

  /** The alarm has done what it was for. */
  isOver(): void {
    if (this.#read() !== null) this.#note(null);
    this.#known = null;
  }

  /** The alarm has failed; what becomes of its run. `run`: as far as it could be read, null if there is nothing to end. */
  failed(run: Run | null | undefined, error: unknown, now: number): TroubleOutcome {
    const { since, strikes } = this.#read() ?? { since: now, strikes: 0 };
    this.#known = { since, strikes: strikes + 1 };
    this.#note(this.#known);
    const isForGood = now - since >= FOR_GOOD.ms && this.strikes >= FOR_GOOD.strikes && !this.#around.isPassing(error);
    if (!isForGood || run === null || (run !== undefined && run.finishedAt !== null)) return "again";
    return run !== undefined && this.#end(run, error, now) ? "ended" : "given_up";
  }

  /** How long to wait before the alarm is tried again. */
  pauseMs(): number {
    return Math.min(PAUSE_MAX_MS, 500 * 2 ** Math.min(this.strikes, 20));
  }

  /** Ends the run, in its journal and in memory. False: that cannot be done. */
  #end(run: Run, error: unknown, now: number): boolean {
    const message = `the run could not go on: ${error instanceof Error ? error.message : String(error)}`;
    const stack = error instanceof Error ? (error.stack ?? null) : null;
    try {
      this.#commit(run, brokenBy(run, { name: "RunBrokenError", message, stack }, now));
    } catch (failure) {
      // What fails after the commit is repeated by the alarm.
      this.#around.notEnded(failure);
    }
    return run.finishedAt !== null;
  }

  /** Records that the run is given up; `again` is called if that fails. */
  async giveUp(error: unknown, again: () => void): Promise<void> {
    try {
      await this.#around.giveUp(error);
    } catch {
      again();
    }
  }

  #read(): Trouble | null {
    try {
      return (this.#known ??= this.#around.read());
    } catch {
      return null;
    }
  }

  /** Storage may be what fails. */
  #note(trouble: Trouble | null): void {
    try {
      this.#around.write(trouble);
    } catch {
      // Then the strikes of this life must do.
    }
  }
}
