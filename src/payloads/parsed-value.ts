/**
 * What a body was parsed to when it came in, for the one reader that needs the value next: the schema of a typed task, of an event, of a
 * completion. V8 holds ten megabytes of JSON with one letter beyond Latin-1 as forty, text and value together, so they are not parsed again.
 *
 * Taken once, and gone from here then: a reader may change or keep it, and while the bytes are stored nobody holds the value beside them.
 */
export class ParsedValue {
  #held: { readonly value: unknown } | null;

  constructor(value: unknown) {
    this.#held = { value };
  }

  /** The value; null: it was taken or dropped. */
  take(): { readonly value: unknown } | null {
    const held = this.#held;
    this.#held = null;
    return held;
  }

  /** Lets go of a value that nobody reads. */
  drop(): void {
    this.#held = null;
  }
}
