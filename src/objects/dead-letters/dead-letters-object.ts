/**
 * All dead letters, for whoever wants to know what could not be processed, and to have it tried again. A consumer acknowledges its
 * message only after the letter is recorded here: if this object fails, the message comes again.
 *
 * There is one object for all: in a healthy deployment nothing comes here, and a flood is held back by its queue. Each letter expires;
 * the alarm wakes when the first one does.
 */
import { DurableObject } from "cloudflare:workers";
import type { DeadLetter } from "../../domain/dead-letter.ts";
import type { DeadLetterId } from "../../domain/ids.ts";
import type { DeadLetterPage, DeadLettersRpc } from "./dead-letters-rpc.ts";
import { DeadLetterStore } from "./store.ts";

/** An alarm is a row written: what expires within a minute is deleted together. */
const EXPIRY_PAUSE_MS = 60_000;

export class DeadLettersObject extends DurableObject<Env> implements DeadLettersRpc {
  readonly #store: DeadLetterStore;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new DeadLetterStore(ctx.storage);
  }

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

  /** Never rejects: the platform gives an alarm up after six failures. */
  override async alarm(): Promise<void> {
    try {
      const next = this.#store.deleteExpired(Date.now());
      // The tables stay: numbers that were given as cursors must not be given again.
      if (next !== null) await this.#setAlarm(next);
    } catch (error) {
      console.error(
        JSON.stringify({ message: "expired dead letters not deleted", error: String(error) }),
      );
      await this.#setAlarm(0);
    }
  }

  async #wakeAt(at: number): Promise<void> {
    const set = await this.ctx.storage.getAlarm();
    if (set === null || set > at + EXPIRY_PAUSE_MS) await this.#setAlarm(at);
  }

  async #setAlarm(at: number): Promise<void> {
    await this.ctx.storage.setAlarm(Math.max(at, Date.now() + EXPIRY_PAUSE_MS));
  }
}
