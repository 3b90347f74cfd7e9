/**
 * Cloudflare Access in front of the worker: it signs in people and services, and sends a JWT with each request. That is verified here
 * (RS256, issuer, audience, expiry) against the keys of the team, which are kept and fetched again when they are old or do not have
 * the key of a token. PEACH_ACCESS_SCOPES says what each identity may do; who is not in it may do nothing.
 *
 * A person is signed in by a cookie of Access, which a browser sends whichever site asks it to, and Access makes the same JWT of it. So what
 * changes something, and a WebSocket, which no same-origin policy holds back, is taken from browsers only for pages of this origin. A
 * service token is sent on purpose, as is a JWT by a program: neither says what a browser does.
 */
import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from "jose";
import { unauthorized, type Authenticator, type Refusal } from "./authenticator.ts";
import type { Context } from "hono";
import { getCookie } from "hono/cookie";
import { parseScope, type Scope } from "../../domain/scope.ts";
import type { Caller, HttpEnv } from "../http-env.ts";
import { hasDashboardHeader, isSafeMethod, requestOriginOf } from "./request-origin.ts";

const HEADER = "Cf-Access-Jwt-Assertion";
/** Access's own cookie, which it lets through. */
const COOKIE = "CF_Authorization";
const CLOCK_TOLERANCE_SECONDS = 10;

/** The keys of a team, by its domain: the library keeps them for ten minutes. One isolate serves one deployment, so there is one. */
const keysOf = new Map<string, JWTVerifyGetKey>();

/** By the JWT that Access puts on a request. */
export const accessAuthenticator: Authenticator = {
  isConfigured: ({ PEACH_ACCESS_TEAM_DOMAIN, PEACH_ACCESS_AUD }) =>
    (PEACH_ACCESS_TEAM_DOMAIN ?? "") !== "" && (PEACH_ACCESS_AUD ?? "") !== "",
  async identify(c) {
    const token = c.req.header(HEADER);
    // Where nothing is said about Access, anybody may have made the header up, and it means nothing.
    if (token === undefined || !accessAuthenticator.isConfigured(c.env)) return null;
    const { PEACH_ACCESS_TEAM_DOMAIN: domain = "", PEACH_ACCESS_AUD: audience = "" } = c.env;
    const issuer = `https://${domain.replace(/^https:\/\//, "").replace(/\/+$/, "")}`;
    try {
      const { payload } = await jwtVerify(token, keysAt(issuer), {
        issuer,
        audience: listOf(audience),
        algorithms: ["RS256"],
        requiredClaims: ["exp"],
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
      });
      if (payload["email"] !== undefined && isForgeable(c)) return FORGEABLE;
      return callerOf(payload, c.env.PEACH_ACCESS_SCOPES ?? "");
    } catch (error) {
      return refusalOf(error);
    }
  },
};

/** Whether another site may have made a browser send this, and gain by it. */
function isForgeable(c: Context<HttpEnv>): boolean {
  if (isSafeMethod(c) && c.req.header("Upgrade") === undefined) return false;
  const origin = requestOriginOf(c);
  // With the cookie it may be a browser that is too old to say.
  if (origin === "unknown") return getCookie(c, COOKIE) !== undefined && !hasDashboardHeader(c);
  return origin !== "same-origin";
}

function keysAt(issuer: string): JWTVerifyGetKey {
  const known = keysOf.get(issuer);
  if (known !== undefined) return known;
  const keys = createRemoteJWKSet(new URL(`${issuer}/cdn-cgi/access/certs`));
  keysOf.set(issuer, keys);
  return keys;
}

/** A person is called by an address, a service by the client id of its token. */
function callerOf(payload: JWTPayload, rules: string): Caller | Refusal {
  const { email, common_name: service, exp = 0 } = payload;
  const name = [email, service].find((claim) => typeof claim === "string" && claim !== "");
  if (typeof name !== "string") return NAMELESS;
  const scope = scopeOf(name.toLowerCase(), rules);
  if (scope === null) return withoutScope(name);
  const credential = {
    madeToken: null,
    session: null,
    expiresAt: (exp + CLOCK_TOLERANCE_SECONDS) * 1_000,
  };
  return { kind: "access", name, scopes: [scope], credential };
}

/** The scope of the first entry that fits: the identity itself, `*@domain`, or `*`. An entry that cannot be read fits nobody. */
function scopeOf(name: string, rules: string): Scope | null {
  for (const rule of listOf(rules)) {
    const [, identity = "", word = ""] = /^(.+?):((?:trigger:)?[^:]+)$/.exec(rule) ?? [];
    const scope = parseScope(word);
    if (scope !== null && fits(identity.toLowerCase(), name)) return scope;
  }
  return null;
}

function fits(identity: string, name: string): boolean {
  if (identity.startsWith("*@")) return name.endsWith(identity.slice(1));
  return identity === "*" || identity === name;
}

function listOf(text: string): string[] {
  return text
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
}

/** Told apart: a token that is no good, and keys that cannot be had just now. */
function refusalOf(error: unknown): Refusal {
  const isToken =
    error instanceof errors.JOSEError &&
    !(error instanceof errors.JWKSTimeout) &&
    error.code !== "ERR_JOSE_GENERIC";
  if (isToken) {
    const detail = `The JWT of Cloudflare Access is not accepted (${error.code}).`;
    return unauthorized(
      detail,
      "Sign in again; its audience is set by PEACH_ACCESS_AUD.",
      ', error="invalid_token"',
    );
  }
  console.warn(
    JSON.stringify({
      message: "the keys of Cloudflare Access cannot be read",
      error: String(error),
    }),
  );
  return {
    problem: {
      code: "unavailable",
      detail: "The keys of Cloudflare Access cannot be read now.",
      hint: "Try again in a moment. If it stays, compare PEACH_ACCESS_TEAM_DOMAIN with the domain of your team.",
    },
    headers: {},
  };
}

function withoutScope(name: string): Refusal {
  return {
    problem: {
      code: "forbidden",
      detail: `Cloudflare Access knows "${name}", but PEACH_ACCESS_SCOPES gives no scope to them.`,
      hint: "Add `identity:scope` to PEACH_ACCESS_SCOPES, such as `ada@example.org:admin` or `*@example.org:read`.",
    },
    headers: {},
  };
}

const FORGEABLE: Refusal = {
  problem: {
    code: "forbidden",
    detail:
      "A browser that is signed in by Cloudflare Access changes things for pages of this origin only.",
    hint: "Programs send a token of the API, a service token of Access, or `cf-access-token` without cookies.",
  },
  headers: {},
};

const NAMELESS = unauthorized(
  "The JWT of Cloudflare Access names nobody.",
  "It must have the claim `email`, or `common_name` for a service token.",
  ', error="invalid_token"',
);
