/**
 * The client of the object that keeps the deliveries of an endpoint. Every method may be retried.
 */
import { callWithRetries } from "../../platform/calls.ts";
import type { DeliveriesRpc } from "./deliveries-rpc.ts";

/** Calls the object of this endpoint, with bounded retries. Rejects when all tries fail. */
export async function callDeliveries<T>(
  env: Env,
  endpoint: string,
  call: (deliveries: DeliveriesRpc) => Promise<T>,
): Promise<T> {
  return callWithRetries("the object of the deliveries", () =>
    call(env.DELIVERIES.getByName(endpoint)),
  );
}
