import type {
  Delivery,
  DeliveryFilter,
  ListedDelivery,
  RefusedRequests,
} from "../../domain/delivery.ts";
import type { DeliveryId } from "../../domain/ids.ts";

/** A page of deliveries, newest first. */
export interface DeliveryPage {
  readonly deliveries: readonly ListedDelivery[];
  /** Pass as `before` for the next page; null at the end. */
  readonly next: number | null;
}

/** RPC of the object that keeps the deliveries of one endpoint. */
export interface DeliveriesRpc {
  /**
   * Stores a delivery for this time, in place of the oldest if all slots are taken. A repeated call
   * changes nothing.
   */
  record(delivery: Delivery, keepMs: number): Promise<void>;
  /**
   * Stores a refused delivery, and adds `count` to its reason and address. A repeated call changes
   * nothing.
   */
  refuse(
    delivery: Delivery,
    keepMs: number,
    from: Pick<RefusedRequests, "address" | "count">,
  ): Promise<void>;
  /** Returns at most `limit` deliveries: the newest, or the ones before `before`. */
  list(limit: number, before: number | null, filter: DeliveryFilter): Promise<DeliveryPage>;
  /** Returns a delivery; null after its retention. */
  read(id: DeliveryId): Promise<Delivery | null>;
}
