/** Reads or starts the W3C trace of a request. */
import type { Context } from "hono";
import { newTraceparent, readTraceparent } from "../../domain/trace.ts";
import type { HttpEnv } from "../http-env.ts";

/**
 * Returns the trace for runs that the request triggers: the request's `traceparent` if valid, else
 * a new trace for the share of requests that PEACH_TRACE_SAMPLE sets (0 to 1), else none. The
 * result is spread into a trigger's origin, where the field is absent without a trace.
 *
 * ```ts
 * acceptTrigger(c.env, c.executionCtx, { ...trigger, ...traceOf(c) });
 * ```
 */
export function traceOf(c: Context<HttpEnv>): { readonly traceparent?: string } {
  const header = c.req.header("traceparent");
  const given = header === undefined ? null : readTraceparent(header);
  if (given !== null) return { traceparent: given };
  const { PEACH_TRACE_SAMPLE: share } = c.env;
  if (share === undefined || !(Math.random() < Number(share))) return {};
  return { traceparent: newTraceparent(crypto.getRandomValues(new Uint8Array(24))) };
}
