/** The types that Hono passes through a request: bindings and variables. */
import type { Actor } from "../domain/actor.ts";
import type { Credential } from "../domain/identity.ts";
import type { Scope } from "../domain/scope.ts";

/** The authenticated caller. `name` is the name of the token; `api` stands for PEACH_API_TOKEN. */
export interface Caller extends Actor {
  /** The scopes that the credential grants. */
  readonly scopes: readonly Scope[];
  /**
   * The credential itself, so that a long answer can check later whether the caller is still
   * authorized.
   */
  readonly credential: Credential;
}

/**
 * Strips the caller down to the actor that runs and the audit record: no scopes, no credential.
 */
export function actorOf({ kind, name }: Caller): Actor {
  return { kind, name };
}

/** The worker's bindings, and the variables that middleware sets. */
export interface HttpEnv {
  Bindings: Env;
  Variables: {
    /**
     * Id of the request, made by the worker. Answers, problem documents and log lines contain it.
     */
    requestId: string;
    /** The client's own id of the request (`X-Request-Id`); null if absent or malformed. */
    clientRequestId: string | null;
    /**
     * The authenticated caller. Only set by `authenticate` (for /api/v1) and by endpoints with
     * `auth: token`.
     */
    caller: Caller;
  };
}
