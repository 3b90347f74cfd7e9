/** What requests that trigger have in common: how large their body is, and may be. */
import type { Context } from "hono";
import type { HttpEnv } from "./http-env.ts";

/** The largest object that R2 holds; the platform's limit for a request's body is lower. */
export const MAX_PAYLOAD_BYTES = 5 * 1024 ** 4;

/** The length of the body as declared, or null. Bytes. */
export function contentLength(c: Context<HttpEnv>): number | null {
  const header = c.req.header("Content-Length");
  return header === undefined ? null : Number(header);
}
