/**
 * The decisions of a limit object, apart from the platform: the limiter decides, this file stores
 * the changes, sets the alarm and notifies the runs. Storage, clock, alarm and runs come from
 * outside, so that a test can supply them.
 *
 * The order is always: decide → store → alarm → notify. A slot is taken once stored, before the run
 * learns of the slot; the alarm checks each holder and repeats a lost notification. A crash at any
 * point therefore costs time, never a slot, and no slot is granted twice.
 */
import type {
  LimitName,
  LimitRule,
  SlotHolder,
  SlotRequest,
  SlotStatus,
} from "../../domain/limits/limit.ts";
import {
  slotId,
  Limiter,
  type AcquireAnswer,
  type SlotEntry,
} from "../../domain/limits/limiter.ts";
import { isNewerFormat } from "../../domain/version.ts";
import { AlarmClock } from "../../platform/alarm-clock.ts";
import type { LimitUse } from "./limit-rpc.ts";
import type { LimitStore } from "./store.ts";

/**
 * Limit of concurrent notifications: an object has six connections, and thousands of runs may wait.
 */
const TOLD_AT_ONCE = 24;

/**
 * Delay after a failed alarm. `newer`: the stored data waits for the newer code that wrote the
 * data.
 */
const ALARM_RETRY_MS = { failed: 5_000, newer: 300_000 } as const;

export interface LimitHost {
  /** Epoch milliseconds. */
  now(): number;
  /** Sets the alarm in the commit under way: durable with the commit, and answers wait for both. */
  setAlarm(at: number): void;
  /**
   * Notifies the run of the granted slot, and again in each check. Rejects if the run cannot be
   * reached.
   */
  permitted(name: LimitName, holder: SlotHolder): Promise<SlotStatus>;
  /** Notifies the run that the attempt is preempted. */
  displaced(name: LimitName, holder: SlotHolder): Promise<SlotStatus>;
  /** Returns the rule of this limit in the deployed plan; null without a rule. */
  planned(name: LimitName): LimitRule | null;
  /** Reports the limit to the list as used, or (`false`) as unused. May fail, and is retried. */
  listed(name: LimitName, isThere: boolean): Promise<void>;
  /** Continues work after the answer. */
  waitUntil(work: Promise<void>): void;
  log(message: string, error: unknown): void;
}

export class LimitController {
  readonly #store: LimitStore;
  readonly #host: LimitHost;
  #limiter: Limiter | null = null;
  #name: LimitName | null = null;
  /** The list of limits was told of this limit in this life of the object. */
  #isListed = false;
  /** Settles once the report to the list has succeeded or failed; never rejects. */
  #listing: Promise<void> = Promise.resolve();
  readonly #alarm: AlarmClock;
  /** Notifications to send after the commit. */
  readonly #untold: SlotEntry[] = [];

  constructor(store: LimitStore, host: LimitHost) {
    this.#store = store;
    this.#host = host;
    this.#alarm = new AlarmClock(host);
  }

  ask(name: LimitName, request: SlotRequest): AcquireAnswer {
    this.#begin(name, request.rule);
    return this.#commit((limiter, now) => {
      const answer = limiter.acquire(request, now);
      if (answer !== "waiting") return answer;
      const granted = limiter.grant(now);
      const id = slotId(request.holder);
      this.#tell(granted.filter(({ holder }) => slotId(holder) !== id));
      if (granted.some(({ holder }) => slotId(holder) === id)) return "granted";
      if (request.strategy === "cancel_running")
        this.#tell(limiter.preemptFor(request.holder, now));
      return "waiting";
    });
  }

  giveBack(holder: SlotHolder, afterMs: number): void {
    this.#commit((limiter, now) => {
      limiter.release(holder, afterMs, now);
      this.#tell(limiter.grant(now));
    });
  }

  spend(holder: SlotHolder, perMs: number): void {
    this.#commit((limiter, now) => {
      limiter.consume(holder, perMs, now);
      this.#tell(limiter.grant(now));
    });
  }

  use(): LimitUse {
    return this.#commit((limiter, now) => {
      this.#tell(limiter.grant(now));
      return { inUse: limiter.inUse, waiting: limiter.waiting };
    });
  }

  /** The limiter, for checks by tests. */
  get limiter(): Limiter {
    return this.#load();
  }

  /** Handles the alarm. Never rejects: the platform gives an alarm up after six failures. */
  async alarm(firing: number | null): Promise<void> {
    this.#alarm.fires(firing);
    try {
      const name = this.#nameHere();
      this.#commit((limiter, now) => {
        this.#tell(limiter.grant(now));
        this.#tell(limiter.takeDue(now));
      });
      if (this.#load().isEmpty) await this.#end(name);
      else if (name !== null) this.#list(name);
    } catch (error) {
      this.#host.log("the alarm of a limit failed, trying again", error);
      this.#alarm.set(this.#host.now() + ALARM_RETRY_MS[isNewerFormat(error) ? "newer" : "failed"]);
    } finally {
      this.#alarm.handled();
    }
  }

  #load(): Limiter {
    if (this.#limiter === null) {
      const { entries, window, rule } = this.#store.load();
      this.#limiter = new Limiter(entries, window, rule);
    }
    return this.#limiter;
  }

  #nameHere(): LimitName | null {
    this.#name ??= this.#store.name();
    return this.#name;
  }

  #begin(name: LimitName, rule: LimitRule): void {
    if (this.#nameHere() !== null) return;
    this.#store.noteName(name, rule);
    this.#name = name;
    this.#list(name);
  }

  /** Deletes an empty object: first its entry in the list of keyed limits, then its rows. */
  async #end(name: LimitName | null): Promise<void> {
    // A late report of use must not follow the report of the end.
    await this.#listing;
    this.#isListed = false;
    if (name !== null && name.key !== null) await this.#host.listed(name, false);
    if (!this.#load().isEmpty) return this.#alarm.set(this.#host.now() + ALARM_RETRY_MS.failed);
    this.#limiter = null;
    this.#name = null;
    await this.#store.deleteAll();
    this.#alarm.deleted();
  }

  #list(name: LimitName): void {
    if (name.key === null || this.#isListed) return;
    this.#isListed = true;
    this.#listing = this.#host.listed(name, true).catch((error: unknown) => {
      this.#isListed = false;
      this.#host.log("a limit is not listed yet", error);
    });
    this.#host.waitUntil(this.#listing);
  }

  /**
   * Commits a decision. Memory is never ahead of the stored rows: after a failed write the limiter
   * is loaded again.
   */
  #commit<T>(decide: (limiter: Limiter, now: number) => T): T {
    const limiter = this.#load();
    try {
      this.#adoptPlanned(limiter);
      const answer = decide(limiter, this.#host.now());
      const changes = limiter.takeChanges();
      if (changes !== null) this.#store.write(changes);
      const next = limiter.nextAt();
      if (next !== null && next < this.#alarm.at) this.#alarm.set(next);
      return answer;
    } catch (error) {
      this.#limiter = null;
      this.#untold.length = 0;
      throw error;
    } finally {
      if (this.#untold.length > 0) this.#host.waitUntil(this.#tellAll(this.#untold.splice(0)));
    }
  }

  /** Adopts the rule of the deployed plan: a new deployment may not have started a run yet. */
  #adoptPlanned(limiter: Limiter): void {
    const name = this.#nameHere();
    const planned = name === null ? null : this.#host.planned(name);
    if (planned !== null) limiter.adopt(planned);
  }

  #tell(entries: readonly SlotEntry[]): void {
    this.#untold.push(...entries);
  }

  async #tellAll(entries: readonly SlotEntry[]): Promise<void> {
    for (let from = 0; from < entries.length; from += TOLD_AT_ONCE)
      await Promise.all(
        entries.slice(from, from + TOLD_AT_ONCE).map((entry) => this.#tellOne(entry)),
      );
  }

  /** Notifies a holder; the next check repeats a failed notification. */
  async #tellOne({ holder, givesWay }: SlotEntry): Promise<void> {
    const name = this.#nameHere();
    if (name === null) return;
    try {
      const standing = await (givesWay
        ? this.#host.displaced(name, holder)
        : this.#host.permitted(name, holder));
      if (standing.type === "holding") return;
      this.#commit((limiter, now) => {
        limiter.applyStatus(holder, standing, now);
        this.#tell(limiter.grant(now));
      });
    } catch (error) {
      this.#host.log(`${holder.runId} could not be told of its slot`, error);
    }
  }
}
