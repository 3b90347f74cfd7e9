/**
 * Manages the dashboard's sessions: a cookie in exchange for a token. This file owns the cookie and
 * the protection against request forgery. Rights are not part of the session: each request looks up
 * the current rights of the token.
 *
 * A session ends after 7 days, after 12 hours without use, by log-out or `DELETE /sessions/{id}`,
 * and together with its token.
 *
 * Three measures prevent request forgery: the cookie is SameSite=Strict; requests of other origins
 * are refused by `Sec-Fetch-Site` (or `Origin` for browsers without it); and changes need a header
 * that no form and no link can send.
 */
import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { DashboardSession } from "../../domain/identity.ts";
import type { Problem } from "../../domain/problem.ts";
import {
  endSession,
  startSession as beginSession,
  useSession,
} from "../../objects/identity/sessions-client.ts";
import { addressOf } from "../client-address.ts";
import type { Authenticator } from "./authenticator.ts";
import type { HttpEnv } from "../http-env.ts";
import { hasDashboardHeader, isSafeMethod, requestOriginOf } from "./request-origin.ts";
import { tokenOfSession, type Token } from "./api-tokens.ts";

/** A valid session and its token. */
export interface Session extends Pick<DashboardSession, "id" | "expiresAt"> {
  readonly token: Token;
}

/**
 * Names of the cookie over https and http. A browser accepts `__Host-` cookies from this very host
 * only, and over https only.
 */
export const SESSION_COOKIES = ["__Host-peach_session", "peach_session"] as const;

/**
 * Authenticates by the session cookie, for the API only. An endpoint with `auth: token` expects a
 * token.
 */
export const sessionAuthenticator: Authenticator = {
  // Sessions are made from tokens: a deployment without tokens has none.
  isConfigured: () => false,
  async identify(c) {
    if (!c.req.path.startsWith("/api/v1/")) return null;
    const session = await readSession(c);
    if (session === null) return null;
    const problem = refuseForged(c);
    if (problem !== null) return { problem, headers: {} };
    const { token, id } = session;
    return { ...token, credential: { ...token.credential, session: id } };
  },
};

/**
 * Returns the session of the request's cookie; null if there is none. Rejects if the identity
 * object is unreachable.
 */
export async function readSession(c: Context<HttpEnv>): Promise<Session | null> {
  // A request without cookies skips the lookup.
  const cookie = c.req.header("Cookie") === undefined ? undefined : getCookie(c, cookieName(c));
  const session = cookie === undefined ? null : await useSession(c.env, cookie);
  if (session === null) return null;
  const token = await tokenOfSession(c.env, session.token, session.tokenId);
  return token === null ? null : { id: session.id, expiresAt: session.expiresAt, token };
}

/**
 * Opens a session for this token and sets the cookie. Rejects if the identity object is
 * unreachable.
 */
export async function startSession(c: Context<HttpEnv>, token: Token): Promise<Session> {
  const tokenId = await token.identity();
  const begun = await beginSession(c.env, { token: token.name, tokenId, address: addressOf(c) });
  const { id, createdAt, expiresAt } = begun.session;
  setCookie(c, cookieName(c), begun.cookie, {
    ...cookieOptions(c),
    maxAge: (expiresAt - createdAt) / 1_000,
  });
  return { id, expiresAt, token };
}

/**
 * Ends the session in all isolates and deletes the cookie. Returns the session; null if there was
 * none.
 */
export async function logOut(c: Context<HttpEnv>): Promise<Session | null> {
  const session = await readSession(c);
  deleteCookie(c, cookieName(c), cookieOptions(c));
  if (session !== null) await endSession(c.env, session.id);
  return session;
}

/**
 * Refuses a request that another site may have made the browser send; null if the request is safe.
 */
export function refuseForged(c: Context<HttpEnv>): Problem | null {
  const origin = requestOriginOf(c);
  if (
    isSafeMethod(c) ? origin !== "cross-origin" : origin === "same-origin" && hasDashboardHeader(c)
  )
    return null;
  return {
    code: "forbidden",
    detail: "The session of the dashboard is only for requests of the dashboard itself.",
    hint: "Programs send `Authorization: Bearer TOKEN` instead of the cookie.",
  };
}

function isSecure(c: Context<HttpEnv>): boolean {
  return new URL(c.req.url).protocol === "https:";
}

function cookieName(c: Context<HttpEnv>): string {
  const [secure, plain] = SESSION_COOKIES;
  return isSecure(c) ? secure : plain;
}

/**
 * Attributes of the cookie. `Secure` is left out over http, where browsers would drop the cookie.
 */
function cookieOptions(c: Context<HttpEnv>): {
  readonly path: string;
  readonly httpOnly: boolean;
  readonly sameSite: "Strict";
  readonly secure: boolean;
} {
  return { path: "/", httpOnly: true, sameSite: "Strict", secure: isSecure(c) };
}
