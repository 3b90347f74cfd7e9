/**
 * The dashboard's sessions: a cookie that a token was exchanged for. Owns the cookie and the rule that no other site can act
 * through it; what its bearer may do is the token's scope, read anew from the configuration with each request.
 *
 * Against forged requests: the cookie is SameSite=Strict, a request of another origin is refused by `Sec-Fetch-Site` (or `Origin`,
 * where a browser does not send that), and what changes something needs a header that no form and no link can send.
 */
import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { Problem } from "../core/result.ts";
import type { Authenticator } from "./authenticator.ts";
import type { HttpEnv } from "./http-env.ts";
import { hasOwnHeader, isSafe, senderOf } from "./sender.ts";
import { signGrant, verifyGrant } from "./signed-grant.ts";
import { configuredTokens, type Token } from "./tokens.ts";

/** Who is logged in, and until when. */
export interface Session {
  readonly token: Token;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

const LIFETIME_MS = 12 * 3_600_000;
const RENEWED_BELOW_MS = LIFETIME_MS / 2;

/** By the session's cookie, for the API only: an endpoint that asks for a token means a token. */
export const bySession: Authenticator = {
  // A session is had by a token: where none is configured there are none.
  isConfigured: () => false,
  async identify(c) {
    if (!c.req.path.startsWith("/api/v1/")) return null;
    const session = await readSession(c);
    if (session === null) return null;
    const problem = refuseForged(c);
    return problem === null ? session.token : { problem, headers: {} };
  },
};

/** The session of the request's cookie, or null. */
export async function readSession(c: Context<HttpEnv>): Promise<Session | null> {
  // Whoever brings a token pays nothing for the sessions of others.
  const text = c.req.header("Cookie") === undefined ? undefined : getCookie(c, cookieName(c));
  if (text === undefined) return null;
  let session: Session | null = null;
  for (const token of await configuredTokens(c.env)) {
    const grant = await verifyGrant(text, token.digest, "session", Date.now());
    if (grant !== null) session ??= { token, expiresAt: grant.expiresAt };
  }
  return session;
}

/** Gives the browser a session of this token. */
export async function startSession(c: Context<HttpEnv>, token: Token): Promise<Session> {
  const expiresAt = Date.now() + LIFETIME_MS;
  setCookie(c, cookieName(c), await signGrant(token.digest, "session", expiresAt), {
    ...cookieOptions(c),
    maxAge: LIFETIME_MS / 1_000,
  });
  return { token, expiresAt };
}

/** The session, with a new cookie if more than half of its time is over: who works with it stays logged in. */
export function renewSession(c: Context<HttpEnv>, session: Session): Promise<Session> | Session {
  return session.expiresAt - Date.now() > RENEWED_BELOW_MS ? session : startSession(c, session.token);
}

/** Takes the cookie back. */
export function endSession(c: Context<HttpEnv>): void {
  deleteCookie(c, cookieName(c), cookieOptions(c));
}

/** The refusal of a request that another site may have made the browser send. */
export function refuseForged(c: Context<HttpEnv>): Problem | null {
  const sender = senderOf(c);
  if (isSafe(c) ? sender !== "other" : sender === "own" && hasOwnHeader(c)) return null;
  return {
    code: "forbidden",
    detail: "The session of the dashboard is only for requests of the dashboard itself.",
    hint: "Programs send `Authorization: Bearer TOKEN` instead of the cookie.",
  };
}

function isSecure(c: Context<HttpEnv>): boolean {
  return new URL(c.req.url).protocol === "https:";
}

/** With `__Host-`, a browser takes it from nobody but this host, over https. */
function cookieName(c: Context<HttpEnv>): string {
  return isSecure(c) ? "__Host-peach_session" : "peach_session";
}

function cookieOptions(c: Context<HttpEnv>): {
  readonly path: string;
  readonly httpOnly: boolean;
  readonly sameSite: "Strict";
  readonly secure: boolean;
} {
  return { path: "/", httpOnly: true, sameSite: "Strict", secure: isSecure(c) };
}
