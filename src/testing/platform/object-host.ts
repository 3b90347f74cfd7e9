/**
 * The platform around one object of the worker: storage, alarm, and lives. A life ends by a reset,
 * a deploy, the death of the isolate, or by eviction after a while without calls. The next life
 * sees the committed state.
 *
 * Output gate: the effects of a turn leave the object after the writes of the turn are durable, or
 * not at all.
 *
 * The class has about 340 lines: calls, turns and the alarm of an object begin and end its lives.
 */
import type { Isolate } from "./isolate.ts";
import { Life } from "./life.ts";
import { ObjectStorage } from "./object-storage.ts";
import type { Committer, Platform } from "./platform.ts";
import { failWith, invoke, type Answer, type Arrive } from "./rpc.ts";
import { storageFace } from "./storage-face.ts";

/**
 * The time without calls until the platform evicts an object. After the greatest time even pending
 * work does not keep the object alive.
 */
const IDLE_MS = { least: 10_000, most: 140_000 } as const;
const ALARM_TRIES = 6;
const ALARM_LIMIT_MS = 15 * 60_000;

/** A call performed by an object. */
export interface Performed {
  readonly method: string;
  readonly value: unknown;
}

export interface ObjectPlace {
  readonly platform: Platform;
  readonly className: string;
  readonly name: string;
  /** The skew of the clock, in milliseconds. */
  readonly skewMs: number;
  /** Returns the isolate of the next life. */
  isolate(): Isolate;
  env(life: Life): object;
  exports(life: Life): object;
  /** Reports a commit, with the calls answered in the same turn. */
  committed(host: ObjectHost, performed: readonly Performed[]): void;
  /** Tests if the platform may give up the alarm of an object. */
  mayGiveUp(host: ObjectHost): boolean;
  alarmGivenUp(host: ObjectHost): void;
  /** Tests if the object refuses the call of this method. */
  refuses(host: ObjectHost, method: string): boolean;
  /** Reports the arrival of a call. */
  called(host: ObjectHost, method: string, given: readonly unknown[]): void;
}

export class ObjectHost implements Committer {
  readonly name: string;
  readonly className: string;
  readonly storage: ObjectStorage;
  /** True if the platform gave up the alarm, and the object has set no alarm since. */
  isGivenUp = false;
  /** The number of handled alarms. */
  alarms = 0;
  /** The number of lives that a reset or a crash ended. */
  deaths = 0;
  /**
   * The delay of the last handled alarm by the object's own clock, in milliseconds. Setting the
   * clock of the machine does not move alarms.
   */
  alarmLateMs = 0;
  readonly #place: ObjectPlace;
  readonly #platform: Platform;
  #life: { readonly life: Life; readonly instance: object } | null = null;
  /** The promise of `blockConcurrencyWhile`. Events wait until the promise settles. */
  #gate: Promise<unknown> | null = null;
  #outbox: (() => void)[] = [];
  /** The calls answered in the present turn. */
  #performed: Performed[] = [];
  #usedAt = 0;
  #refusesUntil = 0;
  /** The armed alarm, and its number among all alarms of the object. */
  #armed: number | null = null;
  #arming = 0;
  /** The time of the alarm under handling. */
  #handling: number | null = null;
  /** The time of an alarm that came due during the handler. */
  #dueMeanwhile: number | null = null;
  #tries = 0;
  /** True while the platform waits to repeat a failed handler. */
  #isRepeating = false;

  constructor(place: ObjectPlace) {
    this.#place = place;
    this.#platform = place.platform;
    this.name = place.name;
    this.className = place.className;
    this.storage = new ObjectStorage(place.className, () => this.#platform.takesTurn(this));
  }

  get label(): string {
    return `${this.className} ${this.name}`;
  }

  /**
   * Returns the answer to a direct call, without a way over the network. Undefined: the object
   * sleeps.
   */
  ask(method: string, given: readonly unknown[]): unknown {
    if (this.#life === null) return undefined;
    const { life, instance } = this.#life;
    const called: unknown = Reflect.get(instance, method);
    if (typeof called !== "function") throw new Error(`${this.label} has no method ${method}`);
    life.isolate.enter();
    return Reflect.apply(called, instance, given);
  }

  /** Runs code on the awake instance, without a way over the network. Throws if asleep. */
  within<T>(work: (instance: object) => T): T {
    if (this.#life === null) throw new Error(`${this.label} sleeps`);
    const { life, instance } = this.#life;
    life.isolate.enter();
    return work(instance);
  }

  get isAwake(): boolean {
    return this.#life !== null;
  }

  get isHandlingAlarm(): boolean {
    return this.#handling !== null;
  }

  get isAlarmRepeated(): boolean {
    return this.#isRepeating;
  }

  /** Returns the time of the machine's clock. */
  now(): number {
    return this.#platform.ground.wall() + this.#place.skewMs;
  }

  /** Returns the arrival of a call of this method. */
  arrival(method: string, given: readonly unknown[]): Arrive {
    return (answer, remote) => {
      if (this.#refuses(answer, method)) return;
      this.#enter((life, instance) => {
        this.#place.called(this, method, given);
        invoke(life, instance, method, given, answer, remote, (value) => {
          this.#performed.push({ method, value });
          this.#platform.takesTurn(this);
        });
      });
    };
  }

  reset(why: string): void {
    this.#life?.life.kill(why);
  }

  endTurn(): void {
    const outbox = this.#outbox.splice(0);
    const performed = this.#performed.splice(0);
    const { ground } = this.#platform;
    if (this.storage.isDirty) {
      if (this.#life !== null && ground.strikes("reset_before_commit", () => this.label)) {
        this.reset("reset before its commit");
        return;
      }
      this.storage.commit();
      this.#arm();
      this.#place.committed(this, performed);
      if (this.#life !== null && ground.strikes("reset_after_commit", () => this.label)) {
        // Observers see the commit before any effect.
        const { life } = this.#life;
        this.#platform.after(life, 0, () => life.kill("reset after its commit"));
        return;
      }
    }
    for (const effect of outbox) effect();
  }

  #refuses(answer: Answer, method: string): boolean {
    const { ground } = this.#platform;
    if (ground.strikes("overload", () => `${this.label}: ${method}`))
      this.#refusesUntil = ground.scheduler.now + ground.dice.between(50, 12_000);
    if (ground.scheduler.now >= this.#refusesUntil && !this.#place.refuses(this, method))
      return false;
    failWith(answer, "overloaded");
    return true;
  }

  /**
   * Runs work in the object's life. Wakes a sleeping object first. While the object blocks events,
   * the work waits.
   */
  #enter(work: (life: Life, instance: object) => void): void {
    const { life, instance } = this.#wake();
    this.#platform.current = life;
    if (this.#gate === null) work(life, instance);
    else void this.#gate.then(() => (life.alive ? work(life, instance) : undefined));
  }

  #wake(): { readonly life: Life; readonly instance: object } {
    const { now } = this.#platform.ground.scheduler;
    const known = this.#life;
    if (known !== null) {
      const idleMs =
        known.life.answers.size > 0 || this.#handling !== null ? 0 : now - this.#usedAt;
      const isIdle = idleMs > (known.life.pending === 0 ? IDLE_MS.least : IDLE_MS.most);
      this.#usedAt = now;
      if (!isIdle || !this.#platform.dice.chance(0.7)) return known;
      this.#platform.ground.tell(() => `${this.label}: evicted`);
      known.life.end();
    }
    this.#usedAt = now;
    const life = new Life(
      this.#platform,
      this.label,
      this.#place.isolate(),
      this.#place.skewMs,
      (effect) => {
        this.#outbox.push(effect);
        this.#platform.takesTurn(this);
      },
    );
    life.onDeath(() => this.#ended(life));
    this.#gate = null;
    this.#platform.current = life;
    const instance = life.isolate.make(this.className, this.#context(life), this.#place.env(life));
    this.#life = { life, instance };
    return this.#life;
  }

  #ended(life: Life): void {
    if (life.wasKilled) this.deaths += 1;
    if (this.#life?.life !== life) return;
    this.#life = null;
    this.#outbox = [];
    this.#gate = null;
    this.storage.rollback();
    const at = this.#handling;
    if (at === null) return;
    this.#handling = null;
    this.#fireDue();
    // The platform calls the handler again.
    this.#again(at, this.#platform.dice.between(500, 4_000));
  }

  #context(life: Life): object {
    const { storage } = this;
    const check = (): void => {
      if (!life.alive) throw new Error(`${this.label} is used by a life of it that is over`);
    };
    return {
      id: { name: this.name, toString: () => `id-of-${this.name}`, equals: () => false },
      exports: this.#place.exports(life),
      props: {},
      waitUntil: (work: Promise<unknown>) => life.carry(Promise.resolve(work)),
      passThroughOnException: () => undefined,
      blockConcurrencyWhile: (work: () => Promise<unknown>) => {
        const done = work();
        const gate = done.finally(() => {
          if (this.#gate === gate) this.#gate = null;
        });
        this.#gate = gate;
        return done;
      },
      getWebSockets: () => [],
      abort: () => life.kill("it has aborted itself"),
      storage: storageFace(
        storage,
        check,
        () =>
          new Promise((resolve) => {
            life.send(() => this.#platform.resume(life, this.#platform.tickMs, resolve));
          }),
      ),
    };
  }

  /** Arms the committed alarm. */
  #arm(): void {
    const at = this.storage.alarmAt;
    if (at === this.#armed) return;
    this.#armed = at;
    const number = ++this.#arming;
    this.#isRepeating = false;
    this.isGivenUp = false;
    if (at === null) return;
    const { ground, dice } = this.#platform;
    if (!(at < 8.64e15))
      ground.violate("2 never stuck", `${this.label}: the alarm is set to ${at}`);
    // Observed on the local runtime: an alarm set to the time of the running alarm never fires.
    if (at === this.#handling) return;
    this.#tries = 0;
    const fire = (): void => {
      if (number === this.#arming) this.#fire(at);
    };
    this.#platform.after(null, at - this.now() + dice.between(0, 5), () => {
      // The fault strikes when the alarm is due, not when the alarm was set: checks look for the
      // cause of an effect shortly before the effect.
      if (number === this.#arming && ground.strikes("alarm_late", () => this.label))
        this.#platform.after(null, dice.between(1_000, 90_000), fire);
      else fire();
    });
  }

  #fire(at: number): void {
    const { ground, dice } = this.#platform;
    if (this.#handling !== null) {
      this.#dueMeanwhile = at;
      return;
    }
    this.#armed = null;
    this.storage.takeAlarm();
    if (this.#place.mayGiveUp(this) && ground.strikes("alarm_given_up", () => this.label))
      return this.#giveUp();
    if (ground.strikes("alarm_doubled", () => this.label))
      this.#platform.after(
        null,
        dice.between(0, 3_000),
        () => this.#handling === null && this.#handle(at),
      );
    this.#handle(at);
  }

  /** Fires an alarm that came due during the handler, unless the object has moved the alarm. */
  #fireDue(): void {
    const due = this.#dueMeanwhile;
    this.#dueMeanwhile = null;
    if (due === null || this.storage.alarmAt !== due) return;
    const number = this.#arming;
    this.#platform.after(null, this.#platform.tickMs, () => {
      if (number === this.#arming) this.#fire(due);
    });
  }

  #handle(at: number): void {
    this.#handling = at;
    this.alarms += 1;
    this.alarmLateMs = Math.max(0, this.now() - at);
    const retryCount = this.#tries;
    this.#enter((life, instance) => {
      life.pending += 1;
      // The end of the handler counts once the writes are durable. Otherwise the platform repeats.
      const ended = (then: () => void): void => {
        life.send(() => {
          life.pending -= 1;
          this.#handling = null;
          this.#fireDue();
          then();
        });
      };
      this.#platform.after(life, ALARM_LIMIT_MS, () => {
        if (this.#handling === at) life.kill("its alarm handler has run for 15 minutes");
      });
      const info = { scheduledTime: at, retryCount, isRetry: retryCount > 0 };
      const alarm: unknown = Reflect.get(instance, "alarm");
      if (typeof alarm !== "function") throw new Error(`${this.label} has no alarm handler`);
      const call = async (): Promise<void> => {
        await Reflect.apply(alarm, instance, [info]);
        ended(() => undefined);
      };
      call().catch((error: unknown) => {
        this.#platform.thrown(life, "alarm", error);
        ended(() => {
          this.#tries += 1;
          if (this.#tries > ALARM_TRIES) this.#giveUp();
          else this.#again(at, 2_000 * 2 ** (this.#tries - 1));
        });
      });
    });
  }

  /** Calls the handler again for the same alarm, unless the object has set another alarm. */
  #again(at: number, inMs: number): void {
    if (this.storage.alarmAt !== null) return;
    const number = ++this.#arming;
    this.#isRepeating = true;
    this.#platform.after(null, inMs, () => {
      if (number !== this.#arming) return;
      this.#isRepeating = false;
      if (this.storage.alarmAt === null && this.#handling === null) this.#handle(at);
    });
  }

  #giveUp(): void {
    this.isGivenUp = true;
    this.#tries = 0;
    this.#place.alarmGivenUp(this);
  }
}
