/**
 * The local runtime answers to this machine only. It asks nobody who they are where it stores objects, and listens on 127.0.0.1; but any
 * page that a developer visits can send to that, and by DNS rebinding as if it were a page of it. Browsers say under which name they
 * reached it (`Host`) and which page asks (`Origin`), and no page can make up either.
 */
import type { MiddlewareHandler } from "hono";
import type { HttpEnv } from "../http-env.ts";
import { problemResponse } from "../problem.ts";

const LOOPBACK: ReadonlySet<string> = new Set(["127.0.0.1", "localhost", "[::1]"]);

/** 403 for another host, and for pages of other hosts. */
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
