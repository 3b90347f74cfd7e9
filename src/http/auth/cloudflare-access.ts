/**
 * Authenticates by Cloudflare Access, which signs in people and services in front of the worker and
 * sends a JWT with each request. This file verifies the JWT (RS256, issuer, audience, expiry)
 * against the team's keys. The keys are cached, and fetched again when they are old or lack the key
 * of a JWT. PEACH_ACCESS_SCOPES maps identities to scopes; an identity without an entry may do
 * nothing.
 *
 * A person is signed in by a cookie of Access, and Access makes the same JWT from it. Browsers send
 * the cookie whichever site asks, so a JWT of a person is open to request forgery. Therefore
 * changes, and WebSockets (the same-origin policy does not cover them), are accepted from browsers
 * only for pages of this origin. Service tokens, and JWTs that a program sends, are sent on purpose
 * and need no such check.
 */
import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from "jose";
import { refusal, unauthorized, type Authenticator, type Refusal } from "./authenticator.ts";
import type { Context } from "hono";
import { getCookie } from "hono/cookie";
import { parseScope, type Scope } from "../../domain/scope.ts";
import type { Caller, HttpEnv } from "../http-env.ts";
import { hasDashboardHeader, isSafeMethod, requestOriginOf } from "./request-origin.ts";
import { log } from "../../platform/log.ts";

const HEADER = "Cf-Access-Jwt-Assertion";
/** The cookie of Access. Access passes it on to the worker. */
const COOKIE = "CF_Authorization";
/** Allowed difference between the clocks of Access and the worker. */
const CLOCK_TOLERANCE_SECONDS = 10;

/**
 * Key sets by issuer; the library caches each for ten minutes. An isolate serves one deployment, so
 * there is one entry.
 */
const keysOf = new Map<string, JWTVerifyGetKey>();

/** Authenticates by the JWT in the header that Access adds. */
export const accessAuthenticator: Authenticator = {
  isConfigured: ({ PEACH_ACCESS_TEAM_DOMAIN, PEACH_ACCESS_AUD }) =>
    (PEACH_ACCESS_TEAM_DOMAIN ?? "") !== "" && (PEACH_ACCESS_AUD ?? "") !== "",
  async identify(c) {
    const token = c.req.header(HEADER);
    // Without Access in front, any client could have made up the header.
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

/** Checks whether another site may have made a browser send this request, and would gain by it. */
function isForgeable(c: Context<HttpEnv>): boolean {
  if (isSafeMethod(c) && c.req.header("Upgrade") === undefined) return false;
  const origin = requestOriginOf(c);
  // Old browsers send neither header: with the cookie of Access, assume a browser.
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

/**
 * Maps the JWT to a caller. A person is named by the email address, a service by the client id of
 * its token.
 */
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

/**
 * Returns the scope of the first matching entry: the identity itself, `*@domain`, or `*`; null
 * without a match. A malformed entry matches nothing.
 */
function scopeOf(name: string, rules: string): Scope | null {
  for (const rule of listOf(rules)) {
    const [, identity = "", word = ""] = /^(.+?):((?:trigger:)?[^:]+)$/.exec(rule) ?? [];
    const scope = parseScope(word);
    if (scope !== null && fits(identity.toLowerCase(), name)) return scope;
  }
  return null;
}

/** Matches `*`, `*@domain` or an exact identity; both sides are lower case. */
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

/** Distinguishes an invalid JWT (401) from keys that cannot be fetched now (503). */
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
  log("warn", "the keys of Cloudflare Access cannot be read", { error });
  return refusal({
    code: "unavailable",
    detail: "The keys of Cloudflare Access cannot be read now.",
    hint: "Try again in a moment. If it stays, compare PEACH_ACCESS_TEAM_DOMAIN with the domain of your team.",
  });
}

function withoutScope(name: string): Refusal {
  return refusal({
    code: "forbidden",
    detail: `Cloudflare Access knows "${name}", but PEACH_ACCESS_SCOPES gives no scope to them.`,
    hint: "Add `identity:scope` to PEACH_ACCESS_SCOPES, such as `ada@example.org:admin` or `*@example.org:read`.",
  });
}

const FORGEABLE = refusal({
  code: "forbidden",
  detail:
    "A browser that is signed in by Cloudflare Access changes things for pages of this origin only.",
  hint: "Programs send a token of the API, a service token of Access, or `cf-access-token` without cookies.",
});

const NAMELESS = unauthorized(
  "The JWT of Cloudflare Access names nobody.",
  "It must have the claim `email`, or `common_name` for a service token.",
  ', error="invalid_token"',
);
