/**
 * Records what comes in at endpoints, for the inspector: after the answer, never on its way, and never failing it. Without secrets.
 *
 * A flood of requests must not be a flood of calls: of many at a time a sample is kept, the first of them and then a few a second in
 * each worker. Those that were refused have a budget of their own, as they have a ring of their own: what strangers send costs no
 * delivery its place. Of one reason from one address a few are recorded at once and then one in ten seconds; the others are counted,
 * and the number goes with the next that is recorded.
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

/** Of an endpoint, in each worker. */
export const KEPT_AT_ONCE = 100;
const PER_ENDPOINT: Rate = { atOnce: KEPT_AT_ONCE, perSecond: 2 };
/** Of refused ones of one reason from one address. */
const PER_GROUP: Rate = { atOnce: 5, perSecond: 0.1 };
/** So many groups are told apart at a time in each worker; then they are counted anew. */
const MOST_GROUPS = 1_000;

/** A request and what became of it. */
export interface Arrival extends Pick<
  Delivery,
  "at" | "params" | "reason" | "senderId" | "runs" | "replayOf"
> {
  readonly request: Request;
  readonly response: Response;
  readonly kept: KeptBody;
}

export interface DeliveryLog {
  /** Keeps the delivery if it is worth it. Returns the id that it has if it is kept. */
  keep(c: Context<HttpEnv>, endpoint: EndpointPlan, arrival: Arrival): DeliveryId;
  /** Counts a request that was refused before the endpoint was called, and keeps the last ones. */
  refuse(c: Context<HttpEnv>, endpoint: EndpointPlan, arrival: Arrival): void;
}

/** The log of this worker. */
export function createDeliveryLog(plan: Plan, call: typeof callDeliveries): DeliveryLog {
  const admitted = new Budgets(PER_ENDPOINT, Number.POSITIVE_INFINITY);
  const refused = new Budgets(PER_ENDPOINT, Number.POSITIVE_INFINITY);
  const groups = new Budgets(PER_GROUP, MOST_GROUPS);
  /** How many of a group were not recorded since the last that was. */
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
        console.warn(JSON.stringify({ message: "delivery not kept", ...fields }));
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
      // Only what is kept is redacted: that reads the whole of it.
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

/** So many at once, then so many a second. */
interface Rate {
  readonly atOnce: number;
  readonly perSecond: number;
}

/** How many may be recorded still, by name. */
class Budgets {
  readonly #rate: Rate;
  readonly #most: number;
  readonly #left = new Map<string, { left: number; at: number }>();

  constructor(rate: Rate, most: number) {
    this.#rate = rate;
    this.#most = most;
  }

  take(name: string, now: number): boolean {
    const { atOnce, perSecond } = this.#rate;
    if (this.#left.size >= this.#most) this.#left.clear();
    const known = this.#left.get(name) ?? { left: atOnce, at: now };
    const left = Math.min(atOnce, known.left + ((now - known.at) / 1000) * perSecond);
    this.#left.set(name, { left: left < 1 ? left : left - 1, at: now });
    return left >= 1;
  }
}

function beginningOf({ bytes, size, isWhole }: KeptBody): KeptBody {
  const isShort = bytes.byteLength <= KEPT_REFUSED_BODY_BYTES;
  return { bytes: bytes.slice(0, KEPT_REFUSED_BODY_BYTES), size, isWhole: isWhole && isShort };
}

function newDeliveryId(): DeliveryId {
  return deliveryIdFromBytes(crypto.getRandomValues(new Uint8Array(16)));
}

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
