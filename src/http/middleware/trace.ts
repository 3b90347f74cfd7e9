/** The trace that a request belongs to. */
import type { Context } from "hono";
import { newTraceparent, readTraceparent } from "../../domain/trace.ts";
import type { HttpEnv } from "../http-env.ts";

/** For what the request triggers: its `traceparent`, or a trace that begins with it if PEACH_TRACE_SAMPLE asks for one; else nothing. */
export function traceOf(c: Context<HttpEnv>): { readonly traceparent?: string } {
  const header = c.req.header("traceparent");
  const given = header === undefined ? null : readTraceparent(header);
  if (given !== null) return { traceparent: given };
  const { PEACH_TRACE_SAMPLE: share } = c.env;
  if (share === undefined || !(Math.random() < Number(share))) return {};
  return { traceparent: newTraceparent(crypto.getRandomValues(new Uint8Array(24))) };
}
