/**
 * Who did what: every entry of the audit, one object for the whole deployment. Entries are added and read; nobody can change or remove
 * one but time. They are kept for a year, and no more than `MOST_ENTRIES`, so that the object never outgrows the platform's 10 GB; nobody
 * has so many a day that they push out what others did (`daily-shares.ts`).
 */
import { DurableObject } from "cloudflare:workers";
import type { AuditEntry, AuditFilter, AuditPage } from "../../domain/audit-entry.ts";
import type { AuditRpc } from "./audit-rpc.ts";
import { DailyShares } from "./daily-shares.ts";
import { AuditStore } from "./store.ts";

const DAY_MS = 86_400_000;
export const KEPT_MS = 365 * DAY_MS;
/** About 300 bytes each. */
const MOST_ENTRIES = 10_000_000;
/** Until more is deleted, when there is more to delete than at once. */
const PAUSE_MS = 60_000;
/** Batches that are known if they come again, because their answer was lost. */
const REMEMBERED_BATCHES = 1_000;

export class AuditObject extends DurableObject<Env> implements AuditRpc {
  readonly #store: AuditStore;
  readonly #shares: DailyShares;
  readonly #batches = new Set<string>();
  /** Whether the alarm is known to be set. */
  #wakes = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new AuditStore(ctx.storage);
    this.#shares = new DailyShares(this.#store);
  }

  async append(batch: string, entries: readonly AuditEntry[]): Promise<void> {
    if (this.#batches.has(batch)) return;
    this.#shares.append(entries, Date.now());
    this.#batches.add(batch);
    const [oldest] = this.#batches;
    if (this.#batches.size > REMEMBERED_BATCHES && oldest !== undefined)
      this.#batches.delete(oldest);
    if (this.#wakes) return;
    if ((await this.ctx.storage.getAlarm()) === null)
      await this.ctx.storage.setAlarm(Date.now() + DAY_MS);
    this.#wakes = true;
  }

  async list(filter: AuditFilter, limit: number, before: number | null): Promise<AuditPage> {
    return this.#store.list(filter, limit, before);
  }

  /** Never rejects: the platform gives an alarm up after six failures. */
  override async alarm(): Promise<void> {
    this.#wakes = false;
    try {
      const now = Date.now();
      const { isAll, isEmpty } = this.#store.deleteOld(now - KEPT_MS, MOST_ENTRIES);
      // The tables stay: numbers that were given as cursors must not be given again.
      if (!isEmpty) await this.ctx.storage.setAlarm(now + (isAll ? DAY_MS : PAUSE_MS));
    } catch (error) {
      console.error(
        JSON.stringify({ message: "old entries of the audit not deleted", error: String(error) }),
      );
      await this.ctx.storage.setAlarm(Date.now() + PAUSE_MS);
    }
  }
}
