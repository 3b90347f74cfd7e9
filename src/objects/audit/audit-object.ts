/**
 * The audit: an entry per action, in one object for the whole deployment. Entries are added and
 * read; only age removes an entry. Retention is a year and `MOST_ENTRIES` entries, so that the
 * object stays below the platform's 10 GB. A daily limit keeps one actor from displacing the
 * entries of others (`daily-shares.ts`).
 */
import { DurableObject } from "cloudflare:workers";
import type { AuditEntry, AuditFilter, AuditPage } from "../../domain/audit-entry.ts";
import type { AuditRpc } from "./audit-rpc.ts";
import { DailyShares } from "./daily-shares.ts";
import { AuditStore } from "./store.ts";
import { log } from "../../platform/log.ts";

const DAY_MS = 86_400_000;
export const KEPT_MS = 365 * DAY_MS;
/** Limit of entries; an entry takes about 300 bytes. */
const MOST_ENTRIES = 10_000_000;
/** Delay before the next batch of a large deletion. */
const EXPIRY_DELAY_MS = 60_000;
/** Limit of remembered batches: a caller repeats a batch whose answer was lost. */
const REMEMBERED_BATCHES = 1_000;

export class AuditObject extends DurableObject<Env> implements AuditRpc {
  readonly #store = new AuditStore(this.ctx.storage);
  readonly #shares = new DailyShares(this.#store);
  readonly #batches = new Set<string>();
  /** The alarm is known to be set. */
  #wakes = false;

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

  /** Handles the alarm. Never rejects: the platform gives an alarm up after six failures. */
  override async alarm(): Promise<void> {
    this.#wakes = false;
    try {
      const now = Date.now();
      const { isAll, isEmpty } = this.#store.deleteOld(now - KEPT_MS, MOST_ENTRIES);
      // The tables stay: the numbers serve as cursors and must never be reused.
      if (!isEmpty) await this.ctx.storage.setAlarm(now + (isAll ? DAY_MS : EXPIRY_DELAY_MS));
    } catch (error) {
      log("error", "old entries of the audit not deleted", { error });
      await this.ctx.storage.setAlarm(Date.now() + EXPIRY_DELAY_MS);
    }
  }
}
