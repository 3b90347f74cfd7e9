/**
 * The platform around one limit object: its storage, its alarm, its lives. The object itself is the real `LimitProtocol` over the
 * real `LimitStore`. A life ends by a reset, a deploy, or by eviction; the next one knows what was committed.
 */
import type { LimitName, SlotHolder, Standing } from "../../src/core/limit.ts";
import type { SlotBook } from "../../src/core/slot-book.ts";
import { LimitProtocol } from "../../src/limits/limit-protocol.ts";
import { LimitStore } from "../../src/limits/limit-store.ts";
import type { Ground } from "../engine-simulation/ground/ground.ts";
import { Invocation, PassingError } from "./invocation.ts";
import { MemoryStorage } from "../support/journal-storage.ts";

export interface LimitHostWorld {
  readonly ground: Ground;
  permitted(life: Invocation, name: LimitName, holder: SlotHolder): Promise<Standing>;
  displaced(life: Invocation, holder: SlotHolder): Promise<Standing>;
  /** Something was committed, or might have been. */
  observe(host: LimitHost): void;
}

export class LimitHost {
  readonly name: LimitName;
  readonly storage: MemoryStorage;
  /** By the wall; null if none is set. */
  alarmAt: number | null = null;
  readonly #world: LimitHostWorld;
  #alarms = 0;
  #isHandlingAlarm = false;
  #read: { readonly writes: number; readonly book: SlotBook } | null = null;
  #life: { readonly invocation: Invocation; readonly protocol: LimitProtocol } | null = null;

  constructor(name: LimitName, world: LimitHostWorld) {
    this.name = name;
    this.#world = world;
    this.storage = new MemoryStorage(async () => {
      this.alarmAt = null;
      this.#alarms += 1;
      await this.#life?.invocation.pause(1);
    });
  }

  /** A call arrives. Throws a `PassingError` if the object is reset while it answers. */
  invoke<T>(what: string, work: (protocol: LimitProtocol) => T): T {
    const { ground } = this.#world;
    const { protocol } = this.#wake();
    const place = (): string => `${this.name.kind} of ${this.name.task}: ${what}`;
    if (ground.strikes("reset_before_commit", place)) {
      const { alarmAt } = this;
      this.storage.undoable("outer", (undo) => {
        work(protocol);
        undo();
      });
      this.#arm(alarmAt);
      this.reset("reset");
      throw new PassingError("Durable Object reset");
    }
    const answer = work(protocol);
    this.#world.observe(this);
    if (ground.strikes("reset_after_commit", place)) {
      this.reset("reset");
      throw new PassingError("Durable Object reset");
    }
    return answer;
  }

  /** The slots as they are committed. */
  get book(): SlotBook {
    const { writes } = this.storage;
    if (this.#read?.writes !== writes)
      this.#read = { writes, book: new LimitProtocol(new LimitStore(this.storage), this.#blind()).book };
    return this.#read.book;
  }

  reset(why: string): void {
    if (this.#life === null) return;
    this.#world.ground.tell(() => `limit object of ${this.name.task}: ${why}`);
    this.#life.invocation.alive = false;
    this.#life = null;
    if (this.#isHandlingAlarm) this.#handleAgain();
  }

  #wake() {
    if (this.#life !== null && this.#world.ground.dice.chance(0.1)) this.reset("evicted");
    if (this.#life !== null) return this.#life;
    const { ground } = this.#world;
    const invocation = new Invocation(ground, `limit object of ${this.name.task}`, Number.POSITIVE_INFINITY, () =>
      this.reset("crash"),
    );
    const protocol = new LimitProtocol(new LimitStore(this.storage), {
      now: () => ground.wall(),
      setAlarm: (at) => this.#arm(at),
      permitted: (name, holder) => this.#world.permitted(invocation, name, holder),
      displaced: (_name, holder) => this.#world.displaced(invocation, holder),
      planned: () => null,
      listed: () => invocation.pause(1),
      waitUntil: (work) =>
        void work.then(
          () => this.#world.observe(this),
          (error: unknown) => ground.violate("no throw", String(error)),
        ),
      log: (message, error) => ground.tell(() => `limit object of ${this.name.task}: ${message}: ${String(error)}`),
    });
    this.#life = { invocation, protocol };
    return this.#life;
  }

  #arm(at: number | null): void {
    const { ground } = this.#world;
    this.alarmAt = at;
    const number = ++this.#alarms;
    if (at === null) return;
    const lateMs = ground.strikes("alarm_late", () => this.name.task)
      ? ground.dice.between(1_000, 90_000)
      : ground.dice.between(0, 5);
    ground.scheduler.after(at - ground.wall() + lateMs, () => {
      if (number === this.#alarms) void this.#fire(at);
    });
  }

  async #fire(at: number): Promise<void> {
    this.alarmAt = null;
    this.#isHandlingAlarm = true;
    try {
      let done = Promise.resolve();
      this.invoke("alarm", (protocol) => {
        done = protocol.alarm(at);
      });
      await done;
      this.#isHandlingAlarm = false;
      this.#world.observe(this);
    } catch {
      if (this.#isHandlingAlarm) this.#handleAgain();
    }
  }

  /** The platform calls the handler again if it did not come to its end, unless another alarm was set. */
  #handleAgain(): void {
    const { ground } = this.#world;
    this.#isHandlingAlarm = false;
    if (this.alarmAt === null) this.#arm(ground.wall() + ground.dice.between(500, 4_000));
  }

  #blind() {
    const never = (): Promise<never> => Promise.reject(new Error("only looked at"));
    return {
      now: () => this.#world.ground.wall(),
      setAlarm: () => {},
      permitted: never,
      displaced: never,
      planned: () => null,
      listed: never,
      waitUntil: () => {},
      log: () => {},
    };
  }
}
