/**
 * Items of `each` tasks that a driver claims in advance: as many as the driver is likely to finish
 * within `CYCLE_MS`, judged by the speed of the last items. Ten thousand short items then cost
 * about fifty calls of the run object, while long items are left to further drivers. Items without
 * a start after a while are given back: something is slower than expected, and another driver may
 * be free.
 */
import type { Lease } from "../../objects/run/lease-rpc.ts";
import type { Settlement } from "../../objects/run/settlement-rpc.ts";

const CYCLE_MS = 500;
const MOST_ITEMS = 250;
/** The largest growth of the backlog from one settle to the next, as a factor. */
const GROWTH = 4;
/**
 * The interval at which a driver with waiting items settles ended ones, even if others are running.
 * Milliseconds.
 */
export const TICK_MS = 100;
/** Ticks that an item may wait. */
const PATIENCE = 20;
/** Payload bytes of one settle: an RPC message may hold 32 MiB. */
const SETTLE_BYTES = 4_000_000;

export class ItemBacklog {
  /** Tasks running side by side. */
  readonly #width: number;
  readonly #waiting: Lease[] = [];
  #size: number;
  /** The driver's remaining time when counting of ended items began. */
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

  /** True if the latest leases are many short items, for which waiting a millisecond pays. */
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

  /** Counts an ended attempt. Returns true if it is time to settle. */
  noteEnd({ item }: Lease, { outcome }: Settlement): boolean {
    if (item !== undefined) this.#ended += 1;
    if (outcome.type === "succeeded" && outcome.output.at === "inline")
      this.#endedBytes += outcome.output.size;
    return this.isEmpty || this.#endedBytes >= SETTLE_BYTES;
  }

  /** Counts a tick while items wait. */
  tick(): void {
    this.#ticks += 1;
  }

  /** True if items have waited too long. */
  get isOverdue(): boolean {
    return this.#ticks >= PATIENCE && this.#waiting.length > 0;
  }

  /** Removes overdue items and settles them as lost, for any free driver to start. */
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

  /** The number of items to claim now; empty if tasks alone fill the driver. */
  wanted(holding: number, budgetMs: number): { readonly items?: number } {
    // Before any item is claimed in advance, a full width of items is measured together: the time
    // between two ends alone says little.
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
