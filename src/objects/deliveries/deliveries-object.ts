/**
 * Deliveries of an endpoint, in four kinds of objects. One object keeps the last deliveries for
 * inspection, with the reason of a refusal; the record follows the answer, so nothing depends on
 * the record. Sixteen objects know signed deliveries by digest (`signed-client.ts`), and sixteen
 * count callers if the endpoint has a `rate_limit` (`caller-client.ts`): both are asked before the
 * endpoint is called. One object keeps the counts of a recommendation endpoint
 * (`recommendation-client.ts`); they are told after the answer.
 *
 * Age bounds every row, and the alarm wakes at the end of a retention; the rings of the store also
 * bound the last deliveries. An endpoint that is no longer called, or was removed, leaves nothing.
 */
import { DurableObject } from "cloudflare:workers";
import type { Delivery, DeliveryFilter, NextDue, RefusedRequests } from "../../domain/delivery.ts";
import type { CallerRule } from "../../domain/limits/caller-window.ts";
import type { DeliveryId } from "../../domain/ids.ts";
import { type Begun, type KeptAnswer, KNOWN_FOR_MS } from "../../domain/signed-delivery.ts";
import { alarmTime } from "../../platform/alarm-clock.ts";
import { Tables } from "../tables.ts";
import type { DeliveriesRpc, DeliveryPage } from "./deliveries-rpc.ts";
import type { CallersRpc } from "./caller-client.ts";
import { CallerStore } from "./caller-store.ts";
import type { NamedCounts, RecommendationsRpc } from "./recommendation-rpc.ts";
import { RecommendationStore } from "./recommendation-store.ts";
import { TABLES } from "./schema.ts";
import type { SignedDeliveriesRpc } from "./signed-rpc.ts";
import { SignedDeliveryStore } from "./signed-store.ts";
import { DeliveryStore } from "./store.ts";
import { log } from "../../platform/log.ts";

/**
 * Delay that collects expirations: an alarm is a row written. Rows that expire within a hundredth
 * of their retention, between half a minute and an hour, are deleted together.
 */
const EXPIRY_DELAY_MS = { least: 30_000, most: 3_600_000 } as const;

/** Delay before the next batch of a large deletion. */
const NEXT_PART_MS = 1_000;

export class DeliveriesObject
  extends DurableObject<Env>
  implements DeliveriesRpc, SignedDeliveriesRpc, CallersRpc, RecommendationsRpc
{
  readonly #tables = new Tables(this.ctx.storage, TABLES);
  readonly #store = new DeliveryStore(this.#tables);
  readonly #signed = new SignedDeliveryStore(this.#tables);
  readonly #callers = new CallerStore(this.#tables);
  readonly #recommendations = new RecommendationStore(this.ctx.storage);
  /** Time of the alarm; null: not known yet. */
  #alarmAt: number | null = null;
  /**
   * Requests that wait for another request with the same bytes, by digest. The end of the other
   * request calls each entry.
   */
  readonly #waiting = new Map<string, Set<() => void>>();

  async record(delivery: Delivery, keepMs: number): Promise<void> {
    const until = delivery.at + keepMs;
    this.#store.record(delivery, until);
    await this.#wakeBy(until);
  }

  async refuse(
    delivery: Delivery,
    keepMs: number,
    from: Pick<RefusedRequests, "address" | "count">,
  ): Promise<void> {
    const until = delivery.at + keepMs;
    this.#store.refuse(delivery, until, from);
    await this.#wakeBy(until);
  }

  async list(limit: number, before: number | null, filter: DeliveryFilter): Promise<DeliveryPage> {
    const found = this.#store.list(
      limit + 1,
      before ?? Number.MAX_SAFE_INTEGER,
      filter,
      Date.now(),
    );
    const page = found.slice(0, limit);
    return {
      deliveries: page.map(({ listed }) => listed),
      next: found.length > limit ? (page.at(-1)?.seq ?? null) : null,
    };
  }

  async read(id: DeliveryId): Promise<Delivery | null> {
    return this.#store.read(id, Date.now());
  }

  async begin(digest: string, token: string, leaseMs: number, waitMs: number): Promise<Begun> {
    const { promise: overdue, resolve } = Promise.withResolvers<"overdue">();
    const timer = setTimeout(() => resolve("overdue"), waitMs);
    try {
      for (;;) {
        const now = Date.now();
        const begun = this.#signed.begin(digest, token, now, now + leaseMs);
        if (begun.type === "first") await this.#wakeBy(now + KNOWN_FOR_MS);
        if (begun.type !== "under_way") return begun;
        const end = this.#endOf(digest);
        if ((await Promise.race([end.promise, overdue])) === "overdue") {
          end.forget();
          return begun;
        }
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async finish(digest: string, token: string, answer: KeptAnswer, keepMs: number): Promise<void> {
    const now = Date.now();
    const until = now + KNOWN_FOR_MS;
    const answerUntil = Math.min(until, now + keepMs);
    this.#signed.finish(digest, token, answer, until, answerUntil);
    this.#tellWaiting(digest);
    await this.#wakeBy(answer.content === null ? until : answerUntil);
  }

  async forget(digest: string, token: string): Promise<void> {
    this.#signed.forget(digest, token);
    this.#tellWaiting(digest);
  }

  async take(digest: string, rule: CallerRule): Promise<number | null> {
    const { waitUntil, until } = this.#callers.take(digest, rule, Date.now());
    if (waitUntil === null) await this.#wakeBy(until);
    return waitUntil;
  }

  /** Adds counts. They stay, as the totals of runs do, so no alarm is set. */
  async addCounts(batch: string, counts: readonly NamedCounts[]): Promise<void> {
    const named = new Map(counts.map(({ component, ...one }) => [component, one]));
    this.#recommendations.add(batch, named, Date.now());
  }

  /** Reads counts. A read leaves no tables behind. */
  async readCounts(since: number | null): Promise<readonly NamedCounts[]> {
    return Array.from(this.#recommendations.read(since), ([component, one]) => ({
      component,
      ...one,
    }));
  }

  /** Handles the alarm. Never rejects: the platform gives an alarm up after six failures. */
  override async alarm(): Promise<void> {
    try {
      const now = Date.now();
      const next = this.#deleteOld(now);
      if (next !== null) {
        // More rows are due than one batch deletes.
        const delayMs =
          next.until <= now
            ? NEXT_PART_MS
            : Math.min(EXPIRY_DELAY_MS.most, Math.max(EXPIRY_DELAY_MS.least, next.keptMs / 100));
        return await this.#setAlarm(Math.max(next.until, now + delayMs));
      }
      await this.#store.deleteAll();
      this.#alarmAt = Number.POSITIVE_INFINITY;
    } catch (error) {
      log("error", "old deliveries not deleted", { endpoint: this.ctx.id.name, error });
      await this.#setAlarm(Date.now() + EXPIRY_DELAY_MS.most);
    }
  }

  #deleteOld(now: number): NextDue | null {
    const [first, ...others] = [this.#store, this.#signed, this.#callers].flatMap(
      (store) => store.deleteOld(now) ?? [],
    );
    if (first === undefined) return null;
    return others.reduce((next, other) => (other.until < next.until ? other : next), first);
  }

  /** Resolves at the end of the request that is being answered. `forget` ends the wait. */
  #endOf(digest: string): { readonly promise: Promise<"ended">; readonly forget: () => void } {
    const { promise, resolve } = Promise.withResolvers<"ended">();
    const waiting = this.#waiting.get(digest) ?? new Set();
    const tell = (): void => resolve("ended");
    this.#waiting.set(digest, waiting.add(tell));
    const forget = (): void => {
      waiting.delete(tell);
      if (waiting.size === 0 && this.#waiting.get(digest) === waiting) this.#waiting.delete(digest);
    };
    return { promise, forget };
  }

  #tellWaiting(digest: string): void {
    const waiting = this.#waiting.get(digest);
    this.#waiting.delete(digest);
    for (const tell of waiting ?? []) tell();
  }

  /** Sets the alarm to this time at the latest. */
  async #wakeBy(at: number): Promise<void> {
    this.#alarmAt ??= (await this.ctx.storage.getAlarm()) ?? Number.POSITIVE_INFINITY;
    if (at < this.#alarmAt) await this.#setAlarm(at);
  }

  async #setAlarm(at: number): Promise<void> {
    this.#alarmAt = alarmTime(at, Date.now(), null);
    await this.ctx.storage.setAlarm(this.#alarmAt);
  }
}
