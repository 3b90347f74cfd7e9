/** Names for hints: the most similar one, and a list that stays readable in a large project. */
import { nearest } from "../domain/nearest.ts";

/** The most names that a hint lists. */
const MAX_LISTED = 30;
/**
 * The most names that are compared over all hints. A file with thousands of unknown names has
 * another fault than misspelt ones.
 */
const MAX_COMPARED = 1_000_000;

/** The names of one kind in a project. */
export class KnownNames {
  readonly #names: readonly string[];
  #compared = 0;

  constructor(names: Iterable<string>) {
    this.#names = [...names];
  }

  /** Finds the most similar name; null if none is close. */
  nearest(given: string): string | null {
    if (this.#compared > MAX_COMPARED) return null;
    this.#compared += this.#names.length;
    return nearest(given, this.#names);
  }

  /** Lists the names, the first of many. */
  list(): string {
    const left = this.#names.length - MAX_LISTED;
    const shown = this.#names.slice(0, MAX_LISTED).join(", ");
    return left > 0 ? `${shown} and ${left} more` : shown;
  }
}
