/**
 * Answers requests that no route matches: 405 if the path exists with other methods, else 404 with
 * a hint to the nearest path.
 */
import { distance } from "fastest-levenshtein";
import type { Context, Hono, NotFoundHandler } from "hono";
import { ownPathOf } from "../domain/plan/reserved-paths.ts";
import { identify } from "./auth/authenticate.ts";
import type { Caller, HttpEnv } from "./http-env.ts";
import { problemResponse } from "./problem.ts";

/** The two parts of a Hono route that matter here. */
interface Route {
  readonly method: string;
  readonly path: string;
}

/**
 * Creates the handler for unmatched requests. It reads the app's routes on first use, when all are
 * registered.
 *
 * Only authenticated callers and the local runtime get a hint to the nearest path. The url of an
 * endpoint without `auth` may be its only secret, and a hint would reveal it.
 */
export function notFound(app: Hono<HttpEnv>, isLocal: boolean): NotFoundHandler<HttpEnv> {
  return async (c) => {
    const path = c.req.path;
    // Skips middleware, which has wildcards, and the routes of local development.
    const routes = app.routes.filter(
      (route) => !route.path.includes("*") && !route.path.startsWith("/dev/"),
    );
    const methods = [
      ...new Set(routes.filter((route) => isAt(route, path)).map((route) => route.method)),
    ];
    if (methods.length > 0) {
      const allow = methods.includes("GET") ? [...methods, "HEAD"] : methods;
      return problemResponse(
        c,
        {
          code: "method_not_allowed",
          detail: `${path} does not take ${c.req.method}.`,
          hint: `Use ${methods.join(" or ")}.`,
        },
        { Allow: allow.join(", ") },
      );
    }
    return problemResponse(c, {
      code: "not_found",
      detail: `There is nothing at ${path}.`,
      hint: isLocal || (await isAuthenticated(c)) ? hintFor(path, routes) : ELSEWHERE,
    });
  };
}

/** Hint for callers who may not learn which paths exist. */
const ELSEWHERE = "Endpoints are at the urls that peach.conf gives them, the API is under /api/v1.";

/**
 * Checks whether the caller is authenticated. A failed attempt counts towards the failure limit, as
 * on every other path.
 */
async function isAuthenticated(c: Context<HttpEnv>): Promise<boolean> {
  // `authenticate` has already run below /api/v1.
  const known: Caller | undefined = c.get("caller");
  if (known !== undefined || c.req.header("Authorization") === undefined)
    return known !== undefined;
  return !("problem" in (await identify(c)));
}

function hintFor(path: string, routes: readonly Route[]): string {
  const meant = nearestRoute(path, routes);
  if (meant === null) return ELSEWHERE;
  const method = meant.method === "ALL" ? "" : `${meant.method} `;
  return `Did you mean ${method}${meant.path.replace(/:(\w+)/g, "{$1}")}?`;
}

function isAt(route: Route, path: string): boolean {
  // An endpoint's url may match one of Peach's own paths, but never serves it.
  if (ownPathOf(route.path) !== ownPathOf(path)) return false;
  // A trailing slash makes a different path, although no part differs in any letter.
  return (
    route.path.split("/").length === path.split("/").length && partsAway(route.path, path) === 0
  );
}

/**
 * Finds the route with the smallest distance; null if every route differs in half of its letters or
 * more.
 */
function nearestRoute(path: string, routes: readonly Route[]): Route | null {
  let best: Route | null = null;
  let bestAway = Math.ceil(path.length / 2);
  for (const route of routes) {
    const away = partsAway(route.path, path);
    if (away < bestAway) [best, bestAway] = [route, away];
  }
  return best;
}

/**
 * Sums the edit distance of the parts, in letters. A `:param` matches any part that is not empty.
 */
function partsAway(pattern: string, path: string): number {
  const wanted = pattern.split("/");
  const given = path.split("/");
  let away = 0;
  for (let index = 0; index < Math.max(wanted.length, given.length); index++) {
    const part = given[index] ?? "";
    const want = wanted[index] ?? "";
    if (want === part || (want.startsWith(":") && part !== "")) continue;
    // A missing part costs one more than a misspelt one.
    away += distance(want, part) + (want === "" || part === "" ? 1 : 0);
  }
  return away;
}
