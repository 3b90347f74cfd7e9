import type { ComponentCounts } from "../../domain/recommendations/statistics.ts";

/** Counts of a component. */
export interface NamedCounts extends ComponentCounts {
  readonly component: string;
}

/** RPC of the object that keeps the counts of a recommendation endpoint. */
export interface RecommendationsRpc {
  /**
   * Adds counts. A repeated batch, by the id, changes nothing: a client repeats a call whose answer
   * was lost.
   */
  addCounts(batch: string, counts: readonly NamedCounts[]): Promise<void>;
  /** Returns the counts since this time (epoch milliseconds), in full hours; null: of all time. */
  readCounts(since: number | null): Promise<readonly NamedCounts[]>;
}
