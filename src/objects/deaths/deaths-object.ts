/**
 * Records which attempts of all runs died with their workers in the last hour, to find the cause. A
 * dying isolate takes along all its drivers and objects, of many runs that do not know of each
 * other. An attempt that dies beside others may be a victim. An attempt that dies alone caused its
 * death (see domain/run/losses.ts).
 *
 * Executor objects report deaths when their alarm is called again, and runs report missing drivers.
 * An unreachable object or a missing record counts in favor of the accused. The object also keeps
 * the docket of suspects, which are tried one after the other (domain/trials.ts).
 */
import { DurableObject } from "cloudflare:workers";
import { askTrial, strikeOff, type Docket, type Trial } from "../../domain/trials.ts";
import { AlarmClock } from "../../platform/alarm-clock.ts";
import type { DeathsRpc } from "./deaths-rpc.ts";
import { DocketStore } from "./docket-store.ts";
import { DeathsStore, KEPT_MS } from "./store.ts";
import { log } from "../../platform/log.ts";

/** Age of a death below which the death is attributed to the attempt on the docket. */
const TOLD_AT_ONCE_MS = 2_000;

export class DeathsObject extends DurableObject<Env> implements DeathsRpc {
  readonly #store = new DeathsStore(this.ctx.storage);
  readonly #docket = new DocketStore(this.ctx.storage);
  readonly #alarm = new AlarmClock({
    now: () => Date.now(),
    setAlarm: (at) => this.ctx.waitUntil(this.ctx.storage.setAlarm(at)),
  });

  async note(
    victim: string,
    attempt: number,
    ageMs: number,
    agoMs = 0,
  ): Promise<readonly number[]> {
    const now = Date.now();
    this.#store.note(victim, attempt, now - Math.max(0, agoMs, ageMs), now - Math.max(0, agoMs));
    // If a death is reported late, the next attempt may be on trial already.
    if (agoMs < TOLD_AT_ONCE_MS) this.#strikeOff(victim);
    const sole = this.#store.sole(victim);
    await this.#forgetLater();
    return sole;
  }

  async explained(victim: string): Promise<readonly number[]> {
    return this.#store.explained(victim);
  }

  async askTrial(victim: string, trial: Trial): Promise<boolean> {
    const { docket, mayBegin } = askTrial(this.#docket.docket(), victim, trial, Date.now());
    this.#docket.keep(docket);
    await this.#forgetLater();
    return mayBegin;
  }

  async trialOver(victim: string): Promise<void> {
    this.#strikeOff(victim);
  }

  #strikeOff(victim: string): void {
    const docket: Docket = this.#docket.docket();
    const others = strikeOff(docket, victim);
    if (others.length < docket.length) this.#docket.keep(others);
  }

  /** Sets the alarm to an hour from now, unless a sooner alarm is set. */
  async #forgetLater(): Promise<void> {
    if (this.#alarm.at !== Number.POSITIVE_INFINITY) return;
    const set = await this.ctx.storage.getAlarm();
    if (set !== null) this.#alarm.recover(set);
    this.#alarm.atLatest(Date.now() + KEPT_MS);
  }

  /** Deletes old deaths. Never rejects: the platform gives an alarm up after six failures. */
  override async alarm(info?: AlarmInvocationInfo): Promise<void> {
    this.#alarm.fires(info?.scheduledTime ?? null);
    try {
      const now = Date.now();
      const next =
        this.#store.forget(now) ??
        this.#docket.docket().find(({ until }) => until > now)?.until ??
        null;
      if (next === null) {
        await this.#store.deleteAll();
        this.#alarm.deleted();
      } else {
        this.#setAlarm(next);
      }
    } catch (error) {
      log("error", "old deaths not deleted", { error });
      this.#setAlarm(0);
    } finally {
      this.#alarm.handled();
    }
  }

  /**
   * Sets the alarm late enough to delete several deaths together, because each setting writes a
   * row.
   */
  #setAlarm(at: number): void {
    this.#alarm.set(Math.max(at, Date.now() + KEPT_MS / 10));
  }
}
