import type { MiddlewareHandler } from "hono";
import type { HttpEnv } from "../http-env.ts";

/** Client ids that are recorded: 1 to 128 letters, digits and `_ . = -`. */
const ACCEPTABLE = /^[\w.=-]{1,128}$/;

/**
 * Middleware that gives each request an id, and repeats the id in the answer as `X-Request-Id`.
 *
 * The client's own `X-Request-Id` is only recorded in addition, if well-formed: with a chosen id, a
 * client could imitate another request. Hono's own middleware sets the header before the handler
 * runs; responses made by `new Response`, as in endpoints, would lose the header.
 *
 * ```ts
 * app.use(requestId);
 * app.get("/", (c) => c.text(c.get("requestId")));
 * ```
 */
export const requestId: MiddlewareHandler<HttpEnv> = async function requestId(c, next) {
  const given = c.req.header("X-Request-Id") ?? "";
  const id = crypto.randomUUID();
  c.set("requestId", id);
  c.set("clientRequestId", ACCEPTABLE.test(given) ? given : null);
  await next();
  // A WebSocket's response must stay the object that it is: setting a header would rebuild it.
  if (c.res.status !== 101) c.header("X-Request-Id", id);
};
