/** Who did what, as the audit keeps it. */

/** Something that somebody did, or tried to do. */
export interface AuditEntry {
  /** Epoch milliseconds; of like ones that are counted together, the first. */
  readonly at: number;
  /** The token's name; of those who could not say who they are, `nobody`; of a completion URL, `completion URL`. */
  readonly who: string;
  /** The call, as OpenAPI names it, or `authenticate`, `logIn`, `logOut`, `completeByUrl`, `callEndpoint`. */
  readonly what: string;
  /**
   * What it was about: the names and ids in the call's path, else its query. Of a token that is made its name and scopes; of a log-in
   * and a log-out the session.
   */
  readonly on: string;
  /** Of the answer. */
  readonly status: number;
  /** The address that it came from, or `MANY_ADDRESSES`. */
  readonly from: string;
  readonly requestId: string;
  /** What the sender called its request; null: nothing. */
  readonly clientRequestId: string | null;
  /** How many like ones this entry stands for. */
  readonly count: number;
  /** Epoch milliseconds: the last of the like ones. Not there: this is the only one, or it is of older code. */
  readonly lastAt?: number;
}

/** As `from` of an entry for like ones from several addresses; no address reads like this. */
export const MANY_ADDRESSES = "many addresses";

/** Newest first. */
export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  /** Given as `before`, it goes on from here; null at the end. A page may be empty and yet not be the last. */
  readonly next: number | null;
}

export interface AuditFilter {
  readonly who?: string | undefined;
  readonly what?: string | undefined;
  /** Epoch milliseconds. */
  readonly since?: number | undefined;
}
