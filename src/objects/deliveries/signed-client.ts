/** How the HTTP edge reaches the objects that know what was signed. */
import { callWithRetries } from "../../platform/calls.ts";
import type { SignedDeliveriesRpc } from "./signed-rpc.ts";

/** Calls the object that has this digest, with bounded retries. Rejects when the surroundings keep failing. */
export async function callSignedDeliveries<T>(
  env: Env,
  endpoint: string,
  digest: string,
  call: (deliveries: SignedDeliveriesRpc) => Promise<T>,
): Promise<T> {
  return callWithRetries("the object of signed deliveries", () =>
    call(env.DELIVERIES.getByName(objectNameOf(endpoint, digest))),
  );
}

/**
 * Sixteen objects for each endpoint, by the digest's first digit: they are on the way of every signed request, and one object writes
 * some hundred times a second. No endpoint's name has a slash.
 */
function objectNameOf(endpoint: string, digest: string): string {
  return `${endpoint}/${digest.slice(0, 1)}`;
}
