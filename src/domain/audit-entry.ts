/** Entries of the audit log: actor, action, object, and result. */

/** An action, or the attempt of an action. Equal entries may be counted together. */
export interface AuditEntry {
  /** Epoch milliseconds. For a counted entry, the time of the first occurrence. */
  readonly at: number;
  /** Token name; `nobody` without authentication; `completion URL` for a completion URL. */
  readonly who: string;
  /**
   * OpenAPI operation id, or `authenticate`, `logIn`, `logOut`, `completeByUrl`, `callEndpoint`.
   */
  readonly what: string;
  /**
   * Object of the action: names and ids of the path, or else the query. For a new token its name
   * and scopes; for log-in and log-out the session.
   */
  readonly on: string;
  /** HTTP status of the answer. */
  readonly status: number;
  /** Client address, or `MANY_ADDRESSES`. */
  readonly from: string;
  readonly requestId: string;
  /** Request id chosen by the sender; null if absent. */
  readonly clientRequestId: string | null;
  /** Number of equal entries counted here. */
  readonly count: number;
  /**
   * Epoch milliseconds of the last occurrence. Absent on a single entry, and on entries of older
   * code.
   */
  readonly lastAt?: number;
}

/** Value of `who` for callers that could not be authenticated. No token may have this name. */
export const NOBODY = "nobody";

/** Value of `from` for equal entries from several addresses; never a valid address. */
export const MANY_ADDRESSES = "many addresses";

/** A page of entries, newest first. */
export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  /**
   * Value of `before` for the next page; null at the end. An empty page may still have a next page.
   */
  readonly next: number | null;
}

export interface AuditFilter {
  readonly who?: string | undefined;
  readonly what?: string | undefined;
  /** Part of `on`, for example the id of a run. */
  readonly on?: string | undefined;
  /** Epoch milliseconds. */
  readonly since?: number | undefined;
}
