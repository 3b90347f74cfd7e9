/** How everybody else reaches the object that keeps the deliveries of an endpoint. All of its methods may be called again. */
import { isPassing } from "../run/run-client.ts";
import type { DeliveriesRpc } from "./deliveries-rpc.ts";

const PAUSES_MS = [100, 500] as const;

/** Calls the object of this endpoint, with bounded retries. Rejects when the surroundings keep failing. */
export async function callDeliveries<T>(
  env: Env,
  endpoint: string,
  call: (deliveries: DeliveriesRpc) => Promise<T>,
): Promise<T> {
  for (const pauseMs of PAUSES_MS) {
    try {
      // A fresh stub each time: one that has failed stays broken.
      return await call(env.DELIVERIES.getByName(endpoint));
    } catch (error) {
      if (!isPassing(error)) throw error;
      await scheduler.wait(pauseMs * (0.5 + Math.random() / 2));
    }
  }
  return call(env.DELIVERIES.getByName(endpoint));
}
