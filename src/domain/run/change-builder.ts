/** What one decision records beside the states of tasks. It decides nothing: `decision.ts` does, and who is given that. */
import { stepOf } from "./outbox-end.ts";
import type { PayloadLimitKeys } from "../limits/limit.ts";
import type { PayloadRef } from "../payload.ts";
import type { ChildRun, FinalRun, Owed, Run, RunChange, StepRecord } from "./state.ts";
import type { Effect } from "./machine-events.ts";
import { tellNow } from "./waiters.ts";

type Watching = Pick<RunChange, "watchers" | "told" | "telling" | "foundBy" | "parentKnows">;

export class ChangeNotes {
  readonly #run: Run;
  readonly #children: ChildRun[] = [];
  readonly #steps: (StepRecord & { readonly ordinal: number })[] = [];
  readonly #arrived: (FinalRun & { readonly ordinal: number })[] = [];
  #watching: Watching | null = null;
  #payload: PayloadRef | null = null;
  /** By id: one debt is one entry, whatever was decided about it before. */
  readonly #owes = new Map<number, { readonly owed: Owed; readonly isPaidNow: boolean }>();
  readonly #paid: number[] = [];
  #cancelsChildren: boolean | null = null;
  #limitKeys: PayloadLimitKeys | null = null;
  #joined: NonNullable<RunChange["joined"]> | null = null;

  constructor(run: Run) {
    this.#run = run;
  }

  /** Whether there is something that must be recorded, also if no task changes. */
  get isWorthAChange(): boolean {
    return (
      this.#steps.length > 0 ||
      this.#arrived.length > 0 ||
      this.#watching !== null ||
      this.#children.length > 0 ||
      this.#owes.size > 0 ||
      this.#paid.length > 0 ||
      this.#cancelsChildren !== null
    );
  }

  /** Runs that an attempt has triggered; those that are known already change nothing. */
  children(children: readonly ChildRun[]): void {
    const known = new Set([...this.#run.children, ...this.#children].map(({ runId }) => runId));
    for (const child of children) if (!known.has(child.runId)) this.#children.push(child);
  }

  /** How many of them are new. */
  get newChildren(): number {
    return this.#children.length;
  }

  step(ordinal: number, step: StepRecord): void {
    this.#steps.push({ ordinal, ...step });
  }

  /** A run that this task awaits is final. */
  arrive(ordinal: number, run: FinalRun): void {
    this.#arrived.push({ ordinal, ...run });
  }

  /** Who is to be told that the run is final, who was, and when again. */
  watch(watching: Watching): void {
    this.#watching = watching;
  }

  /** The run becomes final: its watchers are told. */
  finish(now: number): Effect[] {
    if (this.#run.watchers.length === 0) return [];
    // This decision is what changes the revision.
    const { effect, telling } = tellNow(this.#run.watchers, this.#run.revision + 1, 0, now);
    this.#watching = { telling };
    return [effect];
  }

  /** It is to be paid now. */
  owe(owed: Owed): void {
    this.#owes.set(owed.id, { owed, isPaidNow: true });
  }

  /** It is to be paid at its time. */
  defer(owed: Owed): void {
    this.#owes.set(owed.id, { owed, isPaidNow: false });
  }

  pay(id: number): void {
    this.#paid.push(id);
  }

  /** Whether runs that the run has triggered are cancelled, also those that are known only later. */
  cancelsChildren(does: boolean): void {
    this.#cancelsChildren = does;
  }

  /** What follows from it. */
  get effects(): Effect[] {
    return [...this.#owes.values()].flatMap(({ owed, isPaidNow }): Effect[] =>
      isPaidNow ? [{ type: stepOf(owed) === "pay" ? "pay" : "park", owed }] : [],
    );
  }

  /** The payload that takes the place of the trigger's, and what it says about the limits of the root task. */
  postponed({
    payload,
    limitKeys,
    joined,
  }: Pick<RunChange, "limitKeys" | "joined"> & { readonly payload: PayloadRef }): void {
    this.#payload = payload;
    this.#limitKeys = limitKeys ?? null;
    this.#joined = joined ?? null;
  }

  /** All of it, as a part of the change. */
  record(): Partial<RunChange> {
    return {
      ...(this.#children.length > 0 && { children: this.#children }),
      ...(this.#payload !== null && { payload: this.#payload }),
      ...(this.#limitKeys !== null && { limitKeys: this.#limitKeys }),
      ...(this.#joined !== null && { joined: this.#joined }),
      ...(this.#steps.length > 0 && { steps: this.#steps }),
      ...(this.#arrived.length > 0 && { arrived: this.#arrived }),
      ...(this.#owes.size > 0 && { owes: Array.from(this.#owes.values(), ({ owed }) => owed) }),
      ...(this.#paid.length > 0 && { paid: this.#paid }),
      ...(this.#cancelsChildren !== null && { cancelsChildren: this.#cancelsChildren }),
      ...this.#watching,
    };
  }
}
