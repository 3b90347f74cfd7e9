/** What Hono carries through a request. */
import type { Actor } from "../domain/actor.ts";
import type { Credential } from "../domain/identity.ts";
import type { Scope } from "../domain/scope.ts";

/** Who calls the API. The name of a token; `api` for PEACH_API_TOKEN. */
export interface Caller extends Actor {
  readonly scopes: readonly Scope[];
  readonly credential: Credential;
}

/** The caller without what they may do, as it is recorded. */
export function actorOf({ kind, name }: Caller): Actor {
  return { kind, name };
}

/** The worker's bindings, and what our middleware finds out. */
export interface HttpEnv {
  Bindings: Env;
  Variables: {
    /** In every answer, problem document and log line of the request. */
    requestId: string;
    /** What the sender calls its request; null: nothing presentable. */
    clientRequestId: string | null;
    /** Set where a token is asked for and known: by `authenticate` for /api/v1, and for endpoints with `auth: token`. */
    caller: Caller;
  };
}
