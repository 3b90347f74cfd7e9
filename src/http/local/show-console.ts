import type { MiddlewareHandler } from "hono";
import type { HttpEnv } from "../http-env.ts";

/**
 * Middleware that leads a browser from the address of the local runtime to the dashboard. Any other
 * caller, and an endpoint at `/`, are left alone.
 */
export const showConsole: MiddlewareHandler<HttpEnv> = async function showConsole(c, next) {
  await next();
  const isBrowser = c.req.header("Accept")?.includes("text/html") === true;
  if (c.req.path !== "/" || !isBrowser || c.res.status !== 404) return undefined;
  c.res = new Response(null, { status: 302, headers: { Location: "/dashboard" } });
  return undefined;
};
