import type { MiddlewareHandler } from "hono";
import type { HttpEnv } from "../http-env.ts";

const ACCEPTABLE = /^[\w.=-]{1,128}$/;

/**
 * Gives each request an id of its own, and repeats it in the answer. What the sender calls it (`X-Request-Id`, if presentable) stands
 * beside it in log lines and in the audit: who could choose the id itself could make it seem that of another request. (Hono's own sets
 * the header beforehand, which answers made by `new Response`, as endpoints do, do not take over.)
 */
export const requestId: MiddlewareHandler<HttpEnv> = async function requestId(c, next) {
  const given = c.req.header("X-Request-Id") ?? "";
  const id = crypto.randomUUID();
  c.set("requestId", id);
  c.set("clientRequestId", ACCEPTABLE.test(given) ? given : null);
  await next();
  // A WebSocket's answer must stay the object that it is.
  if (c.res.status !== 101) c.header("X-Request-Id", id);
};
