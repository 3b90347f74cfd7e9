/**
 * The last deliveries of one endpoint, for whoever wants to know what came in and why it was refused. Written after the answer was
 * given: nothing depends on it, and a delivery that it misses is only missing in the list.
 *
 * Bounded twice: by the ring of the store, and by age, for which the alarm wakes when the oldest has been kept long enough. An
 * endpoint that is no longer called, or no longer there, leaves nothing.
 */
import { DurableObject } from "cloudflare:workers";
import { type Delivery, KEPT_FOR_MS } from "../core/delivery.ts";
import type { DeliveryId } from "../core/ids.ts";
import type { DeliveriesRpc, DeliveryPage } from "./deliveries-rpc.ts";
import { DeliveryStore } from "./store.ts";

/** An alarm is a row written: those that come due within an hour are deleted together. */
const EXPIRY_PAUSE_MS = 3_600_000;

export class DeliveriesObject extends DurableObject<Env> implements DeliveriesRpc {
  readonly #store: DeliveryStore;
  #isAlarmSet = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new DeliveryStore(ctx.storage);
  }

  async record(delivery: Delivery): Promise<void> {
    this.#store.record(delivery);
    if (this.#isAlarmSet) return;
    if ((await this.ctx.storage.getAlarm()) === null) await this.#setAlarm(delivery.at + KEPT_FOR_MS);
    this.#isAlarmSet = true;
  }

  async list(limit: number, before: number | null): Promise<DeliveryPage> {
    const after = Date.now() - KEPT_FOR_MS;
    const found = this.#store.list(limit + 1, before ?? Number.MAX_SAFE_INTEGER, after);
    const page = found.slice(0, limit);
    return {
      deliveries: page.map(({ delivery }) => delivery),
      next: found.length > limit ? (page.at(-1)?.seq ?? null) : null,
    };
  }

  async read(id: DeliveryId): Promise<Delivery | null> {
    return this.#store.read(id, Date.now() - KEPT_FOR_MS);
  }

  /** Never rejects: the platform gives an alarm up after six failures. */
  override async alarm(): Promise<void> {
    try {
      const oldest = this.#store.deleteOld(Date.now() - KEPT_FOR_MS);
      if (oldest !== null) return await this.#setAlarm(oldest + KEPT_FOR_MS);
      await this.#store.deleteAll();
      this.#isAlarmSet = false;
    } catch (error) {
      console.error(
        JSON.stringify({ message: "old deliveries not deleted", endpoint: this.ctx.id.name, error: String(error) }),
      );
      await this.#setAlarm(0);
    }
  }

  async #setAlarm(at: number): Promise<void> {
    await this.ctx.storage.setAlarm(Math.max(at, Date.now() + EXPIRY_PAUSE_MS));
  }
}
