import type { Plan } from "../domain/plan/plan.ts";

/** A secret outside peach.conf, with the endpoints that need it. */
export interface NeededSecret {
  /** The name of the variable. */
  readonly name: string;
  /** The endpoints that verify signatures with the secret. */
  readonly endpoints: readonly string[];
}

/** Lists the endpoints that verify signatures, each with its secret. */
export function endpointSecrets({ endpoints }: Pick<Plan, "endpoints">) {
  return endpoints.flatMap(({ name, auth }) =>
    "secret" in auth ? [{ name, secret: auth.secret }] : [],
  );
}

/**
 * Lists the secrets that endpoints need, in the order of the plan. Without its secret an endpoint
 * refuses every delivery.
 */
export function neededSecrets({ endpoints }: Plan): readonly NeededSecret[] {
  const byName = Map.groupBy(endpointSecrets({ endpoints }), ({ secret }) => secret);
  return [...byName].map(([name, users]) => ({
    name,
    endpoints: users.map((endpoint) => endpoint.name),
  }));
}
