/**
 * On the local runtime: reads what nobody has read of a request's body before its answer is given, as the bundle of `wrangler dev` does.
 * There, an answer to a body that is still coming tears the connection now and then, and the client gets an error of the runtime in place
 * of, say, 413. On Cloudflare the edge sees to it.
 */
import type { MiddlewareHandler } from "hono";
import type { HttpEnv } from "../http-env.ts";

/** Keeps the answer back until the body has come. Whoever has begun to read it, and goes on behind the answer, is left alone. */
export const readUnreadBody: MiddlewareHandler<HttpEnv> = async function readUnreadBody(c, next) {
  await next();
  const { body } = c.req.raw;
  if (body === null || body.locked) return;
  // A client that goes away meanwhile has no use for the answer either.
  await body.pipeTo(new WritableStream()).catch(() => {});
};
