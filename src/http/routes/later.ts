/** The calls of the API that this version does not answer yet. They are there so that a client learns so, and why. */
import { Hono } from "hono";
import { allow, type Right } from "../auth.ts";
import type { HttpEnv } from "../http-env.ts";
import { problemResponse } from "../problem.ts";

const NOTHING = "A later version has it.";

/** By method, path, right and what to do instead. */
export const LATER_CALLS: readonly (readonly [method: "GET" | "POST", path: string, right: Right, hint: string])[] = [
  ["POST", "/tasks/:task/pause", "change", NOTHING],
  ["POST", "/tasks/:task/resume", "change", NOTHING],
];

/** The routes below /api/v1. */
export function laterRoutes(): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  for (const [method, path, right, hint] of LATER_CALLS) {
    routes.on(method, path, allow(right), (c) =>
      problemResponse(c, {
        code: "not_available_yet",
        detail: `${method} /api/v1${path.replace(/:(\w+)/g, "{$1}")} is not available yet.`,
        hint,
      }),
    );
  }
  return routes;
}
