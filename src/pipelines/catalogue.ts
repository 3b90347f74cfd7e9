import programmes from "./catalogue.json" with { type: "json" };

/** A programme that can be recommended. */
export interface Programme {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly genre: string;
  /** BCP 47. */
  readonly language: string;
}

/**
 * The programmes to recommend from. A real catalogue would come from a search service or a
 * database; this example is bundled.
 */
export const catalogue: readonly Programme[] = programmes;
