/** What is answered where nothing is: 405 if the path is known with other methods, else 404 naming the nearest path. */
import { distance } from "fastest-levenshtein";
import type { Context, Hono, NotFoundHandler } from "hono";
import { ownPathOf } from "../domain/plan/reserved-paths.ts";
import { identify } from "./auth/authenticate.ts";
import type { Caller, HttpEnv } from "./http-env.ts";
import { problemResponse } from "./problem.ts";

interface Route {
  readonly method: string;
  readonly path: string;
}

/**
 * Looks among the routes that the app has when it is first needed. Which paths there are is told to who has a token, and on the local
 * runtime: urls of endpoints may be all that their senders know.
 */
export function notFound(app: Hono<HttpEnv>, isLocal: boolean): NotFoundHandler<HttpEnv> {
  return async (c) => {
    const path = c.req.path;
    // Middleware has a wildcard; the routes of local development are nobody's nearest.
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

const ELSEWHERE = "Endpoints are at the urls that peach.conf gives them, the API is under /api/v1.";

/** Whether the request is from somebody who is known; guesses count as everywhere. */
async function isAuthenticated(c: Context<HttpEnv>): Promise<boolean> {
  // Below /api/v1 that was asked already.
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
  // No endpoint is where Peach's own paths are, though its url may fit there.
  if (ownPathOf(route.path) !== ownPathOf(path)) return false;
  // A slash at the end makes another path, although no part is any letter away.
  return (
    route.path.split("/").length === path.split("/").length && partsAway(route.path, path) === 0
  );
}

function nearestRoute(path: string, routes: readonly Route[]): Route | null {
  let best: Route | null = null;
  let bestAway = Math.ceil(path.length / 2);
  for (const route of routes) {
    const away = partsAway(route.path, path);
    if (away < bestAway) [best, bestAway] = [route, away];
  }
  return best;
}

/** How many letters apart, part by part; a `:param` takes any part that is not empty. */
function partsAway(pattern: string, path: string): number {
  const wanted = pattern.split("/");
  const given = path.split("/");
  let away = 0;
  for (let index = 0; index < Math.max(wanted.length, given.length); index++) {
    const part = given[index] ?? "";
    const want = wanted[index] ?? "";
    if (want === part || (want.startsWith(":") && part !== "")) continue;
    // A part that one of them does not have is worse than one that is misspelt.
    away += distance(want, part) + (want === "" || part === "" ? 1 : 0);
  }
  return away;
}
