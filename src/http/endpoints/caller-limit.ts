/**
 * Enforces the `rate_limit` of endpoints: how many requests of one caller are admitted. An object
 * counts exactly, over all of Cloudflare's locations. A caller that must wait is then refused from
 * this isolate's memory, without another call.
 *
 * The limit protects what is behind it and is no security boundary: while the object is
 * unreachable, every caller is admitted.
 */
import { createHash } from "node:crypto";
import type { Context } from "hono";
import type { EndpointPlan } from "../../domain/plan/plan.ts";
import type { takeTurn } from "../../objects/deliveries/caller-client.ts";
import type { Refusal } from "../auth/authenticator.ts";
import { addressOf, networkOf } from "../client-address.ts";
import type { HttpEnv } from "../http-env.ts";
import { log } from "../../platform/log.ts";

/** Waiting callers that an isolate remembers. */
const MOST_REMEMBERED = 10_000;

/**
 * Refuses with `rate_limited`; null if the request is admitted. `token` is the name of the caller's
 * token, if authenticated.
 */
export type LimitCaller = (
  c: Context<HttpEnv>,
  endpoint: EndpointPlan,
  token: string | null,
) => Promise<Refusal | null>;

/** Creates the limiter of this isolate. */
export function createLimitCaller(take: typeof takeTurn): LimitCaller {
  /**
   * End of a caller's wait in epoch milliseconds, by digest. Keys are digests, because a header's
   * value may be long or secret.
   */
  const waiting = new Map<string, number>();

  return async function limitCaller(c, endpoint, token) {
    const { rateLimit } = endpoint;
    if (rateLimit === null) return null;
    const now = Date.now();
    const digest = createHash("sha256")
      .update(JSON.stringify([endpoint.name, ...callerOf(c, endpoint, token)]))
      .digest("hex");
    const known = waiting.get(digest) ?? 0;
    if (known > now) return tooMany(endpoint, known - now);
    let waitUntil: number | null = null;
    try {
      waitUntil = await take(c.env, endpoint.name, digest, {
        limit: rateLimit.limit,
        perMs: rateLimit.perMs,
      });
    } catch (error) {
      const fields = {
        endpoint: endpoint.name,
        request_id: c.get("requestId"),
        error: String(error),
      };
      log("warn", "a caller could not be counted, and is let in", fields);
    }
    if (waitUntil === null) return null;
    if (waiting.size >= MOST_REMEMBERED) waiting.clear();
    waiting.set(digest, waitUntil);
    return tooMany(endpoint, waitUntil - now);
  };
}

/**
 * Returns the value by which requests are counted. A request without the header, query or token
 * that peach.conf names is counted by its address.
 */
function callerOf(
  c: Context<HttpEnv>,
  { rateLimit }: EndpointPlan,
  token: string | null,
): readonly [by: string, value: string] {
  const by = rateLimit?.by ?? { type: "ip" };
  const value =
    by.type === "token"
      ? token
      : by.type === "header"
        ? c.req.header(by.name)
        : by.type === "query"
          ? c.req.query(by.name)
          : null;
  return value ? [by.type, value] : ["ip", networkOf(addressOf(c))];
}

/** Refuses with the time to wait, rounded up to seconds. */
function tooMany({ name, rateLimit }: EndpointPlan, waitMs: number): Refusal {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  return {
    problem: {
      code: "rate_limited",
      detail: `The endpoint "${name}" takes ${rateLimit?.limit} requests of one caller in ${(rateLimit?.perMs ?? 0) / 1000} s.`,
      hint: `Come again in ${seconds} s. \`rate_limit\` in peach.conf sets the limit.`,
    },
    headers: { "Retry-After": String(seconds) },
  };
}
