/**
 * Restricts the local runtime to this machine. It listens on 127.0.0.1 and stores objects without a
 * token, but any page that a developer visits can send requests there, and by DNS rebinding even
 * under its own host name. Browsers state the host (`Host`) and the page (`Origin`) of a request,
 * and no page can forge either.
 */
import type { MiddlewareHandler } from "hono";
import type { HttpEnv } from "../http-env.ts";
import { problemResponse } from "../problem.ts";

const LOOPBACK: ReadonlySet<string> = new Set(["127.0.0.1", "localhost", "[::1]"]);

/**
 * Middleware that answers 403 to other hosts, and to pages of other origins.
 *
 * ```ts
 * app.use(loopbackOnly);
 * // Host: evil.example → 403; Origin: http://localhost:3000 → passes
 * ```
 */
export const loopbackOnly: MiddlewareHandler<HttpEnv> = async function loopbackOnly(c, next) {
  const { hostname } = new URL(c.req.url);
  const origin = c.req.header("Origin");
  if (!LOOPBACK.has(hostname)) {
    return problemResponse(c, {
      code: "forbidden",
      detail: `The local runtime answers to 127.0.0.1, localhost and [::1] only, not to ${JSON.stringify(hostname)}.`,
      hint: "Open it by one of these names. A tunnel or proxy in front of it sends one as the Host: `cloudflared tunnel --http-host-header localhost`, `ngrok http --host-header=localhost`.",
    });
  }
  if (origin !== undefined && !isLoopback(origin)) {
    return problemResponse(c, {
      code: "forbidden",
      detail: `The local runtime answers no page of another origin (${JSON.stringify(origin.slice(0, 200))}).`,
      hint: "Serve the page from localhost. A page of an endpoint keeps its origin if the endpoint sets a Content-Security-Policy of its own.",
    });
  }
  await next();
  return undefined;
};

function isLoopback(origin: string): boolean {
  return URL.canParse(origin) && LOOPBACK.has(new URL(origin).hostname);
}
