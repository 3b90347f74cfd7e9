/**
 * Answers the handshake of CloudEvents webhooks (https://github.com/cloudevents/spec, HTTP
 * webhook). Before it sends events, a sender asks by OPTIONS for permission. Peach grants it to
 * every sender, without a limit of its own: the token of each event decides.
 */
import type { MiddlewareHandler } from "hono";
import type { HttpEnv } from "../http-env.ts";

/** Path of the calls that accept events. */
const EVENTS = "/api/v1/events/";
/** Host name of a sender; repeated in the answer, so only safe characters. */
const ORIGIN = /^[\w.:/-]{1,255}$/;

/**
 * Middleware that answers the handshake, and passes every other request.
 *
 * ```ts
 * app.use("/api/v1/*", webhookHandshake);
 * // OPTIONS /api/v1/events/x with WebHook-Request-Origin: h → WebHook-Allowed-Origin: h
 * ```
 */
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
