/** The client of the objects that know signed deliveries. */
import { callWithRetries } from "../../platform/calls.ts";
import type { SignedDeliveriesRpc } from "./signed-rpc.ts";

/** Calls the object of this digest, with bounded retries. Rejects when all tries fail. */
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
 * The name of the object: sixteen per endpoint, by the digest's first digit. Every signed request
 * asks one of them, and an object writes some hundred times a second. No endpoint's name has a
 * slash.
 */
function objectNameOf(endpoint: string, digest: string): string {
  return `${endpoint}/${digest.slice(0, 1)}`;
}
