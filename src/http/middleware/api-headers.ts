/** What the API says in headers, whatever it answers: for browsers, and to whom it lets them show it. */
import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import type { HttpEnv } from "../http-env.ts";

const HEADERS = {
  "X-Content-Type-Options": "nosniff",
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "X-Frame-Options": "DENY",
} as const;

/** Payloads and errors are whatever their senders made them: no browser is to guess, run, frame or keep them. */
export const apiHeaders: MiddlewareHandler<HttpEnv> = async function apiHeaders(c, next) {
  await next();
  // The answer to an upgrade is not for a browser to show, and is not to be made again.
  if (c.res.status === 101) return;
  for (const [name, value] of Object.entries(HEADERS)) c.header(name, value);
  if (new URL(c.req.url).protocol === "https:")
    c.header("Strict-Transport-Security", "max-age=31536000");
};

const MAX_AGE_SECONDS = 600;

/** Lets the pages of PEACH_CORS_ORIGINS call; without it, only those of this origin can. Cookies are never taken from other origins. */
export const apiCors: MiddlewareHandler<HttpEnv> = async function apiCors(c, next) {
  const origins = (c.env.PEACH_CORS_ORIGINS ?? "").split(",").map((origin) => origin.trim());
  if (origins.every((origin) => origin === "")) return next();
  return cors({
    origin: origins.includes("*") ? "*" : origins.filter((origin) => origin !== ""),
    allowMethods: ["GET", "HEAD", "POST", "DELETE"],
    allowHeaders: [
      "Authorization",
      "Content-Type",
      "Idempotency-Key",
      "Last-Event-ID",
      "Range",
      "Traceparent",
      "X-Peach-Source",
      "X-Request-Id",
    ],
    exposeHeaders: [
      "Accept-Ranges",
      "Content-Range",
      "ETag",
      "Retry-After",
      "WWW-Authenticate",
      "X-Request-Id",
    ],
    maxAge: MAX_AGE_SECONDS,
  })(c, next);
};
