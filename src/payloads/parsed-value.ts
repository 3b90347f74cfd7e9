/**
 * The parsed value of a received body, for the next reader: the schema of a typed task, of an
 * event, or of a completion. V8 holds ten megabytes of JSON with one letter beyond Latin-1 as
 * forty, text and value together, so that a second parse must be avoided.
 *
 * The value can be taken once. Its reader may change or keep the value, and no value stays in
 * memory beside the bytes while the bytes are stored.
 */
export class ParsedValue {
  #held: { readonly value: unknown } | null;

  constructor(value: unknown) {
    this.#held = { value };
  }

  /** Takes the value; null after the first take or a drop. */
  take(): { readonly value: unknown } | null {
    const held = this.#held;
    this.#held = null;
    return held;
  }

  /** Drops a value without readers. */
  drop(): void {
    this.#held = null;
  }
}
