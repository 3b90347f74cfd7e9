/**
 * The API tokens that were made, as this isolate knows them. They are few and change rarely, so all of them are read, and kept for five
 * seconds at most: a deleted token ends everywhere within that time, at once in the isolate that has served the call. A text that is no
 * token costs no call of its own, whoever sends it however often.
 *
 * If the object cannot be reached, nobody is let in by what was known five seconds ago: the call rejects with
 * `IdentityUnreachableError`. Tokens of the configuration need no object.
 */
import type { MadeToken } from "../../domain/identity.ts";
import { callIdentity, macOf } from "./identity-client.ts";

const KEPT_MS = 5_000;
/** Uses of a token are told to the object that seldom. Milliseconds. */
const USE_TOLD_MS = 60_000;

/** Of this isolate; one isolate serves one deployment. */
let kept: { readonly byDigest: ReadonlyMap<string, MadeToken>; readonly at: number } | null = null;
/** When the use of each was told last. */
const toldAt = new Map<string, number>();

/** The token with this text that was made and not deleted, expired or not; null if there is none. */
export async function findMadeToken(env: Env, text: string): Promise<MadeToken | null> {
  const digest = await madeTokenDigest(env, text);
  return (await keptTokens(env)).get(digest) ?? null;
}

/** The token with this digest, likewise. */
export async function madeTokenOf(env: Env, digest: string): Promise<MadeToken | null> {
  return (await keptTokens(env)).get(digest) ?? null;
}

/** Whether the time of the token is over. */
export function isExpired({ expiresAt }: MadeToken): boolean {
  return expiresAt !== null && expiresAt <= Date.now();
}

/** What a token is found by: nobody can compute it, or try tokens against it, without the deployment's key. Hex. */
export async function madeTokenDigest(env: Env, text: string): Promise<string> {
  return (await macOf(env, "api tokens", text)).toHex();
}

/** Tells that the token was used just now, about once a minute. Never rejects: a use that is not told is told a minute later. */
export async function noteTokenUse(env: Env, { name }: MadeToken): Promise<void> {
  const now = Date.now();
  if (Math.abs(now - (toldAt.get(name) ?? Number.NEGATIVE_INFINITY)) < USE_TOLD_MS) return;
  toldAt.set(name, now);
  await callIdentity(env, (identity) => identity.tokenUsed(name)).catch((error: unknown) => {
    console.warn(
      JSON.stringify({
        message: "the use of a token is not noted",
        token: name,
        error: String(error),
      }),
    );
  });
}

/** What was changed is known here at once. */
export function forgetKeptTokens(): void {
  kept = null;
  toldAt.clear();
}

async function keptTokens(env: Env): Promise<ReadonlyMap<string, MadeToken>> {
  const now = Date.now();
  if (kept !== null && Math.abs(now - kept.at) < KEPT_MS) return kept.byDigest;
  const tokens = await callIdentity(env, (identity) => identity.tokens());
  // As old as the question: it may have been answered at its beginning.
  kept = { byDigest: new Map(tokens.map((token) => [token.digest, token])), at: now };
  return kept.byDigest;
}
