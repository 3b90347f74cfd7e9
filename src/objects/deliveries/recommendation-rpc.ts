import type { ComponentCounts } from "../../domain/recommendations/statistics.ts";

/** Counts of a component. */
export interface NamedCounts extends ComponentCounts {
  readonly component: string;
}

/** RPC of the object that keeps the counts of a recommendation endpoint. */
export interface RecommendationsRpc {
  /**
   * Adds counts. The same batch, by its id, changes nothing as long as the object remembers it: a
   * call is repeated when its answer was lost.
   */
  addCounts(batch: string, counts: readonly NamedCounts[]): Promise<void>;
  /** Returns the counts since this time (epoch milliseconds), in full hours; null: of all time. */
  readCounts(since: number | null): Promise<readonly NamedCounts[]>;
}
