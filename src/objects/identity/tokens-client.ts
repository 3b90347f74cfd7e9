/**
 * Created API tokens, as cached in this isolate. Tokens are few and change rarely, so all of them
 * are read, and cached for at most five seconds: a deleted token ends everywhere within five
 * seconds, and at once in the isolate that served the call. A text that is no token costs no call
 * of its own, however often it is sent.
 *
 * An unreachable object admits no caller on data older than five seconds: the call rejects with
 * `IdentityUnreachableError`. Tokens of the configuration need no object.
 */
import type { MadeToken } from "../../domain/identity.ts";
import { callIdentity, macOf } from "./identity-client.ts";
import { log } from "../../platform/log.ts";

const KEPT_MS = 5_000;
/** Interval of reported uses of a token. Milliseconds. */
const USE_TOLD_MS = 60_000;

/** Cached tokens of this isolate; an isolate serves one deployment. */
let kept: { readonly byDigest: ReadonlyMap<string, MadeToken>; readonly at: number } | null = null;
/** Time of the last reported use by token. */
const toldAt = new Map<string, number>();

/** Finds the created token with this text, expired or not; null without one. */
export async function findMadeToken(env: Env, text: string): Promise<MadeToken | null> {
  const digest = await madeTokenDigest(env, text);
  return (await keptTokens(env)).get(digest) ?? null;
}

/** Finds the created token with this digest, expired or not; null without one. */
export async function madeTokenOf(env: Env, digest: string): Promise<MadeToken | null> {
  return (await keptTokens(env)).get(digest) ?? null;
}

/** Checks that the token has expired. */
export function isExpired({ expiresAt }: MadeToken): boolean {
  return expiresAt !== null && expiresAt <= Date.now();
}

/**
 * Digest that finds a token. Without the deployment's key nobody can compute the digest, or try
 * tokens against a stored one. Hex.
 */
export async function madeTokenDigest(env: Env, text: string): Promise<string> {
  return (await macOf(env, "api tokens", text)).toHex();
}

/**
 * Reports a use of the token about once a minute. Never rejects: the next report follows a minute
 * later.
 */
export async function noteTokenUse(env: Env, { name }: MadeToken): Promise<void> {
  const now = Date.now();
  if (Math.abs(now - (toldAt.get(name) ?? Number.NEGATIVE_INFINITY)) < USE_TOLD_MS) return;
  toldAt.set(name, now);
  await callIdentity(env, (identity) => identity.tokenUsed(name)).catch((error: unknown) => {
    log("warn", "the use of a token is not noted", { token: name, error });
  });
}

/** Drops the cache after a change in this isolate. */
export function forgetKeptTokens(): void {
  kept = null;
  toldAt.clear();
}

async function keptTokens(env: Env): Promise<ReadonlyMap<string, MadeToken>> {
  const now = Date.now();
  if (kept !== null && Math.abs(now - kept.at) < KEPT_MS) return kept.byDigest;
  const tokens = await callIdentity(env, (identity) => identity.tokens());
  // As old as the question, which may have been answered at its beginning.
  kept = { byDigest: new Map(tokens.map((token) => [token.digest, token])), at: now };
  return kept.byDigest;
}
