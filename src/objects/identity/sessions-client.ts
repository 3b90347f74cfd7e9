/**
 * Sessions of the dashboard. A cookie is `RANDOM.SEAL`: 128 random bits, and a MAC of them under
 * the deployment's key. The seal is checked first, so that a forged cookie costs no call; a digest
 * of the whole cookie then finds the session.
 *
 * Answers of the object are cached for five seconds: an ended session is over everywhere within
 * five seconds, and at once in the isolate that served the call. If the object cannot be reached,
 * calls reject with `IdentityUnreachableError`.
 */
import type { DashboardSession } from "../../domain/identity.ts";
import { sessionIdFromBytes, type SessionId } from "../../domain/ids.ts";
import { callIdentity, macOf } from "./identity-client.ts";

const KEPT_MS = 5_000;
const MAX_KEPT = 1_000;
const COOKIE = /^([\w-]{22})\.([\w-]{22})$/;

/** A cached answer of the object; null: no open session. */
interface Answer {
  readonly session: DashboardSession | null;
  readonly at: number;
}

/** Cached answers of this isolate; an isolate serves one deployment. */
const kept = new Map<SessionId, Answer>();
/** Cached answers without a use, apart: an answer from here would hide a use. */
const looked = new Map<SessionId, Answer>();

/** Starts a session. Returns the content of its cookie. */
export async function startSession(
  env: Env,
  of: Pick<DashboardSession, "token" | "tokenId" | "address">,
): Promise<{ readonly cookie: string; readonly session: DashboardSession }> {
  const random = textOf(crypto.getRandomValues(new Uint8Array(16)));
  const cookie = `${random}.${await sealOf(env, random)}`;
  const id = await idOf(env, cookie);
  return {
    cookie,
    session: await callIdentity(env, (identity) => identity.startSession({ ...of, id })),
  };
}

/** Returns the open session of this cookie, or null. */
export async function useSession(env: Env, cookie: string): Promise<DashboardSession | null> {
  const [, random, seal] = COOKIE.exec(cookie) ?? [];
  if (random === undefined || seal === undefined || !isEqual(await sealOf(env, random), seal))
    return null;
  const id = await idOf(env, cookie);
  const now = Date.now();
  const known = kept.get(id);
  if (known !== undefined && Math.abs(now - known.at) < KEPT_MS)
    return unlessOver(known.session, now);
  const session = await callIdentity(env, (identity) => identity.useSession(id));
  if (kept.size >= MAX_KEPT) kept.clear();
  kept.set(id, { session, at: now });
  return session;
}

/** Checks that the session of this id is open. Does not count as a use. */
export async function isSessionOpen(env: Env, id: SessionId): Promise<boolean> {
  const now = Date.now();
  const known = looked.get(id);
  if (known !== undefined && Math.abs(now - known.at) < KEPT_MS)
    return unlessOver(known.session, now) !== null;
  const session = await callIdentity(env, (identity) => identity.session(id));
  if (looked.size >= MAX_KEPT) looked.clear();
  looked.set(id, { session, at: now });
  return session !== null;
}

/** Ends a session everywhere; false if absent. */
export async function endSession(env: Env, id: SessionId): Promise<boolean> {
  const call = crypto.randomUUID();
  const ended = await callIdentity(env, (identity) => identity.endSession(id, call));
  kept.delete(id);
  looked.delete(id);
  return ended;
}

function unlessOver(session: DashboardSession | null, now: number): DashboardSession | null {
  return session !== null && session.expiresAt > now ? session : null;
}

async function sealOf(env: Env, random: string): Promise<string> {
  return textOf((await macOf(env, "session cookies", random)).subarray(0, 16));
}

async function idOf(env: Env, cookie: string): Promise<SessionId> {
  return sessionIdFromBytes(await macOf(env, "session ids", cookie));
}

function textOf(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** Compares in constant time. Both texts have 22 letters. */
function isEqual(one: string, other: string): boolean {
  const encoder = new TextEncoder();
  return crypto.subtle.timingSafeEqual(encoder.encode(one), encoder.encode(other));
}
