/** What middleware of the edge gets with a request. */
import { createExecutionContext } from "cloudflare:test";
import { type Context, Hono } from "hono";
import type { HttpEnv } from "../../src/http/http-env.ts";
import { env } from "./env.ts";

/** The context of a request that is answered already. */
export async function requestContext(): Promise<Context<HttpEnv>> {
  const { promise, resolve } = Promise.withResolvers<Context<HttpEnv>>();
  const app = new Hono<HttpEnv>().get("/", (c) => {
    resolve(c);
    return c.body(null);
  });
  await app.request("/", {}, env, createExecutionContext());
  return promise;
}
