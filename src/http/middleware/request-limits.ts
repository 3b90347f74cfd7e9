/**
 * Rejects API requests whose url or headers are larger than any call needs, before other code reads
 * them.
 */
import type { MiddlewareHandler } from "hono";
import type { HttpEnv } from "../http-env.ts";
import { problemResponse } from "../problem.ts";

/** Length of the url, in characters. */
const MAX_URL_LETTERS = 8_192;
/** Names and values of all headers together, in characters. The platform's own limit is 128 KB. */
const MAX_HEADER_LETTERS = 65_536;

/**
 * Middleware that answers 414 for a long url and 431 for large headers.
 *
 * ```ts
 * app.use("/api/v1/*", limitRequest);
 * ```
 */
export const limitRequest: MiddlewareHandler<HttpEnv> = async function limitRequest(c, next) {
  if (c.req.url.length > MAX_URL_LETTERS) {
    return problemResponse(c, {
      code: "uri_too_long",
      detail: `The address of the request has more than ${MAX_URL_LETTERS} characters.`,
      hint: "Send less in the query.",
    });
  }
  let letters = 0;
  for (const [name, value] of c.req.raw.headers) letters += name.length + value.length;
  if (letters > MAX_HEADER_LETTERS) {
    return problemResponse(c, {
      code: "headers_too_large",
      detail: `The headers of the request have more than ${MAX_HEADER_LETTERS} characters.`,
      hint: "Send fewer or shorter ones; data belongs into the body.",
    });
  }
  await next();
  return undefined;
};
