/**
 * Separates the dashboard from the endpoints by host, if PEACH_CONSOLE_HOST is set.
 *
 * The console host serves the dashboard and the API, but no endpoints. The other hosts serve
 * endpoints and the API, but no dashboard. Session cookies and the JWT of Cloudflare Access only
 * count on the console host. So no page of an endpoint, whatever its policy, shares the dashboard's
 * origin. Tokens are sent on purpose by programs, and count on every host.
 */
import type { Context, MiddlewareHandler } from "hono";
import { HOST_HINT, parseHost } from "../../domain/console-host.ts";
import { ownPathOf } from "../../domain/plan/reserved-paths.ts";
import type { Problem } from "../../domain/problem.ts";
import type { HttpEnv } from "../http-env.ts";
import { problemResponse } from "../problem.ts";

/** Headers that a browser attaches by itself, whichever page sends the request. */
const BROWSER_CREDENTIALS = ["Cookie", "Cf-Access-Jwt-Assertion"] as const;

/**
 * Middleware that refuses requests on the wrong host, and strips browser credentials elsewhere.
 * Does nothing without the variable.
 *
 * ```ts
 * app.use(consoleBoundary); // PEACH_CONSOLE_HOST=console.example.org
 * ```
 */
export const consoleBoundary: MiddlewareHandler<HttpEnv> = async function consoleBoundary(c, next) {
  const configured = (c.env.PEACH_CONSOLE_HOST ?? "").trim();
  if (configured === "") return next();
  const host = parseHost(configured);
  const own = ownPathOf(c.req.path);
  // A trailing dot names the same host.
  const isConsole = new URL(c.req.url).hostname.replace(/\.$/, "") === host;
  if (isConsole) return own === null ? problemResponse(c, NO_ENDPOINTS) : next();
  if (own === "/dashboard" || (host === null && own === "/api/v1" && hasOnlyBrowserCredentials(c)))
    return problemResponse(c, host === null ? misconfigured(configured) : NO_DASHBOARD);
  if (own !== null) stripBrowserCredentials(c);
  await next();
  return undefined;
};

/** Checks for a cookie or a JWT of Access without a token beside it. */
function hasOnlyBrowserCredentials({ req }: Context<HttpEnv>): boolean {
  return (
    req.header("Authorization") === undefined &&
    BROWSER_CREDENTIALS.some((name) => req.header(name) !== undefined)
  );
}

/** Removes all credentials that a browser sends by itself, before the handlers see the request. */
function stripBrowserCredentials(c: Context<HttpEnv>): void {
  if (!BROWSER_CREDENTIALS.some((name) => c.req.header(name) !== undefined)) return;
  const headers = new Headers(c.req.raw.headers);
  for (const name of BROWSER_CREDENTIALS) headers.delete(name);
  c.req.raw = new Request(c.req.raw, { headers });
}

const NO_ENDPOINTS: Problem = {
  code: "not_found",
  detail: "There are no endpoints on this host.",
  hint: "It is the host of the dashboard (/dashboard); endpoints are on the other hosts of the deployment.",
};

const NO_DASHBOARD: Problem = {
  code: "not_found",
  detail: "There is no dashboard on this host.",
  hint: "It is on the host that PEACH_CONSOLE_HOST names.",
};

/** Answered if the variable holds no host name: no host could accept a session, so none does. */
function misconfigured(given: string): Problem {
  return {
    code: "misconfigured",
    detail: `PEACH_CONSOLE_HOST is no host: ${JSON.stringify(given.slice(0, 200))}.`,
    hint: HOST_HINT,
  };
}
