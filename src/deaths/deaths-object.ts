/**
 * Knows which attempts of all runs have died with their workers in the last hour: the witness of who may have killed whom. An isolate
 * that dies takes all drivers and objects in it, of many runs, none of which knows of the others. Who dies while others die may be a
 * victim; who dies while nobody else does has done it (see core/losses.ts).
 *
 * Told by executor objects, when their alarm is called again, and by runs that miss their drivers. What it cannot know is counted for
 * the accused: it cannot be asked, or forgot.
 */
import { DurableObject } from "cloudflare:workers";
import { AlarmClock } from "../platform/alarm-clock.ts";
import type { DeathsRpc } from "./deaths-rpc.ts";
import { DeathsStore, KEPT_MS } from "./store.ts";

export class DeathsObject extends DurableObject<Env> implements DeathsRpc {
  readonly #store: DeathsStore;
  readonly #alarm: AlarmClock;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new DeathsStore(ctx.storage);
    this.#alarm = new AlarmClock(
      () => Date.now(),
      (at) => ctx.waitUntil(ctx.storage.setAlarm(at)),
    );
  }

  async note(victim: string, attempt: number, ageMs: number): Promise<readonly number[]> {
    const now = Date.now();
    this.#store.note(victim, attempt, now - Math.max(0, ageMs), now);
    const sole = this.#store.sole(victim);
    if (this.#alarm.at === Number.POSITIVE_INFINITY) {
      const set = await this.ctx.storage.getAlarm();
      if (set !== null) this.#alarm.recover(set);
      this.#alarm.atLatest(now + KEPT_MS);
    }
    return sole;
  }

  /** Never rejects: the platform gives an alarm up after six failures. */
  override async alarm(info?: AlarmInvocationInfo): Promise<void> {
    this.#alarm.fires(info?.scheduledTime ?? null);
    try {
      const next = this.#store.forget(Date.now());
      if (next === null) {
        await this.#store.deleteAll();
        this.#alarm.deleted();
      } else {
        this.#setAlarm(next);
      }
    } catch (error) {
      console.error(JSON.stringify({ message: "old deaths not deleted", error: String(error) }));
      this.#setAlarm(0);
    } finally {
      this.#alarm.handled();
    }
  }

  /** An alarm is a row written: what comes due within minutes is deleted together. */
  #setAlarm(at: number): void {
    this.#alarm.set(Math.max(at, Date.now() + KEPT_MS / 10));
  }
}
