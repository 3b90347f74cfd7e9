/**
 * Collects the parts of a change besides task states. The builder decides nothing; `transition.ts`
 * and its callers do.
 */
import { deliveryStep, type OutboxEntry } from "./outbox-entry.ts";
import type { PayloadLimitKeys } from "../limits/limit.ts";
import type { PayloadRef } from "../payload.ts";
import type { ChildRun, Run } from "./state.ts";
import type { RunChange } from "./run-change.ts";
import type { FinalRun } from "./task-state.ts";
import type { StepRecord } from "./attempt.ts";
import type { Effect } from "./machine-events.ts";

type WaiterChange = Pick<
  RunChange,
  "waiters" | "notified" | "notification" | "foundBy" | "parentKnows"
>;

export class ChangeBuilder {
  readonly #run: Run;
  readonly #children: ChildRun[] = [];
  readonly #steps: (StepRecord & { readonly ordinal: number })[] = [];
  readonly #arrived: (FinalRun & { readonly ordinal: number })[] = [];
  #waiters: WaiterChange | null = null;
  #payload: PayloadRef | null = null;
  /** Outbox entries by id. A later transition about an entry replaces an earlier one. */
  readonly #entries = new Map<
    number,
    { readonly entry: OutboxEntry; readonly isDueNow: boolean }
  >();
  readonly #acknowledged: number[] = [];
  #cancelsChildren: boolean | null = null;
  #limitKeys: PayloadLimitKeys | null = null;
  #joined: NonNullable<RunChange["joined"]> | null = null;

  constructor(run: Run) {
    this.#run = run;
  }

  /** True if the change must be recorded even without a changed task. */
  get isWorthAChange(): boolean {
    return (
      this.#steps.length > 0 ||
      this.#arrived.length > 0 ||
      this.#waiters !== null ||
      this.#children.length > 0 ||
      this.#entries.size > 0 ||
      this.#acknowledged.length > 0 ||
      this.#cancelsChildren !== null
    );
  }

  /** Adds runs triggered by an attempt. Known children are ignored. */
  children(children: readonly ChildRun[]): void {
    const known = new Set([...this.#run.children, ...this.#children].map(({ runId }) => runId));
    for (const child of children) if (!known.has(child.runId)) this.#children.push(child);
  }

  /** Number of new children. */
  get newChildren(): number {
    return this.#children.length;
  }

  step(ordinal: number, step: StepRecord): void {
    this.#steps.push({ ordinal, ...step });
  }

  /** Records the end of an awaited run. */
  awaitedRunEnded(ordinal: number, run: FinalRun): void {
    this.#arrived.push({ ordinal, ...run });
  }

  /** Records waiting runs, acknowledgements, and the next notification. */
  waiters(waiters: WaiterChange): void {
    this.#waiters = waiters;
  }

  /** Enqueues an outbox entry for immediate delivery. */
  enqueue(entry: OutboxEntry): void {
    this.#entries.set(entry.id, { entry, isDueNow: true });
  }

  /** Updates an outbox entry without a delivery now. */
  update(entry: OutboxEntry): void {
    this.#entries.set(entry.id, { entry, isDueNow: false });
  }

  acknowledge(id: number): void {
    this.#acknowledged.push(id);
  }

  /** Sets whether runs triggered by this run are cancelled, including children found later. */
  cancelsChildren(does: boolean): void {
    this.#cancelsChildren = does;
  }

  /** Effects of the new outbox entries. */
  get effects(): Effect[] {
    return [...this.#entries.values()].flatMap(({ entry, isDueNow }): Effect[] =>
      isDueNow
        ? [{ type: deliveryStep(entry) === "deliver" ? "deliver" : "park", entry: entry }]
        : [],
    );
  }

  /** Replaces the payload of the trigger and its limit keys for the root task. */
  postponed({
    payload,
    limitKeys,
    joined,
  }: Pick<RunChange, "limitKeys" | "joined"> & { readonly payload: PayloadRef }): void {
    this.#payload = payload;
    this.#limitKeys = limitKeys ?? null;
    this.#joined = joined ?? null;
  }

  /** Returns the collected parts of the change. */
  record(): Partial<RunChange> {
    return {
      ...(this.#children.length > 0 && { children: this.#children }),
      ...(this.#payload !== null && { payload: this.#payload }),
      ...(this.#limitKeys !== null && { limitKeys: this.#limitKeys }),
      ...(this.#joined !== null && { joined: this.#joined }),
      ...(this.#steps.length > 0 && { steps: this.#steps }),
      ...(this.#arrived.length > 0 && { arrived: this.#arrived }),
      ...(this.#entries.size > 0 && {
        enqueued: Array.from(this.#entries.values(), ({ entry }) => entry),
      }),
      ...(this.#acknowledged.length > 0 && { acknowledged: this.#acknowledged }),
      ...(this.#cancelsChildren !== null && { cancelsChildren: this.#cancelsChildren }),
      ...this.#waiters,
    };
  }
}
