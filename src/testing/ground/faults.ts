/** Faults, and the draw of each. */
import type { Dice } from "./dice.ts";

/**
 * - `crash`: an invocation (driver, consumer, client, executor object) ends at an await, and
 *   nothing of it goes on.
 * - `reset_before_commit`, `reset_after_commit`: a run object is reset within a call; what it wrote
 *   is lost, or is durable while its answer and effects are lost.
 * - `call_lost`, `answer_lost`: the caller gets an error; nothing has happened, or everything.
 * - `call_hangs`: the caller never gets an answer; nothing has happened, or everything. `r2_hangs`:
 *   the same of R2.
 * - `isolate_crash`: everything that runs in one isolate ends: drivers of several runs, objects,
 *   requests.
 * - `overload`: an object refuses calls for a while.
 * - `message_*`, `send_failed`: the queue loses, doubles or holds back a message (and so reorders),
 *   or refuses it.
 * - `consumer_killed`: the consumer dies before or after it started a driver; the message comes
 *   again.
 * - `alarm_*`: an alarm is late, happens twice, or never (until a call).
 * - `r2_refused`, `r2_unsure`: R2 fails without effect, or after it.
 * - `clock_step`: the clock on the wall is set forward or back.
 * - `clock_skew`: the clocks of machines differ, for as long as the world is there.
 * - `deploy_side_by_side`: an older and a newer release run at once for a while, one of which lacks
 *   methods of live runs; then one of the two is everywhere.
 * - `late_trigger`: a trigger comes again, with its large payload, just when its run is forgotten.
 * - `deploy`, `deploy_removes_method`: every object is reset; methods of live runs are gone.
 */
export const FAULTS = [
  "crash",
  "reset_before_commit",
  "reset_after_commit",
  "call_lost",
  "answer_lost",
  "call_hangs",
  "r2_hangs",
  "isolate_crash",
  "overload",
  "message_lost",
  "message_doubled",
  "message_late",
  "send_failed",
  "consumer_killed",
  "alarm_late",
  "alarm_doubled",
  "alarm_given_up",
  "r2_refused",
  "r2_unsure",
  "clock_step",
  "clock_skew",
  "deploy",
  "deploy_removes_method",
  "deploy_side_by_side",
  "late_trigger",
] as const;
export type Fault = (typeof FAULTS)[number];

export class Faults {
  /** The number of faults that have struck. */
  struck = 0;
  /** The kinds of faults that have struck. */
  readonly kinds = new Set<Fault>();
  readonly #dice: ReadonlyMap<Fault, { readonly dice: Dice; readonly rate: number }>;
  readonly #most: number;
  #over = false;

  /**
   * Each seed has its own mixture: a fault does not occur at all, now and then, or often. At most
   * `most` strike. `focus`: only these do, so often.
   */
  constructor(
    dice: Dice,
    without: ReadonlySet<Fault>,
    most: number,
    focus: ReadonlyMap<Fault, number> | null = null,
  ) {
    this.#most = most;
    const harsh = dice.pick([0, 0.3, 1, 2]);
    this.#dice = new Map(
      FAULTS.flatMap((fault) => {
        const own = dice.fork(fault);
        const mixed = own.chance(0.5) ? 0 : harsh * own.pick([0.005, 0.02, 0.06]);
        const rate = focus === null ? mixed : (focus.get(fault) ?? 0);
        return without.has(fault) ? [] : [[fault, { dice: own, rate }]];
      }),
    );
  }

  /** Draws if the fault strikes now. `weight` makes rare occasions count more. */
  strikes(fault: Fault, weight = 1): boolean {
    if (this.#over || this.struck >= this.#most) return false;
    const own = this.#dice.get(fault);
    if (own === undefined || own.rate === 0 || !own.dice.chance(own.rate * weight)) return false;
    this.struck += 1;
    this.kinds.add(fault);
    return true;
  }

  /** Ends the faults until `resume`. */
  stop(): void {
    this.#over = true;
  }

  resume(): void {
    this.#over = false;
  }
}
