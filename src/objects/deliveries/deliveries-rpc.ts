import type {
  Delivery,
  DeliveryFilter,
  ListedDelivery,
  RefusedRequests,
} from "../../domain/delivery.ts";
import type { DeliveryId } from "../../domain/ids.ts";

/** Newest first. */
export interface DeliveryPage {
  readonly deliveries: readonly ListedDelivery[];
  /** Given as `before`, it goes on from here; null at the end. */
  readonly next: number | null;
}

/** What others may call on the object that keeps the deliveries of one endpoint. */
export interface DeliveriesRpc {
  /** Keeps a delivery for so long, in the place of the oldest if there is no other. The same one again changes nothing. */
  record(delivery: Delivery, keepMs: number): Promise<void>;
  /** Keeps a refused one, and counts `count` of its reason and address. The same one again changes nothing. */
  refuse(
    delivery: Delivery,
    keepMs: number,
    from: Pick<RefusedRequests, "address" | "count">,
  ): Promise<void>;
  /** At most `limit` deliveries, the newest, or those older than `before`. */
  list(limit: number, before: number | null, filter: DeliveryFilter): Promise<DeliveryPage>;
  /** Null if it is not kept (any more). */
  read(id: DeliveryId): Promise<Delivery | null>;
}
