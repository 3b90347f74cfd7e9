import type { MiddlewareHandler } from "hono";
import type { HttpEnv } from "./http-env.ts";

const ACCEPTABLE = /^[\w.=-]{1,128}$/;

/**
 * Gives each request an id, the sender's `X-Request-Id` if it is presentable, and repeats it in the answer. (Hono's own sets
 * the header beforehand, which answers made by `new Response`, as endpoints do, do not take over.)
 */
export const requestId: MiddlewareHandler<HttpEnv> = async function requestId(c, next) {
  const given = c.req.header("X-Request-Id") ?? "";
  const id = ACCEPTABLE.test(given) ? given : crypto.randomUUID();
  c.set("requestId", id);
  await next();
  // A WebSocket's answer must stay the object that it is.
  if (c.res.status !== 101) c.header("X-Request-Id", id);
};
