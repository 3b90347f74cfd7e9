/**
 * The sessions of the dashboard. A cookie is `RANDOM.SEAL`: 128 random bits, and a MAC of them under the deployment's key. The seal is
 * looked at first, so a made-up cookie asks nobody; the session is then found by a digest of the whole.
 *
 * What the object has said of a session is kept for five seconds: a session that was ended is over everywhere within that time, at once
 * in the isolate that has served the call. If the object cannot be reached, the calls reject with `IdentityUnreachableError`.
 */
import type { DashboardSession } from "../../domain/identity.ts";
import { sessionIdFromBytes, type SessionId } from "../../domain/ids.ts";
import { callIdentity, macOf } from "./identity-client.ts";

const KEPT_MS = 5_000;
const MAX_KEPT = 1_000;
const COOKIE = /^([\w-]{22})\.([\w-]{22})$/;

/** What the object has said, and when. Null: it is over. */
interface Answer {
  readonly session: DashboardSession | null;
  readonly at: number;
}

/** Of this isolate; one isolate serves one deployment. */
const kept = new Map<SessionId, Answer>();
/** What was only looked at, apart: a use that is answered by it would not be noted. */
const looked = new Map<SessionId, Answer>();

/** Begins a session, and gives what its cookie is to hold. */
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

/** The session of this cookie, or null if there is none, or it is over. */
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

/** Whether the session of this id is not over. Asking is not using it. */
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

/** Ends it everywhere. False: there is none of this id. */
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

/** In constant time. Both have 22 letters. */
function isEqual(one: string, other: string): boolean {
  const encoder = new TextEncoder();
  return crypto.subtle.timingSafeEqual(encoder.encode(one), encoder.encode(other));
}
