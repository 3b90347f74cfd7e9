/**
 * Dead letters, for inspection and for another try. A consumer acknowledges its message only
 * after the letter is stored here; if this object fails, the queue delivers the message again.
 *
 * One object is enough: a healthy deployment has no dead letters, and the queue holds back a flood.
 * Each letter expires, and the alarm wakes at the first expiry.
 */
import { DurableObject } from "cloudflare:workers";
import type { DeadLetter } from "../../domain/dead-letter.ts";
import type { DeadLetterId } from "../../domain/ids.ts";
import type { DeadLetterPage, DeadLettersRpc } from "./dead-letters-rpc.ts";
import { DeadLetterStore } from "./store.ts";
import { log } from "../../platform/log.ts";

/**
 * Delay that collects expirations: an alarm is a row written. Letters that expire within a minute
 * are deleted together.
 */
const EXPIRY_DELAY_MS = 60_000;

export class DeadLettersObject extends DurableObject<Env> implements DeadLettersRpc {
  readonly #store = new DeadLetterStore(this.ctx.storage);

  async record(letter: DeadLetter): Promise<void> {
    this.#store.record(letter);
    await this.#wakeAt(letter.expiresAt);
  }

  async list(limit: number, before: number | null): Promise<DeadLetterPage> {
    const found = this.#store.list(limit + 1, before ?? Number.MAX_SAFE_INTEGER, Date.now());
    const page = found.slice(0, limit);
    return {
      letters: page.map(({ letter }) => letter),
      next: found.length > limit ? (page.at(-1)?.seq ?? null) : null,
    };
  }

  async read(id: DeadLetterId): Promise<DeadLetter | null> {
    return this.#store.read(id, Date.now());
  }

  async count(): Promise<number> {
    return this.#store.count(Date.now());
  }

  async failedAgain(
    id: DeadLetterId,
    why: Pick<DeadLetter, "reason" | "detail" | "expiresAt">,
  ): Promise<boolean> {
    return this.#store.failedAgain(id, why);
  }

  async remove(id: DeadLetterId): Promise<boolean> {
    return this.#store.remove(id);
  }

  /** Handles the alarm. Never rejects: the platform gives an alarm up after six failures. */
  override async alarm(): Promise<void> {
    try {
      const next = this.#store.deleteExpired(Date.now());
      // The tables stay: the numbers serve as cursors and must never be reused.
      if (next !== null) await this.#setAlarm(next);
    } catch (error) {
      log("error", "expired dead letters not deleted", { error });
      await this.#setAlarm(0);
    }
  }

  async #wakeAt(at: number): Promise<void> {
    const set = await this.ctx.storage.getAlarm();
    if (set === null || set > at + EXPIRY_DELAY_MS) await this.#setAlarm(at);
  }

  async #setAlarm(at: number): Promise<void> {
    await this.ctx.storage.setAlarm(Math.max(at, Date.now() + EXPIRY_DELAY_MS));
  }
}
