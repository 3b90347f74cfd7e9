/**
 * Which page a browser sends a request for. Cookies come with requests that any site makes a browser send, so whoever is known by one
 * may be made to do what they never meant; but a page can neither forge nor leave out what the browser says of it.
 */
import type { Context } from "hono";
import type { HttpEnv } from "../http-env.ts";

/**
 * `own`: a page of this origin; `other`: of another one; `typed`: none, the address was typed in or opened from a bookmark; `unsaid`: it is
 * no browser, or one that says nothing with this request.
 */
export type RequestOrigin = "same-origin" | "cross-origin" | "none" | "unknown";

const SAFE_METHODS = ["GET", "HEAD"];
/** The header that every changing request of the dashboard has: no form, no link and no page of another origin can send it. */
const DASHBOARD_HEADER = "X-Peach-Dashboard";

/** By `Sec-Fetch-Site`, and by `Origin` where a browser does not send that. */
export function requestOriginOf(c: Context<HttpEnv>): RequestOrigin {
  const site = c.req.header("Sec-Fetch-Site");
  if (site !== undefined) return site === "same-origin" || site === "none" ? site : "cross-origin";
  const origin = c.req.header("Origin");
  if (origin === undefined) return "unknown";
  return origin === new URL(c.req.url).origin ? "same-origin" : "cross-origin";
}

/** Whether the request changes nothing, by its method. */
export function isSafeMethod(c: Context<HttpEnv>): boolean {
  return SAFE_METHODS.includes(c.req.method);
}

/** Whether the request says that it is the dashboard's. */
export function hasDashboardHeader(c: Context<HttpEnv>): boolean {
  return c.req.header(DASHBOARD_HEADER) !== undefined;
}
