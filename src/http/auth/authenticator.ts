/** One way of saying who calls. `auth.ts` has the list of them. */
import type { Context } from "hono";
import type { Problem } from "../../domain/problem.ts";
import type { Caller, HttpEnv } from "../http-env.ts";

/** Why somebody may not call, with the headers of the answer. */
export interface Refusal {
  readonly problem: Problem;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Authenticator {
  /** Whether this deployment knows anybody by this way. */
  isConfigured(env: Env): boolean;
  /** Who the request says that it is from, or why that is not believed; null if it does not use this way. */
  identify(c: Context<HttpEnv>): Promise<Caller | Refusal | null>;
}

/** The refusal of somebody who is not known. `error`: what the challenge says of a token that was presented. */
export function unauthorized(detail: string, hint: string, error = ""): Refusal {
  return {
    problem: { code: "unauthorized", detail, hint },
    headers: { "WWW-Authenticate": `Bearer realm="peach"${error}` },
  };
}
