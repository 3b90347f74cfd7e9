/**
 * PEACH_CONSOLE_HOST: the host on which people are logged in, apart from those on which endpoints answer. On it there are no endpoints, and
 * elsewhere no dashboard; cookies of the session and what Cloudflare Access says of a browser count on it alone. So no page of an endpoint, with
 * whatever policy, has the origin of the dashboard. Tokens, which programs send on purpose, are taken on every host.
 */
import type { Context, MiddlewareHandler } from "hono";
import { HOST_HINT, parseHost } from "../../domain/console-host.ts";
import { ownPathOf } from "../../domain/plan/reserved-paths.ts";
import type { Problem } from "../../domain/problem.ts";
import type { HttpEnv } from "../http-env.ts";
import { problemResponse } from "../problem.ts";

/** What a browser sends by itself, whichever page asks. */
const BROWSER_CREDENTIALS = ["Cookie", "Cf-Access-Jwt-Assertion"] as const;

/** Refuses what is on the wrong host; without the variable nothing is. */
export const consoleBoundary: MiddlewareHandler<HttpEnv> = async function consoleBoundary(c, next) {
  const configured = (c.env.PEACH_CONSOLE_HOST ?? "").trim();
  if (configured === "") return next();
  const host = parseHost(configured);
  const own = ownPathOf(c.req.path);
  // A name with a dot at its end is the same host.
  const isConsole = new URL(c.req.url).hostname.replace(/\.$/, "") === host;
  if (isConsole) return own === null ? problemResponse(c, NO_ENDPOINTS) : next();
  if (own === "/dashboard" || (host === null && own === "/api/v1" && hasOnlyBrowserCredentials(c)))
    return problemResponse(c, host === null ? misconfigured(configured) : NO_DASHBOARD);
  if (own !== null) stripBrowserCredentials(c);
  await next();
  return undefined;
};

function hasOnlyBrowserCredentials({ req }: Context<HttpEnv>): boolean {
  return (
    req.header("Authorization") === undefined &&
    BROWSER_CREDENTIALS.some((name) => req.header(name) !== undefined)
  );
}

/** From here on the request has nothing that tells who is logged in. */
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

/** Who is logged in would be known nowhere, so nobody is let in by it. */
function misconfigured(given: string): Problem {
  return {
    code: "misconfigured",
    detail: `PEACH_CONSOLE_HOST is no host: ${JSON.stringify(given.slice(0, 200))}.`,
    hint: HOST_HINT,
  };
}
