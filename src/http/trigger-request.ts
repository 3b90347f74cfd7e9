/** What requests that trigger have in common: their idempotency key, and how large their body may be. */
import type { Context } from "hono";
import { ok, refuse, type Result } from "../core/result.ts";
import type { HttpEnv } from "./http-env.ts";

/** The largest object that R2 holds; the platform's limit for a request's body is lower. */
export const MAX_PAYLOAD_BYTES = 5 * 1024 ** 4;
const PRINTABLE_KEY = /^[\x20-\x7e]{1,255}$/;

/** The header Idempotency-Key, or null if there is none. */
export function readIdempotencyKey(c: Context<HttpEnv>): Result<string | null> {
  const key = c.req.header("Idempotency-Key") ?? null;
  if (key === null || PRINTABLE_KEY.test(key)) return ok(key);
  return refuse({
    code: "invalid_request",
    detail: `The header Idempotency-Key has ${key.length} characters, or one that is not printable ASCII.`,
    hint: "Send 1 to 255 printable ASCII characters, the same for each attempt at the same trigger.",
  });
}

/** The length of the body as declared, or null. Bytes. */
export function contentLength(c: Context<HttpEnv>): number | null {
  const header = c.req.header("Content-Length");
  return header === undefined ? null : Number(header);
}
