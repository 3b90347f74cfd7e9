/** `/openapi.json`: what the API is, for programs. */
import { Hono } from "hono";
import { handle } from "../handle.ts";
import type { HttpEnv } from "../http-env.ts";
import { openApiDocument } from "../openapi.ts";
import { OPERATIONS } from "../operations.ts";
import { readOpenApi } from "../operations/description.ts";

/** The route below /api/v1. */
export function descriptionRoutes(): Hono<HttpEnv> {
  let made: string | null = null;
  const routes = new Hono<HttpEnv>();
  handle(routes, readOpenApi, (c) => {
    made ??= JSON.stringify(openApiDocument(OPERATIONS));
    return c.body(made, 200, { "Content-Type": "application/json" });
  });
  return routes;
}
