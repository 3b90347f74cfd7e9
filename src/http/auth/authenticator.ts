/** The interface of an authentication method. `authenticate.ts` lists the methods. */
import type { Context } from "hono";
import type { Problem } from "../../domain/problem.ts";
import type { Caller, HttpEnv } from "../http-env.ts";

/** A refused request: the problem, and the headers of its answer. */
export interface Refusal {
  readonly problem: Problem;
  readonly headers: Readonly<Record<string, string>>;
}

/** An authentication method, such as bearer tokens. */
export interface Authenticator {
  /** Checks whether this deployment has the method configured. */
  isConfigured(env: Env): boolean;
  /**
   * Identifies the caller by this method, or refuses its credential; null if the request does not
   * use this method.
   */
  identify(c: Context<HttpEnv>): Promise<Caller | Refusal | null>;
}

/**
 * Refuses an unauthenticated request. `error` is appended to the challenge and describes the
 * presented token.
 */
export function unauthorized(detail: string, hint: string, error = ""): Refusal {
  return {
    problem: { code: "unauthorized", detail, hint },
    headers: { "WWW-Authenticate": `Bearer realm="peach"${error}` },
  };
}

/** Refuses a request by a problem alone. */
export function refusal(problem: Problem): Refusal {
  return { problem, headers: {} };
}
