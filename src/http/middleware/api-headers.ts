/**
 * Response headers of the whole API: protection against browsers that sniff, frame or cache
 * answers, and CORS.
 */
import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import type { HttpEnv } from "../http-env.ts";

/**
 * Fixed headers. `sandbox` without permissions gives an answer opened in a tab an opaque origin.
 */
const HEADERS = {
  "X-Content-Type-Options": "nosniff",
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "X-Frame-Options": "DENY",
} as const;

/**
 * Middleware that forbids browsers to sniff, run, frame or cache an answer. Payloads and error
 * texts contain whatever their senders chose.
 *
 * ```ts
 * app.use("/api/v1/*", apiHeaders);
 * ```
 */
export const apiHeaders: MiddlewareHandler<HttpEnv> = async function apiHeaders(c, next) {
  await next();
  // A WebSocket's response must stay the object that it is, and no browser renders it.
  if (c.res.status === 101) return;
  for (const [name, value] of Object.entries(HEADERS)) c.header(name, value);
  if (new URL(c.req.url).protocol === "https:")
    c.header("Strict-Transport-Security", "max-age=31536000");
};

/**
 * Middleware that tells the server's time, which Cloudflare does and the local runtime does not.
 * The dashboard and the client correct their clocks by it.
 */
export const serverDate: MiddlewareHandler<HttpEnv> = async function serverDate(c, next) {
  await next();
  if (c.res.status !== 101) c.header("Date", new Date().toUTCString());
};

/** Lifetime of a cached preflight answer in a browser. */
const MAX_AGE_SECONDS = 600;

/**
 * Middleware that allows pages of PEACH_CORS_ORIGINS to call the API (comma separated origins, or
 * `*`). Without the variable only pages of the worker's own origin can. Cookies are never accepted
 * from other origins: the answer has no `Access-Control-Allow-Credentials`.
 *
 * ```ts
 * app.use("/api/v1/*", apiCors); // PEACH_CORS_ORIGINS=https://app.example.org
 * ```
 */
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
