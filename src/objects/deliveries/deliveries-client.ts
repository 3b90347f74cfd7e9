/** How everybody else reaches the object that keeps the deliveries of an endpoint. All of its methods may be called again. */
import { callWithRetries } from "../../platform/calls.ts";
import type { DeliveriesRpc } from "./deliveries-rpc.ts";

/** Calls the object of this endpoint, with bounded retries. Rejects when the surroundings keep failing. */
export async function callDeliveries<T>(
  env: Env,
  endpoint: string,
  call: (deliveries: DeliveriesRpc) => Promise<T>,
): Promise<T> {
  return callWithRetries("the object of the deliveries", () =>
    call(env.DELIVERIES.getByName(endpoint)),
  );
}
