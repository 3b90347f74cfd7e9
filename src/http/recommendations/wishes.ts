/** Reads `?component=` and `?debug=1`, which are for callers with the right to read. */
import type { Context } from "hono";
import type { EndpointPlan } from "../../domain/plan/plan.ts";
import { refusal, type Refusal } from "../auth/authenticator.ts";
import { identify, refuseWithout } from "../auth/authenticate.ts";
import type { Caller, HttpEnv } from "../http-env.ts";

/** Wishes beyond the parameters. */
export interface Wishes {
  /** The component that is asked for; null leaves the choice to the split. */
  readonly component: string | null;
  /** The answer is wrapped, with what happened, and is not cached. */
  readonly isDebug: boolean;
}

/**
 * Reads the wishes. Refuses with `forbidden` for a caller without the right, known or not; with
 * `rate_limited` or `unavailable` as for every call with a token.
 */
export async function readWishes(
  c: Context<HttpEnv>,
  { name }: EndpointPlan,
  query: URLSearchParams,
): Promise<Wishes | Refusal> {
  const component = query.get("component") || null;
  const isDebug = /^(1|true)$/.test(query.get("debug") ?? "");
  const wishes = { component, isDebug };
  if (component === null && !isDebug) return wishes;
  const caller = knownCaller(c) ?? (await identify(c));
  if (!("problem" in caller)) return refuseWithout("read", caller) ?? wishes;
  return caller.problem.code === "unauthorized" ? forbidden(name) : caller;
}

/** The caller of an endpoint with `auth: token`, or of the API. */
function knownCaller(c: Context<HttpEnv>): Caller | undefined {
  return c.get("caller");
}

/** Refuses a caller without the right to read. */
function forbidden(name: string): Refusal {
  return refusal({
    code: "forbidden",
    detail: `The endpoint "${name}" takes \`component\` and \`debug\` from callers with an API token only.`,
    hint: "Send `Authorization: Bearer TOKEN` with the scope `read`, or leave them out.",
  });
}
