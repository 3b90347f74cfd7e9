/**
 * Records what comes in at endpoints, for the inspector: after the answer, never on its way, and never failing it. Without secrets.
 *
 * Who floods an endpoint must not flood its object too: of many at a time a sample is kept, the first of them and then a few a
 * second in each worker. More than the last ones are not kept anyway.
 */
import type { Context } from "hono";
import { type Delivery, isWorthKeeping, keepDeliveriesMs, type KeptBody, redact, redactUrl } from "../core/delivery.ts";
import { deliveryIdFromBytes, type DeliveryId } from "../core/ids.ts";
import type { EndpointPlan, Plan } from "../core/plan.ts";
import type { callDeliveries } from "../deliveries/deliveries-client.ts";
import type { HttpEnv } from "./http-env.ts";

export const KEPT_AT_ONCE = 100;
const KEPT_PER_SECOND = 2;

/** A request and what became of it. */
export interface Arrival extends Pick<Delivery, "at" | "params" | "reason" | "senderId" | "runs" | "replayOf"> {
  readonly request: Request;
  readonly response: Response;
  readonly kept: KeptBody;
}

export interface DeliveryLog {
  /** Keeps the delivery if it is worth it. Returns the id that it has if it is kept. */
  keep(c: Context<HttpEnv>, endpoint: EndpointPlan, arrival: Arrival): DeliveryId;
}

/** The log of this worker. */
export function createDeliveryLog(plan: Plan, call: typeof callDeliveries): DeliveryLog {
  const budgets = new Map<string, Budget>();

  function mayKeep(endpoint: string, now: number): boolean {
    let budget = budgets.get(endpoint);
    if (budget === undefined) budgets.set(endpoint, (budget = new Budget(now)));
    return budget.take(now);
  }

  return {
    keep(c, endpoint, arrival) {
      const delivery = deliveryOf(c, endpoint, arrival);
      if (!isWorthKeeping(delivery) || !mayKeep(endpoint.name, Date.now())) return delivery.id;
      const kept = call(c.env, endpoint.name, (deliveries) => deliveries.record(delivery, keepDeliveriesMs(plan)));
      c.executionCtx.waitUntil(
        kept.catch((error: unknown) => {
          const { requestId: request_id } = delivery;
          console.warn(
            JSON.stringify({ message: "delivery not kept", endpoint: endpoint.name, request_id, error: String(error) }),
          );
        }),
      );
      return delivery.id;
    },
  };
}

/** So many at once, then so many a second. */
class Budget {
  #left = KEPT_AT_ONCE;
  #at: number;

  constructor(now: number) {
    this.#at = now;
  }

  take(now: number): boolean {
    this.#left = Math.min(KEPT_AT_ONCE, this.#left + ((now - this.#at) / 1000) * KEPT_PER_SECOND);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}

function deliveryOf(c: Context<HttpEnv>, endpoint: EndpointPlan, arrival: Arrival): Delivery {
  const { request, response, kept, at, params, reason, senderId, runs, replayOf } = arrival;
  const signatureHeaders = "header" in endpoint.auth ? [endpoint.auth.header] : [];
  return {
    id: deliveryIdFromBytes(crypto.getRandomValues(new Uint8Array(16))),
    at,
    durationMs: Date.now() - at,
    requestId: c.get("requestId"),
    method: request.method,
    url: redactUrl(request.url, endpoint.url),
    params: redact(Object.entries(params)),
    headers: redact(request.headers, signatureHeaders),
    body: kept,
    status: response.status,
    reason,
    senderId,
    runs,
    replayOf,
  };
}
