/** What one decision records beside the states of tasks. It decides nothing: `decision.ts` does, and who is given that. */
import type { PayloadLimitKeys } from "./limit.ts";
import type { PayloadRef } from "./payload-ref.ts";
import type { ChildRun, Owed, Run, RunChange, StepRecord } from "./run.ts";
import type { Effect } from "./run-event.ts";
import { tellNow } from "./telling.ts";

type Watching = Pick<RunChange, "watchers" | "told" | "telling">;

export class ChangeNotes {
  readonly #run: Run;
  readonly #children: ChildRun[] = [];
  readonly #steps: (StepRecord & { readonly ordinal: number })[] = [];
  #watching: Watching | null = null;
  #payload: PayloadRef | null = null;
  readonly #owes: Owed[] = [];
  readonly #paid: number[] = [];
  #cancelsChildren: boolean | null = null;
  #limitKeys: PayloadLimitKeys | null = null;

  constructor(run: Run) {
    this.#run = run;
  }

  /** Whether there is something that must be recorded, also if no task changes. */
  get isWorthAChange(): boolean {
    return (
      this.#steps.length > 0 ||
      this.#watching !== null ||
      this.#children.length > 0 ||
      this.#owes.length > 0 ||
      this.#paid.length > 0 ||
      this.#cancelsChildren !== null
    );
  }

  /** Runs that an attempt has triggered; those that are known already change nothing. */
  children(children: readonly ChildRun[]): void {
    const known = new Set([...this.#run.children, ...this.#children].map(({ runId }) => runId));
    this.#children.push(...children.filter(({ runId }) => !known.has(runId)));
  }

  step(ordinal: number, step: StepRecord): void {
    this.#steps.push({ ordinal, ...step });
  }

  /** Who is to be told that the run is final, who was, and when again. */
  watch(watching: Watching): void {
    this.#watching = watching;
  }

  /** The run becomes final: its watchers are told. */
  finish(now: number): Effect[] {
    if (this.#run.watchers.length === 0) return [];
    const { effect, telling } = tellNow(this.#run, now);
    this.#watching = { telling };
    return [effect];
  }

  /** It is to be paid now. */
  owe(owed: Owed): void {
    this.#owes.push(owed);
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
    return this.#owes.map((owed) => ({ type: "pay", owed }));
  }

  /** The payload that takes the place of the trigger's, and what it says about the limits of the root task. */
  payload(payload: PayloadRef, limitKeys: PayloadLimitKeys | null): void {
    this.#payload = payload;
    this.#limitKeys = limitKeys;
  }

  /** All of it, as a part of the change. */
  record(): Partial<RunChange> {
    return {
      ...(this.#children.length > 0 && { children: this.#children }),
      ...(this.#payload !== null && { payload: this.#payload }),
      ...(this.#limitKeys !== null && { limitKeys: this.#limitKeys }),
      ...(this.#steps.length > 0 && { steps: this.#steps }),
      ...(this.#owes.length > 0 && { owes: this.#owes }),
      ...(this.#paid.length > 0 && { paid: this.#paid }),
      ...(this.#cancelsChildren !== null && { cancelsChildren: this.#cancelsChildren }),
      ...this.#watching,
    };
  }
}
