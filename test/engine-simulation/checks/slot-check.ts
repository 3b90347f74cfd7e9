/**
 * Checks invariant 9: no more attempts run at a time than their limit allows, by the key in the payload itself. The
 * same holds for the items of a task.
 */
import type { TaskPlan } from "../../../src/domain/plan/plan.ts";
import type { Ground } from "../../../src/testing/ground/ground.ts";
import type { AttemptNote, Ledger } from "../ledger.ts";
import { placeName } from "../payloads.ts";

const INVARIANT = "9 slots are conserved";

export class SlotCheck {
  readonly #ground: Ground;
  readonly #ledger: Ledger;
  readonly #plansOf: (task: string) => readonly TaskPlan[];

  /** `plansOf`: what peach.conf says of a task in each release whose limits may count now. */
  constructor(ground: Ground, ledger: Ledger, plansOf: (task: string) => readonly TaskPlan[]) {
    this.#ground = ground;
    this.#ledger = ledger;
    this.#plansOf = plansOf;
  }

  /** The code of an attempt begins. `isTimeUncertain`: leases may have ended too soon. */
  begins(note: AttemptNote, isTimeUncertain: boolean): void {
    const plans = this.#plansOf(note.task);
    if (!isTimeUncertain && note.item !== null) this.#item(note, plans);
    const concurrency = plans[0]?.limits?.concurrency;
    if (concurrency === undefined || concurrency === null || isTimeUncertain) return;
    const { timeoutMs = 0 } = plans[0] ?? {};
    const limit = Math.max(...plans.map(({ limits }) => limits?.concurrency?.limit ?? Number.POSITIVE_INFINITY));
    const key = keyOf(concurrency.key, note);
    const { now } = this.#ground.scheduler;
    const going = this.#ledger.running().filter(
      (other) =>
        other.task === note.task &&
        other.end === "running" &&
        keyOf(concurrency.key, other) === key &&
        now < other.begunAt + timeoutMs &&
        // A lease that came late gives no right to anything.
        this.#isLast(other),
    );
    if (going.length > limit)
      this.#ground.violate(
        INVARIANT,
        `${going.length} attempts of ${note.task} (${key ?? "no key"}) run at once, ${limit} may: ${going
          .map((other) => `${other.runId} ${placeName(other.task, other.item)} ${other.attempt}`)
          .join(", ")}`,
      );
  }

  /** No more items of one task are at work than it says. */
  #item(note: AttemptNote, plans: readonly TaskPlan[]): void {
    const most = plans[0]?.each?.maxParallel ?? Number.POSITIVE_INFINITY;
    const { now } = this.#ground.scheduler;
    const going = this.#ledger
      .running()
      .filter(
        (other) =>
          other.runId === note.runId &&
          other.task === note.task &&
          other.item !== null &&
          other.end === "running" &&
          now < other.begunAt + (plans[0]?.timeoutMs ?? 0) &&
          this.#isLast(other),
      );
    if (going.length > most)
      this.#ground.violate(
        "items",
        `${going.length} items of ${note.task} of ${note.runId} are at work, ${most} may be: ${going.map(({ item }) => item).join(", ")}`,
      );
  }

  #isLast(note: AttemptNote): boolean {
    return this.#ledger.of(note.runId, note.task, note.item).at(-1) === note;
  }
}

/** The key of a payload: there is one path in this world. */
function keyOf(path: readonly string[] | null, { group }: AttemptNote): string | null {
  return path === null ? null : group;
}
