/** Names for hints: the most similar name, and a list of readable length. */
import { nearest } from "../domain/nearest.ts";

/** Limit of names in a list. */
const MAX_LISTED = 30;
/** Limit of compared names over all hints. A file of unknown names only has a different fault. */
const MAX_COMPARED = 1_000_000;

/** The names of one kind in a project. */
export class KnownNames {
  readonly #names: readonly string[];
  #compared = 0;

  constructor(names: Iterable<string>) {
    this.#names = [...names];
  }

  /** Finds the most similar name; null without a close name. */
  nearest(given: string): string | null {
    if (this.#compared > MAX_COMPARED) return null;
    this.#compared += this.#names.length;
    return nearest(given, this.#names);
  }

  /** Lists the first names, and counts further names. */
  list(): string {
    const left = this.#names.length - MAX_LISTED;
    const shown = this.#names.slice(0, MAX_LISTED).join(", ");
    return left > 0 ? `${shown} and ${left} more` : shown;
  }
}
