/**
 * What becomes of a run whose alarm fails. It is tried again with growing pauses, over all lives of the object; what fails for an hour
 * fails for good: the run is ended as `broken`, or, if not even that can be written or the journal not be read, a dead letter says
 * so and the alarm is not set again. A message for the run, or somebody who looks at it, has it tried once more.
 *
 * Lists show a run that cannot be read with the status that it told last, and with its problem (see problem-notice.ts); whoever reads the
 * run itself is answered `run_unreadable`.
 *
 * Surroundings that fail (an overload, a reset, no answer in time) are no reason to give a run up before a week has passed. A run
 * that is final, or an id that never became one, only waits to be listed or deleted: that is tried for a day, for a week if it is the
 * surroundings; then a dead letter says what is left, and nobody tries any more. Where newer code is waited for, that is no failure.
 */
import { brokenBy } from "../../domain/run/broken-run.ts";
import type { Run } from "../../domain/run/state.ts";
import type { Advance } from "../../domain/run/machine-events.ts";

/**
 * Pauses before a failed alarm is tried again: 1 s, doubling to 5 min; after the first hour a quarter of the time since then, up to
 * an hour. The platform's own retries end after six.
 */
const PAUSE_MS = { soon: 300_000, share: 1 / 4, most: 3_600_000 } as const;

/** What fails for so long, and so often, fails for good: of a run that goes on, of what is to be tidied up, for the surroundings. */
const FOR_GOOD = {
  goingOnMs: 3_600_000,
  tidyingMs: 86_400_000,
  passingMs: 7 * 86_400_000,
  strikes: 10,
} as const;

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
  /** Records that the run can be neither carried on nor ended; `isOver`: that what is left of it can be neither listed nor deleted. */
  giveUp(error: unknown, isOver: boolean): Promise<void>;
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

  /** The alarm has failed; what becomes of its run: as far as it could be read, undefined if it could not, null if there is none. */
  failed(run: Run | null | undefined, error: unknown, now: number): TroubleOutcome {
    const { since, strikes } = this.#read() ?? { since: now, strikes: 0 };
    this.#known = { since, strikes: strikes + 1 };
    this.#note(this.#known);
    const limitMs = isOver(run) ? FOR_GOOD.tidyingMs : FOR_GOOD.goingOnMs;
    const isLong = now - since >= (this.#around.isPassing(error) ? FOR_GOOD.passingMs : limitMs);
    if (!isLong || this.strikes < FOR_GOOD.strikes) return "again";
    return run !== undefined && run !== null && !isOver(run) && this.#end(run, error, now)
      ? "ended"
      : "given_up";
  }

  /** How long to wait before the alarm is tried again. */
  pauseMs(now: number): number {
    const overMs = now - (this.#known?.since ?? now) - FOR_GOOD.goingOnMs;
    const longestMs = Math.max(PAUSE_MS.soon, Math.min(PAUSE_MS.most, overMs * PAUSE_MS.share));
    return Math.min(longestMs, 500 * 2 ** Math.min(this.strikes, 20));
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
  async giveUp(run: Run | null | undefined, error: unknown, again: () => void): Promise<void> {
    try {
      await this.#around.giveUp(error, isOver(run));
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

/** Whether only what is left of it is to be tidied up; of what cannot be read nobody knows. */
function isOver(run: Run | null | undefined): boolean {
  return run === null || (run !== undefined && run.finishedAt !== null);
}
