/**
 * Errors of stores. A task's attempt that ends with one of them is tried again, or not, as the
 * class says. No message holds a password or a token.
 */
import type { DurationInput } from "../execution/author/api.ts";
import { NonRetryableError, RetryAfterError } from "../execution/author/errors.ts";

/** The stores of `peach/stores`. */
export type StoreName = "redis" | "influx" | "milvus" | "vectors";

/** A store that another attempt may reach: refused, timed out, closed, busy, or failing itself. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly store: StoreName;
  /**
   * `timeout`, `closed`, `unreachable`, the status of an HTTP answer, or the code of the store's
   * own error, such as `LOADING`.
   */
  readonly code: string;

  constructor(store: StoreName, code: string, message: string) {
    super(message);
    this.store = store;
    this.code = code;
  }
}

/** A store that refuses the call, and will again: the task fails at once. */
export class StoreRefusedError extends NonRetryableError {
  readonly store: StoreName;
  /** As in `StoreError`; also `not_configured` and `invalid`. */
  readonly code: string;

  constructor(store: StoreName, code: string, message: string) {
    super(message);
    this.store = store;
    this.code = code;
  }
}

/** A store that says when to come again: the next attempt starts then. */
export class StoreBusyError extends RetryAfterError {
  readonly store: StoreName;
  readonly code: string;

  constructor(store: StoreName, code: string, after: DurationInput, message: string) {
    super(after, message);
    this.store = store;
    this.code = code;
  }
}
