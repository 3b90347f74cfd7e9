/** The endpoints of scripts/bench/recommendations.ts: each reads a key of a store. */
import type { ComponentContext, EndpointContext } from "peach/task-helpers";

/** The key that every request reads. */
const KEY = "user";

/** Stores a result of fifty items. */
export async function fill(_request: Request, { env }: EndpointContext): Promise<string> {
  const items = Array.from({ length: 50 }, (_, index) => ({
    id: `item-${index}`,
    score: 1 / (index + 1),
  }));
  await env.RECOMMENDATIONS.put(KEY, JSON.stringify(items));
  return "filled";
}

/** Reads the key, as an endpoint without components. */
export function read(_request: Request, { env }: EndpointContext): Promise<unknown> {
  return env.RECOMMENDATIONS.get(KEY, "json");
}

/** Reads the key, as a component. */
export function component(_params: unknown, { env }: ComponentContext): Promise<unknown> {
  return env.RECOMMENDATIONS.get(KEY, "json");
}
