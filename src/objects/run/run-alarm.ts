/**
 * Sets the alarm of a run. Only the alarm lets a run continue without calls, and each setting costs
 * a row.
 */
import { nextWakeAt } from "../../domain/run/machine.ts";
import type { Run } from "../../domain/run/state.ts";
import type { TransitionResult } from "../../domain/run/machine-events.ts";
import type { AlarmClock } from "../../platform/alarm-clock.ts";
import type { ParentLink } from "./parent-link.ts";
import type { RunHost } from "./run-host.ts";
import { LISTED_MS } from "./run-times.ts";
import { soonestIn, type SignsOfLife } from "./signs-of-life.ts";

type Host = Pick<RunHost, "now" | "getAlarm">;

export class RunAlarm {
  readonly #clock: AlarmClock;
  readonly #host: Host;
  readonly #signs: SignsOfLife;
  readonly #parent: ParentLink;

  constructor(clock: AlarmClock, host: Host, signs: SignsOfLife, parent: ParentLink) {
    this.#clock = clock;
    this.#host = host;
    this.#signs = signs;
    this.#parent = parent;
  }

  /** Sets the alarm for the run's current state. */
  setFor(run: Run): void {
    this.#clock.set(this.#dueAt(run));
  }

  /**
   * Sets the alarm of an accepted run. A run over no items is final at once, and has to be listed.
   * This life may have read an earlier run of the same id with the same tokens: signs of life of
   * the earlier run are dropped.
   */
  setForAccepted(run: Run): void {
    this.#signs.reset();
    if (run.finishedAt === null) this.setFor(run);
    else this.#setForListing(run);
  }

  /**
   * Moves the alarm after a change, only if something is due sooner. If the alarm's time is unknown
   * (after a reset), the whole run decides, because a later alarm must not replace a sooner alarm.
   * A final run only has to be listed: the current alarm suffices, unless the listing happens
   * first.
   */
  setAfter(run: Run, { change, leases }: TransitionResult): void {
    if (run.finishedAt !== null) {
      if (this.#clock.at > Math.min(nextWakeAt(run), this.#host.now() + LISTED_MS.latest))
        this.#setForListing(run);
      return;
    }
    if (this.#clock.at === Number.POSITIVE_INFINITY) return this.setFor(run);
    const soonest = soonestIn(change);
    const isLate = leases.length > 0 && this.#signs.isLate(this.#clock.at);
    this.#clock.atLatest(isLate ? Math.min(soonest, this.#signs.dueAt(run)) : soonest);
  }

  /**
   * Restores the alarm after a reset, when only the platform knows the time. A missing or late
   * alarm is replaced.
   */
  async recover(run: Run, isThere: () => boolean): Promise<void> {
    const at = await this.#host.getAlarm();
    // A commit set the alarm meanwhile, for the whole run, or the run was deleted: the time read is
    // obsolete.
    if (this.#clock.at !== Number.POSITIVE_INFINITY || !isThere()) return;
    const due = this.#signs.dueAt(run);
    if (at !== null && at <= due) this.#clock.recover(at);
    else if (run.finishedAt === null) this.#clock.set(due);
    // The run may not be listed yet, whatever happened to the alarm.
    else this.#setForListing(run);
  }

  #setForListing(run: Run): void {
    this.#clock.set(Math.min(nextWakeAt(run), this.#host.now() + LISTED_MS.pause));
  }

  #dueAt(run: Run): number {
    return Math.min(this.#signs.dueAt(run), this.#parent.dueAt(run));
  }
}
