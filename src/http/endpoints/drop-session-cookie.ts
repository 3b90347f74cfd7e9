/**
 * Endpoints may share the dashboard's host, so browsers send them its cookie too. No endpoint needs
 * it, and a method that logs its headers would leak the session.
 */
import type { MiddlewareHandler } from "hono";
import { ownPathOf } from "../../domain/plan/reserved-paths.ts";
import type { HttpEnv } from "../http-env.ts";
import { SESSION_COOKIES } from "../auth/session.ts";

/**
 * Middleware that removes session cookies from requests to endpoints. Other cookies stay.
 *
 * ```ts
 * app.use(dropSessionCookie);
 * ```
 */
export const dropSessionCookie: MiddlewareHandler<HttpEnv> = async function dropSessionCookie(
  c,
  next,
) {
  const cookies = c.req.header("Cookie")?.split(/; */) ?? [];
  const others = cookies.filter(
    (cookie) => !SESSION_COOKIES.some((name) => cookie.startsWith(`${name}=`)),
  );
  if (others.length < cookies.length && ownPathOf(c.req.path) === null) {
    const headers = new Headers(c.req.raw.headers);
    headers.delete("Cookie");
    if (others.length > 0) headers.set("Cookie", others.join("; "));
    c.req.raw = new Request(c.req.raw, { headers });
  }
  await next();
};
