/**
 * Records deliveries of endpoints for the inspector: after the answer, so that recording never
 * delays or fails a request. Secrets are redacted.
 *
 * A flood of requests must not become a flood of calls to the object:
 * - Per endpoint and isolate, the first `KEPT_AT_ONCE` deliveries are recorded, then a few a
 *   second.
 * - Refused requests have a budget and a ring of their own, so that no stranger can push out a
 *   delivery.
 * - Of refusals for one reason from one network, a few are recorded at once, then one in ten
 *   seconds. The rest is counted, and the count goes with the next record.
 */
import type { Context } from "hono";
import {
  type Delivery,
  isWorthKeeping,
  keepDeliveriesMs,
  type KeptBody,
  KEPT_REFUSED_BODY_BYTES,
  redact,
  redactUrl,
} from "../../domain/delivery.ts";
import { deliveryIdFromBytes, type DeliveryId } from "../../domain/ids.ts";
import type { EndpointPlan, Plan } from "../../domain/plan/plan.ts";
import { redactBody } from "../../domain/redact-body.ts";
import type { callDeliveries } from "../../objects/deliveries/deliveries-client.ts";
import type { DeliveriesRpc } from "../../objects/deliveries/deliveries-rpc.ts";
import { addressOf, networkOf } from "../client-address.ts";
import type { HttpEnv } from "../http-env.ts";
import { log } from "../../platform/log.ts";

/** Deliveries recorded at once, per endpoint and isolate. */
export const KEPT_AT_ONCE = 100;
const PER_ENDPOINT: Rate = { atOnce: KEPT_AT_ONCE, perSecond: 2 };
/** Rate of refusals for one reason from one network. */
const PER_GROUP: Rate = { atOnce: 5, perSecond: 0.1 };
/** Groups that an isolate tracks; the map is cleared when it is full. */
const MOST_GROUPS = 1_000;

/** A request and its result. */
export interface Arrival extends Pick<
  Delivery,
  "at" | "params" | "reason" | "senderId" | "runs" | "replayOf"
> {
  readonly request: Request;
  readonly response: Response;
  readonly kept: KeptBody;
}

/** The recorder of deliveries. Both methods return at once; the write runs in the background. */
export interface DeliveryLog {
  /**
   * Records the delivery if it is worth it and within budget. Returns the id, whether recorded or
   * not.
   */
  keep(c: Context<HttpEnv>, endpoint: EndpointPlan, arrival: Arrival): DeliveryId;
  /** Counts a request refused before the endpoint was called, and records a sample. */
  refuse(c: Context<HttpEnv>, endpoint: EndpointPlan, arrival: Arrival): void;
}

/** Creates the log of this isolate. */
export function createDeliveryLog(plan: Plan, call: typeof callDeliveries): DeliveryLog {
  const admitted = new Budgets(PER_ENDPOINT, Number.POSITIVE_INFINITY);
  const refused = new Budgets(PER_ENDPOINT, Number.POSITIVE_INFINITY);
  const groups = new Budgets(PER_GROUP, MOST_GROUPS);
  /** Refusals of a group since its last record. */
  const unrecorded = new Map<string, number>();
  const keepMs = keepDeliveriesMs(plan);

  function send(
    c: Context<HttpEnv>,
    endpoint: EndpointPlan,
    { requestId: request_id }: Delivery,
    record: (deliveries: DeliveriesRpc) => Promise<void>,
  ): void {
    c.executionCtx.waitUntil(
      call(c.env, endpoint.name, record).catch((error: unknown) => {
        const fields = { endpoint: endpoint.name, request_id, error: String(error) };
        log("warn", "delivery not kept", fields);
      }),
    );
  }

  return {
    keep(c, endpoint, arrival) {
      const id = newDeliveryId();
      const { request, response, reason, runs } = arrival;
      const isWorth = isWorthKeeping({
        method: request.method,
        status: response.status,
        reason,
        runs,
      });
      // Redacting reads the whole delivery, so the checks come first.
      if (!isWorth || !admitted.take(endpoint.name, Date.now())) return id;
      const delivery = deliveryOf(c, id, endpoint, arrival);
      send(c, endpoint, delivery, (deliveries) => deliveries.record(delivery, keepMs));
      return id;
    },

    refuse(c, endpoint, arrival) {
      const now = Date.now();
      const address = networkOf(addressOf(c));
      const group = JSON.stringify([endpoint.name, arrival.reason, address]);
      if (unrecorded.size >= MOST_GROUPS) unrecorded.clear();
      const count = (unrecorded.get(group) ?? 0) + 1;
      if (!groups.take(group, now) || !refused.take(endpoint.name, now)) {
        unrecorded.set(group, count);
        return;
      }
      unrecorded.delete(group);
      const delivery = deliveryOf(c, newDeliveryId(), endpoint, {
        ...arrival,
        kept: beginningOf(arrival.kept),
      });
      send(c, endpoint, delivery, (deliveries) =>
        deliveries.refuse(delivery, keepMs, { address, count }),
      );
    },
  };
}

/** Token bucket: `atOnce` tokens, refilled by `perSecond`. */
interface Rate {
  readonly atOnce: number;
  readonly perSecond: number;
}

/**
 * Token buckets by name. Clears all of them when there are too many, which only admits more
 * records.
 */
class Budgets {
  readonly #rate: Rate;
  readonly #most: number;
  readonly #left = new Map<string, { left: number; at: number }>();

  constructor(rate: Rate, most: number) {
    this.#rate = rate;
    this.#most = most;
  }

  /** Takes a token from the bucket; false if it is empty. */
  take(name: string, now: number): boolean {
    const { atOnce, perSecond } = this.#rate;
    if (this.#left.size >= this.#most) this.#left.clear();
    const known = this.#left.get(name) ?? { left: atOnce, at: now };
    const left = Math.min(atOnce, known.left + ((now - known.at) / 1000) * perSecond);
    this.#left.set(name, { left: left < 1 ? left : left - 1, at: now });
    return left >= 1;
  }
}

/** Cuts the body of a refused request to what the inspector keeps of those. */
function beginningOf({ bytes, size, isWhole }: KeptBody): KeptBody {
  const isShort = bytes.byteLength <= KEPT_REFUSED_BODY_BYTES;
  return { bytes: bytes.slice(0, KEPT_REFUSED_BODY_BYTES), size, isWhole: isWhole && isShort };
}

function newDeliveryId(): DeliveryId {
  return deliveryIdFromBytes(crypto.getRandomValues(new Uint8Array(16)));
}

/** Builds the record, redacted. */
function deliveryOf(
  c: Context<HttpEnv>,
  id: DeliveryId,
  endpoint: EndpointPlan,
  arrival: Arrival,
): Delivery {
  const { request, response, kept, at, params, reason, senderId, runs, replayOf } = arrival;
  const signatureHeaders = "header" in endpoint.auth ? [endpoint.auth.header] : [];
  const contentType = request.headers.get("Content-Type") ?? "";
  return {
    id,
    at,
    durationMs: Date.now() - at,
    requestId: c.get("requestId"),
    method: request.method,
    url: redactUrl(request.url, endpoint.url),
    params: redact(Object.entries(params)),
    headers: redact(request.headers, signatureHeaders),
    body: { ...kept, bytes: redactBody(kept.bytes, contentType, endpoint.redact) },
    status: response.status,
    reason,
    senderId,
    runs,
    replayOf,
  };
}
