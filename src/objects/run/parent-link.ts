/**
 * Has the run that triggered this one know it as its child. The attempt that triggered it says so when it settles; one that dies before
 * that says nothing, and then a cancellation with children would miss this run. So the child tells the parent itself, by its first alarm
 * or when it is final, and its alarm is not set to the end of its retention before the parent has answered.
 *
 * A run that goes on records the answer, so that no later life asks again. A final one need not: its alarm says it.
 */
import type { Run } from "../../domain/run/state.ts";
import type { RunSurroundings } from "./run-host.ts";

/** The parent is told at the latest so long after the accept; in vain, again when the run is twice as old each time. Milliseconds. */
const FIRST_MS = 30_000;

/** The parent of a run that is so old, and cannot be told, is left alone. Milliseconds. */
const GIVEN_UP_MS = 86_400_000;

type Around = Pick<RunSurroundings, "now" | "tellParent" | "parentNotTold">;

export class ParentLink {
  readonly #around: Around;
  /** Records that the parent knows the run. */
  readonly #record: (run: Run) => void;
  /** The parent has answered in this life, or is not asked any more. */
  #isOver = false;
  #telling: Promise<void> | null = null;

  constructor(around: Around, record: (run: Run) => void) {
    this.#around = around;
    this.#record = record;
  }

  /** When the parent is told if no other alarm comes first; Infinity: it knows the run, or there is none. Epoch milliseconds. */
  dueAt(run: Run): number {
    if (!this.#isOwed(run)) return Number.POSITIVE_INFINITY;
    const age = Math.max(0, this.#around.now() - run.createdAt);
    const doublings = Math.max(0, Math.floor(Math.log2(age / FIRST_MS)) + 1);
    return run.createdAt + FIRST_MS * 2 ** doublings;
  }

  /** Tells the parent, unless it knows the run. Never rejects: what was in vain is repeated by the alarm. */
  tell(run: Run): Promise<void> {
    if (!this.#isOwed(run)) return Promise.resolve();
    return (this.#telling ??= this.#tellNow(run).finally(() => {
      this.#telling = null;
    }));
  }

  #isOwed({ origin, parentKnows }: Run): boolean {
    return origin.parent?.isChild === true && !parentKnows && !this.#isOver;
  }

  async #tellNow(run: Run): Promise<void> {
    const { id: runId, origin, graph, createdAt } = run;
    const task = graph.tasks[0]?.name ?? "";
    if (origin.parent === null) return;
    try {
      await this.#around.tellParent(origin.parent.runId, { runId, task });
    } catch (error) {
      const isLast = this.#around.now() - createdAt >= GIVEN_UP_MS;
      this.#around.parentNotTold(error, isLast);
      if (!isLast) return;
    }
    this.#isOver = true;
    if (run.finishedAt === null) this.#record(run);
  }
}
