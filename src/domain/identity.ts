/**
 * Stored identities: API tokens, credentials and dashboard sessions. Times are epoch milliseconds.
 */
import type { SessionId } from "./ids.ts";
import type { Scope } from "./scope.ts";

/** An API token made through the API. */
export interface MadeToken {
  readonly name: string;
  /** HMAC of the token as hex; the lookup key. */
  readonly digest: string;
  readonly scopes: readonly Scope[];
  readonly createdAt: number;
  /** Name of the token used to make this token. */
  readonly createdBy: string;
  /** Expiry; null means never. */
  readonly expiresAt: number | null;
  /** Last use, rounded to a minute; null before the first use. */
  readonly usedAt: number | null;
}

/**
 * Proof of admission for a long-lived listener, as JSON. The listener's rights are checked again
 * later with this record (`standing-client.ts`); the record itself grants nothing. Tokens of the
 * configuration are absent: a deploy ends both the token and every open connection.
 */
export interface Credential {
  /** Digest of an API-made token; null otherwise. */
  readonly madeToken: string | null;
  readonly session: SessionId | null;
  /** Expiry of an external identity in epoch milliseconds; null if none is involved. */
  readonly expiresAt: number | null;
}

/** A session of the dashboard. */
export interface DashboardSession {
  readonly id: SessionId;
  /** Name and id of the token used at log-in. A later token of equal name has another id. */
  readonly token: string;
  readonly tokenId: string;
  /** Client address at log-in. */
  readonly address: string;
  readonly createdAt: number;
  /** Last use, rounded to a minute. */
  readonly seenAt: number;
  /** Absolute expiry, independent of use. */
  readonly expiresAt: number;
}
