/**
 * Authenticates callers of the API and checks their rights. The first authenticator of
 * `AUTHENTICATORS` that a request addresses decides. If none is configured, the API refuses every
 * request.
 */
import type { Context, MiddlewareHandler } from "hono";
import { NOBODY } from "../../domain/audit-entry.ts";
import { auditCounted } from "../middleware/audit.ts";
import type { RunId } from "../../domain/ids.ts";
import { hasRight, mayTriggerTask, SCOPES_OF, type Right } from "../../domain/scope.ts";
import { IdentityUnreachableError } from "../../objects/identity/identity-client.ts";
import { accessAuthenticator } from "./cloudflare-access.ts";
import { refusal, unauthorized, type Authenticator, type Refusal } from "./authenticator.ts";
import type { Caller, HttpEnv } from "../http-env.ts";
import { limitFailures } from "./failure-limit.ts";
import { problemResponse } from "../problem.ts";
import { sessionAuthenticator } from "./session.ts";
import { tokenAuthenticator, isTokenTooShort } from "./api-tokens.ts";
import { log } from "../../platform/log.ts";

/** Tried in this order: an explicit token takes precedence over a header that a proxy added. */
const AUTHENTICATORS: readonly Authenticator[] = [
  tokenAuthenticator,
  sessionAuthenticator,
  accessAuthenticator,
];

/**
 * Middleware that refuses unauthenticated requests, and sets `caller` for the handlers.
 *
 * ```ts
 * app.use("/api/v1/*", authenticate);
 * app.get("/api/v1/me", (c) => c.json(actorOf(c.get("caller"))));
 * ```
 */
export const authenticate: MiddlewareHandler<HttpEnv> = async function authenticate(c, next) {
  const identified = await identify(c);
  if ("problem" in identified) {
    const refusal = problemResponse(c, identified.problem, identified.headers);
    auditCounted(c, { who: NOBODY, what: "authenticate", on: "", status: refusal.status });
    return refusal;
  }
  c.set("caller", identified);
  await next();
  return undefined;
};

/**
 * Identifies the caller. Refuses with `unauthorized`, or with `rate_limited` for an address that
 * keeps failing.
 */
export async function identify(c: Context<HttpEnv>): Promise<Caller | Refusal> {
  try {
    for (const authenticator of AUTHENTICATORS) {
      const identified = await authenticator.identify(c);
      if (identified === null) continue;
      return "problem" in identified ? await limitFailures(c, identified) : identified;
    }
  } catch (error) {
    if (!(error instanceof IdentityUnreachableError)) throw error;
    log("warn", "nobody can be identified", { error });
    return UNREACHABLE;
  }
  if (await isTokenTooShort(c.env)) return limitFailures(c, ONLY_TOO_SHORT);
  const isAnyConfigured = AUTHENTICATORS.some((authenticator) => authenticator.isConfigured(c.env));
  return limitFailures(c, isAnyConfigured ? WITHOUT_TOKEN : NOBODY_ALLOWED);
}

/** Refuses with `forbidden` if the caller lacks the right; null if the call may proceed. */
export function refuseWithout(right: Right, caller: Caller): Refusal | null {
  if (hasRight(caller.scopes, right)) return null;
  return forbidden(caller, "this call", right);
}

/**
 * Refuses with `forbidden` if the caller may not trigger each of these tasks; null if it may. A
 * null in `tasks` stands for any task, which a scope `trigger:TASK` does not cover.
 */
export function refuseToTrigger(tasks: readonly (string | null)[], caller: Caller): Refusal | null {
  const refused = tasks.find((task) => !mayTriggerTask(caller.scopes, task));
  if (refused === undefined) return null;
  return forbidden(
    caller,
    refused === null ? "to trigger whatever there is" : `to trigger "${refused}"`,
    "trigger",
  );
}

/** Refuses a run that another caller started. */
export function forbiddenRun(runId: RunId, caller: Caller): Refusal {
  const { problem, headers } = forbidden(
    caller,
    `to read the run ${runId}, which another has started`,
    "read",
  );
  return {
    problem: {
      ...problem,
      hint: `${problem.hint} \`trigger\` reads the runs that the token itself has started.`,
    },
    headers,
  };
}

/** Builds the refusal, with the scopes that the caller has and those that the call needs. */
function forbidden({ kind, name, scopes }: Caller, what: string, right: Right): Refusal {
  const [has, needs] = [scopes, SCOPES_OF[right]].map((list) =>
    list.map((scope) => `\`${scope}\``),
  );
  const who = kind === "token" ? `The token "${name}"` : `"${name}"`;
  return {
    problem: {
      code: "forbidden",
      detail: `${who} has the scope ${has?.join(" and ") || "of nothing"}, which does not allow ${what}.`,
      hint: `Use a token with the scope ${needs?.join(" or ")}.`,
    },
    headers: { "WWW-Authenticate": 'Bearer realm="peach", error="insufficient_scope"' },
  };
}

const NOBODY_ALLOWED = unauthorized(
  "No API token is configured, so the API refuses everyone.",
  "Set the secret PEACH_API_TOKEN (`wrangler secret put PEACH_API_TOKEN`; locally a line in .dev.vars), or PEACH_API_TOKENS.",
);

/** Safe to reveal: an attacker gains nothing from a token that is refused. */
const ONLY_TOO_SHORT = unauthorized(
  "The request has no API token; the one in PEACH_API_TOKEN is refused, for it has fewer than 24 characters.",
  "Set a longer PEACH_API_TOKEN, such as `openssl rand -hex 24` prints.",
);

/**
 * Answered while the identity object is unreachable. A caller identified a moment ago is refused
 * too: a deleted token must end within five seconds.
 */
const UNREACHABLE = refusal({
  code: "unavailable",
  detail: "It cannot be found out now who the request is from.",
  hint: "Ask again in a moment. PEACH_API_TOKEN and PEACH_API_TOKENS are understood all the same.",
});

const WITHOUT_TOKEN = unauthorized(
  "The request has no API token.",
  "Send the header `Authorization: Bearer TOKEN`.",
);
