/**
 * Items of `each` tasks that a driver takes in advance: what it is likely to get done within `CYCLE_MS`, by how fast the last ones
 * were. So ten thousand short items cost some fifty calls of the run object, and long ones are left to other drivers. What it has
 * not begun after a while it gives back: something is slower than it seemed, and others may be free.
 */
import type { Lease, Settlement } from "../../objects/run/run-rpc.ts";

const CYCLE_MS = 500;
const MOST_ITEMS = 250;
/** From one settle to the next it may become so many times as many. */
const GROWTH = 4;
/** How often a driver that has items waiting settles what has ended, even if others go on. */
export const TICK_MS = 100;
/** So many ticks an item waits. */
const PATIENCE = 20;
/** Payload bytes of one settle: an RPC message may hold 32 MiB. */
const SETTLE_BYTES = 4_000_000;

export class ItemBacklog {
  /** How many tasks run side by side. */
  readonly #width: number;
  readonly #waiting: Lease[] = [];
  #size: number;
  /** What was left of the driver's time when it began to count those that have ended. */
  #measuredSinceMs: number | null = null;
  #ended = 0;
  #endedBytes = 0;
  #ticks = 0;
  #tookMany = false;

  constructor(width: number) {
    this.#width = width;
    this.#size = width;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Whether the leases taken last are so many short items that it pays to wait a millisecond for the last of them. */
  get tookMany(): boolean {
    return this.#tookMany;
  }

  take(leases: readonly Lease[]): void {
    if (this.isEmpty) this.#ticks = 0;
    this.#waiting.push(...leases);
    this.#tookMany = leases.length > this.#width;
  }

  next(): Lease | undefined {
    return this.#waiting.shift();
  }

  /** An attempt has ended. Says whether it is time to settle. */
  noteEnd({ item }: Lease, { outcome }: Settlement): boolean {
    if (item !== undefined) this.#ended += 1;
    if (outcome.type === "succeeded" && outcome.output.at === "inline")
      this.#endedBytes += outcome.output.size;
    return this.isEmpty || this.#endedBytes >= SETTLE_BYTES;
  }

  /** A tick has passed while items wait. */
  tick(): void {
    this.#ticks += 1;
  }

  /** Whether something has waited too long. */
  get isOverdue(): boolean {
    return this.#ticks >= PATIENCE && this.#waiting.length > 0;
  }

  /** What has waited too long, as lost: it is started again by whoever is free. */
  giveBack(): Settlement[] {
    if (!this.isOverdue) return [];
    this.#size = this.#width;
    const error = {
      name: "NotStartedError",
      message: "the driver that had it was busy, and gave it back",
      stack: null,
    };
    return this.#waiting.splice(0).map(({ ordinal, attempt, token }) => ({
      ordinal,
      attempt,
      token,
      outcome: { type: "lost", to: "surroundings", error },
      children: [],
      logs: [],
      logsDropped: 0,
    }));
  }

  /** How many items the driver would take now, if that is more than tasks. */
  wanted(holding: number, budgetMs: number): { readonly items?: number } {
    // While none is taken in advance, as many as run side by side are measured together: the time between two ends says little.
    const isMeasured = this.#ended >= (this.#size > this.#width ? 1 : this.#width);
    if (isMeasured && this.#measuredSinceMs !== null) {
      const elapsedMs = Math.max(1, this.#measuredSinceMs - budgetMs);
      const most = Math.min(MOST_ITEMS, GROWTH * this.#ended);
      this.#size = Math.max(
        this.#width,
        Math.min(most, Math.floor((this.#ended * CYCLE_MS) / elapsedMs)),
      );
    }
    if (isMeasured || this.#ended === 0 || this.#measuredSinceMs === null) {
      this.#measuredSinceMs = budgetMs;
      this.#ended = 0;
    }
    this.#endedBytes = 0;
    return this.#size > this.#width ? { items: Math.max(0, this.#size - holding) } : {};
  }
}
