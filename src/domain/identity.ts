/** What is kept of those who may come in. Times are epoch milliseconds. */
import type { SessionId } from "./ids.ts";
import type { Scope } from "./scope.ts";

/** An API token that was made by the API. */
export interface MadeToken {
  readonly name: string;
  /** The HMAC of its text, as hex: what it is found by. */
  readonly digest: string;
  readonly scopes: readonly Scope[];
  readonly createdAt: number;
  /** The name of the token that made it. */
  readonly createdBy: string;
  /** Null: never. */
  readonly expiresAt: number | null;
  /** To the minute; null: it was not used yet. */
  readonly usedAt: number | null;
}

/**
 * By what somebody was let in, for as long as they listen: it can be asked later whether they still are (`standing-client.ts`). Nothing of
 * it lets anybody in. A token of the configuration is not in it: it ends with a deploy, which ends what lasts as well. In JSON.
 */
export interface Credential {
  /** The digest of a token that was made; null: none was. */
  readonly madeToken: string | null;
  readonly session: SessionId | null;
  /** Epoch milliseconds: when what somebody else vouches for ends; null: nothing such. */
  readonly expiresAt: number | null;
}

/** A session of the dashboard. */
export interface DashboardSession {
  readonly id: SessionId;
  /** The name of the token that was logged in with, and which one it was: a later one of the same name is another. */
  readonly token: string;
  readonly tokenId: string;
  /** Where the browser was when it logged in. */
  readonly address: string;
  readonly createdAt: number;
  /** To the minute. */
  readonly seenAt: number;
  /** When it ends however much it is used. */
  readonly expiresAt: number;
}
