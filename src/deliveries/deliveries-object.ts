/**
 * The last deliveries of one endpoint, for whoever wants to know what came in and why it was refused. Written after the answer was
 * given: nothing depends on it, and a delivery that it misses is only missing in the list.
 *
 * Bounded twice: by the ring of the store, and by age, for which the alarm wakes when one has been kept long enough. An endpoint that
 * is no longer called, or no longer there, leaves nothing.
 */
import { DurableObject } from "cloudflare:workers";
import type { Delivery } from "../core/delivery.ts";
import type { DeliveryId } from "../core/ids.ts";
import type { DeliveriesRpc, DeliveryPage } from "./deliveries-rpc.ts";
import { DeliveryStore } from "./store.ts";

/**
 * An alarm is a row written: those that come due within a hundredth of the time for which they are kept, between half a minute and an
 * hour, are deleted together.
 */
const PAUSE_MS = { least: 30_000, most: 3_600_000 } as const;

export class DeliveriesObject extends DurableObject<Env> implements DeliveriesRpc {
  readonly #store: DeliveryStore;
  /** What the alarm is set to; null: that is not known yet. */
  #alarmAt: number | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new DeliveryStore(ctx.storage);
  }

  async record(delivery: Delivery, keepMs: number): Promise<void> {
    const until = delivery.at + keepMs;
    this.#store.record(delivery, until);
    this.#alarmAt ??= (await this.ctx.storage.getAlarm()) ?? Number.POSITIVE_INFINITY;
    if (until < this.#alarmAt) await this.#setAlarm(until);
  }

  async list(limit: number, before: number | null): Promise<DeliveryPage> {
    const found = this.#store.list(limit + 1, before ?? Number.MAX_SAFE_INTEGER, Date.now());
    const page = found.slice(0, limit);
    return {
      deliveries: page.map(({ delivery }) => delivery),
      next: found.length > limit ? (page.at(-1)?.seq ?? null) : null,
    };
  }

  async read(id: DeliveryId): Promise<Delivery | null> {
    return this.#store.read(id, Date.now());
  }

  /** Never rejects: the platform gives an alarm up after six failures. */
  override async alarm(): Promise<void> {
    try {
      const now = Date.now();
      const next = this.#store.deleteOld(now);
      if (next !== null) {
        const pauseMs = Math.min(PAUSE_MS.most, Math.max(PAUSE_MS.least, next.keptMs / 100));
        return await this.#setAlarm(Math.max(next.until, now + pauseMs));
      }
      await this.#store.deleteAll();
      this.#alarmAt = Number.POSITIVE_INFINITY;
    } catch (error) {
      console.error(
        JSON.stringify({ message: "old deliveries not deleted", endpoint: this.ctx.id.name, error: String(error) }),
      );
      await this.#setAlarm(Date.now() + PAUSE_MS.most);
    }
  }

  /** Never at or before now: such an alarm may not fire. */
  async #setAlarm(at: number): Promise<void> {
    this.#alarmAt = Math.max(at, Date.now() + 1);
    await this.ctx.storage.setAlarm(this.#alarmAt);
  }
}
