/**
 * Who calls the API, and what they may do. There are several ways of saying who one is (`AUTHENTICATORS`); the first that a request
 * uses decides. Without any that is configured the API refuses everyone.
 */
import type { Context, MiddlewareHandler } from "hono";
import { auditOften, NOBODY } from "./audit.ts";
import { byAccess } from "./access.ts";
import { unauthorized, type Authenticator, type Refusal } from "./authenticator.ts";
import { SCOPES, type Caller, type HttpEnv, type Scope } from "./http-env.ts";
import { limitFailures } from "./auth-failures.ts";
import { problemResponse } from "./problem.ts";
import { bySession } from "./session.ts";
import { byToken } from "./tokens.ts";

/** What a call does, as far as rights go. */
export type Right = "read_run" | "list" | "trigger" | "change";

const RIGHTS: Readonly<Record<Scope, readonly Right[]>> = {
  read: ["read_run", "list"],
  trigger: ["read_run", "trigger"],
  admin: ["read_run", "list", "trigger", "change"],
};

/** In the order in which they are asked: a token that was sent on purpose goes before what a proxy has added. */
const AUTHENTICATORS: readonly Authenticator[] = [byToken, bySession, byAccess];

/** Lets through only who is known, and notes the caller. */
export const authenticate: MiddlewareHandler<HttpEnv> = async function authenticate(c, next) {
  const identified = await identify(c);
  if ("problem" in identified) {
    const refusal = problemResponse(c, identified.problem, identified.headers);
    auditOften(c, { who: NOBODY, what: "authenticate", on: "", status: refusal.status });
    return refusal;
  }
  c.set("caller", identified);
  await next();
  return undefined;
};

/** Who the request is from, or why that is not known: `unauthorized`, or `rate_limited` for an address that tries on and on. */
export async function identify(c: Context<HttpEnv>): Promise<Caller | Refusal> {
  for (const authenticator of AUTHENTICATORS) {
    const identified = await authenticator.identify(c);
    if (identified === null) continue;
    return "problem" in identified ? limitFailures(c, identified) : identified;
  }
  const isAnyConfigured = AUTHENTICATORS.some((authenticator) => authenticator.isConfigured(c.env));
  return limitFailures(c, isAnyConfigured ? WITHOUT_TOKEN : NOBODY_ALLOWED);
}

/** The refusal `forbidden` if the caller has not this right. */
export function refuseWithout(right: Right, { name, scope }: Caller): Refusal | null {
  if (RIGHTS[scope].includes(right)) return null;
  return {
    problem: {
      code: "forbidden",
      detail: `The token "${name}" has the scope \`${scope}\`, which does not allow this call.`,
      hint: `Use a token with the scope ${scopesOf(right)
        .map((scope) => `\`${scope}\``)
        .join(" or ")}.`,
    },
    headers: { "WWW-Authenticate": 'Bearer realm="peach", error="insufficient_scope"' },
  };
}

/** The scopes that have this right. */
export function scopesOf(right: Right): readonly Scope[] {
  return SCOPES.filter((scope) => RIGHTS[scope].includes(right));
}

const NOBODY_ALLOWED = unauthorized(
  "No API token is configured, so the API refuses everyone.",
  "Set the secret PEACH_API_TOKEN (`wrangler secret put PEACH_API_TOKEN`; locally a line in .dev.vars), or PEACH_API_TOKENS.",
);

const WITHOUT_TOKEN = unauthorized("The request has no API token.", "Send the header `Authorization: Bearer TOKEN`.");
