/**
 * Registers a child run with its parent. The parent's attempt reports its children when settling.
 * If the attempt dies first, the parent would not know the child, and a cancellation with children
 * would miss the run. The child therefore notifies the parent itself, at the first alarm or when
 * final. The alarm is not set to the end of retention before the parent has answered.
 *
 * An active run records the answer, so that no later life repeats the call. A final run need not:
 * its alarm time implies the answer.
 */
import type { Run } from "../../domain/run/state.ts";
import type { RunHost } from "./run-host.ts";

/**
 * Longest time after the accept until the parent is notified, in milliseconds. After a failure the
 * next attempt follows when the run is twice as old.
 */
const FIRST_MS = 30_000;

/** Age of a run after which an unreachable parent is given up. Milliseconds. */
const GIVEN_UP_MS = 86_400_000;

type Host = Pick<RunHost, "now" | "tellParent" | "parentNotTold">;

export class ParentLink {
  readonly #host: Host;
  /** Records that the parent knows the run. */
  readonly #record: (run: Run) => void;
  /** The parent has answered in this life, or was given up. */
  #isOver = false;
  #telling: Promise<void> | null = null;

  constructor(host: Host, record: (run: Run) => void) {
    this.#host = host;
    this.#record = record;
  }

  /** Returns the time of the next notification, epoch milliseconds; Infinity: not needed. */
  dueAt(run: Run): number {
    if (!this.#isOwed(run)) return Number.POSITIVE_INFINITY;
    const age = Math.max(0, this.#host.now() - run.createdAt);
    const doublings = Math.max(0, Math.floor(Math.log2(age / FIRST_MS)) + 1);
    return run.createdAt + FIRST_MS * 2 ** doublings;
  }

  /**
   * Notifies a parent that does not know the run. Never rejects: the alarm repeats a failed call.
   */
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
      await this.#host.tellParent(origin.parent.runId, { runId, task });
    } catch (error) {
      const isLast = this.#host.now() - createdAt >= GIVEN_UP_MS;
      this.#host.parentNotTold(error, isLast);
      if (!isLast) return;
    }
    this.#isOver = true;
    if (run.finishedAt === null) this.#record(run);
  }
}
