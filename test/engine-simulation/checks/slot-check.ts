/** Invariant 9: no more attempts run at a time than their limit says, by the key that is in the payload itself. */
import type { TaskPlan } from "../../../src/core/plan.ts";
import type { Ground } from "../../simulation/ground.ts";
import type { AttemptNote, Ledger } from "../ledger.ts";
import { placeName } from "../payloads.ts";

const INVARIANT = "9 slots are conserved";

export class SlotCheck {
  readonly #ground: Ground;
  readonly #ledger: Ledger;
  readonly #planOf: (task: string) => TaskPlan | undefined;

  constructor(ground: Ground, ledger: Ledger, planOf: (task: string) => TaskPlan | undefined) {
    this.#ground = ground;
    this.#ledger = ledger;
    this.#planOf = planOf;
  }

  /** The code of an attempt begins. `isTimeUncertain`: leases may have ended too soon. */
  begins(note: AttemptNote, isTimeUncertain: boolean): void {
    const concurrency = this.#planOf(note.task)?.limits?.concurrency;
    if (concurrency === undefined || concurrency === null || isTimeUncertain) return;
    const { timeoutMs = 0 } = this.#planOf(note.task) ?? {};
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
    if (going.length > concurrency.limit)
      this.#ground.violate(
        INVARIANT,
        `${going.length} attempts of ${note.task} (${key ?? "no key"}) run at once, ${concurrency.limit} may: ${going
          .map((other) => `${other.runId} ${placeName(other.task, other.item)} ${other.attempt}`)
          .join(", ")}`,
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
