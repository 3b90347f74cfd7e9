import type { Hono, MiddlewareHandler } from "hono";
import type { Plan } from "../../domain/plan/plan.ts";
import type { HttpEnv } from "../http-env.ts";

/** The parts that only the local runtime has. */
export interface LocalParts {
  /** Middleware of every request: refuses other hosts and origins. */
  readonly guard: MiddlewareHandler<HttpEnv>;
  /** Middleware of every request: reads an unread body to its end before answering. */
  readonly drainBody: MiddlewareHandler<HttpEnv>;
  /** Creates the routes below /dev. */
  readonly routes: (dependencies: { readonly plan: Plan }) => Hono<HttpEnv>;
}
