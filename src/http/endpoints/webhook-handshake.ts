/**
 * The handshake of CloudEvents' webhooks (https://github.com/cloudevents/spec, HTTP webhook): before it sends events, a sender asks by
 * OPTIONS whether it may. It may, as often as it likes; whether each event is taken is a matter of its token, not of this answer.
 */
import type { MiddlewareHandler } from "hono";
import type { HttpEnv } from "../http-env.ts";

/** Where events are sent to. */
const EVENTS = "/api/v1/events/";
/** The name of a host, as senders have it. */
const ORIGIN = /^[\w.:/-]{1,255}$/;

/** Answers a sender's question; lets every other OPTIONS pass. */
export const webhookHandshake: MiddlewareHandler<HttpEnv> = async function webhookHandshake(
  c,
  next,
) {
  const origin = c.req.header("WebHook-Request-Origin");
  const isAsked = c.req.method === "OPTIONS" && c.req.path.startsWith(EVENTS);
  if (!isAsked || origin === undefined || !ORIGIN.test(origin)) return next();
  return c.body(null, 200, {
    Allow: "POST",
    "WebHook-Allowed-Origin": origin,
    "WebHook-Allowed-Rate": "*",
  });
};
