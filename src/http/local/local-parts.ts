import type { Hono, MiddlewareHandler } from "hono";
import type { Plan } from "../../domain/plan/plan.ts";
import type { HttpEnv } from "../http-env.ts";

/** What only the local runtime has. */
export interface LocalParts {
  /** What every request passes first. */
  readonly guard: MiddlewareHandler<HttpEnv>;
  readonly drainBody: MiddlewareHandler<HttpEnv>;
  /** The routes below /dev. */
  readonly routes: (dependencies: { readonly plan: Plan }) => Hono<HttpEnv>;
}
