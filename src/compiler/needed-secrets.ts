import type { Plan } from "../domain/plan/plan.ts";

/** A secret that is no part of peach.conf, and for which endpoints it is needed. */
export interface NeededSecret {
  /** Of the variable. */
  readonly name: string;
  readonly endpoints: readonly string[];
}

/** The secrets without which endpoints refuse every delivery, in the order of the plan. */
export function neededSecrets({ endpoints }: Plan): readonly NeededSecret[] {
  const byName = Map.groupBy(
    endpoints.flatMap(({ name, auth }) =>
      "secret" in auth ? [{ name, secret: auth.secret }] : [],
    ),
    ({ secret }) => secret,
  );
  return [...byName].map(([name, users]) => ({
    name,
    endpoints: users.map((endpoint) => endpoint.name),
  }));
}
