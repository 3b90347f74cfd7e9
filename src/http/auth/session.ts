/**
 * The dashboard's sessions: a cookie that a token was exchanged for. Owns the cookie and the rule that no other site can act
 * through it; what its bearer may do is what the token may do, looked up anew with each request.
 *
 * A session ends after 7 days, after 12 hours without use, when it is ended (logging out, `DELETE /sessions/{id}`), and with its token.
 *
 * Against forged requests: the cookie is SameSite=Strict, a request of another origin is refused by `Sec-Fetch-Site` (or `Origin`,
 * where a browser does not send that), and what changes something needs a header that no form and no link can send.
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

/** Who is logged in, and until when. */
export interface Session extends Pick<DashboardSession, "id" | "expiresAt"> {
  readonly token: Token;
}

/** With `__Host-`, a browser takes it from nobody but this host, over https. */
export const SESSION_COOKIES = ["__Host-peach_session", "peach_session"] as const;

/** By the session's cookie, for the API only: an endpoint that asks for a token means a token. */
export const sessionAuthenticator: Authenticator = {
  // A session is had by a token: where none is configured there are none.
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

/** The session of the request's cookie, or null. Rejects when the identity object cannot be reached. */
export async function readSession(c: Context<HttpEnv>): Promise<Session | null> {
  // Whoever brings a token pays nothing for the sessions of others.
  const cookie = c.req.header("Cookie") === undefined ? undefined : getCookie(c, cookieName(c));
  const session = cookie === undefined ? null : await useSession(c.env, cookie);
  if (session === null) return null;
  const token = await tokenOfSession(c.env, session.token, session.tokenId);
  return token === null ? null : { id: session.id, expiresAt: session.expiresAt, token };
}

/** Gives the browser a session of this token. Rejects when the identity object cannot be reached. */
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

/** Ends the session of the request's cookie everywhere, and takes the cookie back. Returns the session; null: there was none. */
export async function logOut(c: Context<HttpEnv>): Promise<Session | null> {
  const session = await readSession(c);
  deleteCookie(c, cookieName(c), cookieOptions(c));
  if (session !== null) await endSession(c.env, session.id);
  return session;
}

/** The refusal of a request that another site may have made the browser send. */
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

function cookieOptions(c: Context<HttpEnv>): {
  readonly path: string;
  readonly httpOnly: boolean;
  readonly sameSite: "Strict";
  readonly secure: boolean;
} {
  return { path: "/", httpOnly: true, sameSite: "Strict", secure: isSecure(c) };
}
