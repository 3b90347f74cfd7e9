/**
 * What the alarm of a run is set to. It is the one thing that has the run go on if nobody calls, and costs a row each time it is set.
 */
import { nextWakeAt } from "../../domain/run/machine.ts";
import type { Run } from "../../domain/run/state.ts";
import type { Advance } from "../../domain/run/machine-events.ts";
import type { AlarmClock } from "../../platform/alarm-clock.ts";
import type { ParentLink } from "./parent-link.ts";
import type { RunSurroundings } from "./run-host.ts";
import { LISTED_MS } from "./run-times.ts";
import { soonestIn, type SignsOfLife } from "./signs-of-life.ts";

type Around = Pick<RunSurroundings, "now" | "getAlarm">;

export class RunAlarm {
  readonly #clock: AlarmClock;
  readonly #around: Around;
  readonly #signs: SignsOfLife;
  readonly #parent: ParentLink;

  constructor(clock: AlarmClock, around: Around, signs: SignsOfLife, parent: ParentLink) {
    this.#clock = clock;
    this.#around = around;
    this.#signs = signs;
    this.#parent = parent;
  }

  /** The run is as it is now, and nothing else is looked for by its alarm. */
  setFor(run: Run): void {
    this.#clock.set(this.#dueAt(run));
  }

  /**
   * The run was accepted. One over no items has ended with that, and is to be listed. This life may have read an earlier run of the id,
   * whose tokens were the same: nothing of it says anything about this one.
   */
  setForAccepted(run: Run): void {
    this.#signs.forget();
    if (run.finishedAt === null) this.setFor(run);
    else this.#setForListing(run);
  }

  /**
   * The run has changed. The alarm is moved only when something is due sooner than it. Where it is not known yet what the alarm was set
   * to (after a reset), the whole run decides: a later alarm must not take the place of a sooner one. A run that is final has nothing
   * due but to be listed: the alarm that it has will do, unless it is listed before.
   */
  setAfter(run: Run, { change, leases }: Advance): void {
    if (run.finishedAt !== null) {
      if (this.#clock.at > Math.min(nextWakeAt(run), this.#around.now() + LISTED_MS.latest))
        this.#setForListing(run);
      return;
    }
    if (this.#clock.at === Number.POSITIVE_INFINITY) return this.setFor(run);
    const soonest = soonestIn(change);
    const isLate = leases.length > 0 && this.#signs.isLate(this.#clock.at);
    this.#clock.atLatest(isLate ? Math.min(soonest, this.#signs.dueAt(run)) : soonest);
  }

  /** After a reset the alarm is known to the platform only; should it be gone or late, the run must not depend on it. */
  async recover(run: Run, isThere: () => boolean): Promise<void> {
    const at = await this.#around.getAlarm();
    // A commit has set it meanwhile, for the whole run, or the run was deleted: what was read is the past.
    if (this.#clock.at !== Number.POSITIVE_INFINITY || !isThere()) return;
    const due = this.#signs.dueAt(run);
    if (at !== null && at <= due) this.#clock.recover(at);
    else if (run.finishedAt === null) this.#clock.set(due);
    // Whatever has become of its alarm, the run may not be listed yet.
    else this.#setForListing(run);
  }

  #setForListing(run: Run): void {
    this.#clock.set(Math.min(nextWakeAt(run), this.#around.now() + LISTED_MS.pause));
  }

  #dueAt(run: Run): number {
    return Math.min(this.#signs.dueAt(run), this.#parent.dueAt(run));
  }
}
