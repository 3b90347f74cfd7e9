/**
 * Determines the page that made a browser send a request. Browsers attach cookies to requests of
 * any site, so a caller known by a cookie may be tricked into a change (CSRF). No page can forge or
 * remove the headers that name the origin.
 */
import type { Context } from "hono";
import type { HttpEnv } from "../http-env.ts";

/**
 * Origin of a request, in the words of Fetch metadata:
 *
 * - `same-origin`: a page of this origin.
 * - `cross-origin`: a page of any other origin, sites of the same domain included.
 * - `none`: no page; the user typed the address or opened a bookmark.
 * - `unknown`: no browser, or one that sends neither header.
 */
export type RequestOrigin = "same-origin" | "cross-origin" | "none" | "unknown";

const SAFE_METHODS = ["GET", "HEAD"];
/**
 * Header of every changing request of the dashboard. Forms, links and pages of other origins cannot
 * send it without a preflight request, which the worker does not grant.
 */
const DASHBOARD_HEADER = "X-Peach-Dashboard";

/** Reads `Sec-Fetch-Site`, or `Origin` for browsers that do not send it. */
export function requestOriginOf(c: Context<HttpEnv>): RequestOrigin {
  const site = c.req.header("Sec-Fetch-Site");
  if (site !== undefined) return site === "same-origin" || site === "none" ? site : "cross-origin";
  const origin = c.req.header("Origin");
  if (origin === undefined) return "unknown";
  return origin === new URL(c.req.url).origin ? "same-origin" : "cross-origin";
}

/** Checks for a method that changes nothing. */
export function isSafeMethod(c: Context<HttpEnv>): boolean {
  return SAFE_METHODS.includes(c.req.method);
}

/** Checks for the header that only the dashboard's own code sets. */
export function hasDashboardHeader(c: Context<HttpEnv>): boolean {
  return c.req.header(DASHBOARD_HEADER) !== undefined;
}
