/** What Hono carries through a request. */

/** What a token allows: `read` looks, `trigger` starts and reads single runs, `admin` does everything. */
export const SCOPES = ["read", "trigger", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

/** Who calls the API. */
export interface Caller {
  /** The token's name; `api` for PEACH_API_TOKEN. */
  readonly name: string;
  readonly scope: Scope;
}

/** The worker's bindings, and what our middleware finds out. */
export interface HttpEnv {
  Bindings: Env;
  Variables: {
    /** In every answer, problem document and log line of the request. */
    requestId: string;
    /** Set by `authenticate`: absent outside /api/v1. */
    caller: Caller;
  };
}
