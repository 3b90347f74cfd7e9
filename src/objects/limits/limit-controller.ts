/**
 * What a limit object does with each call, apart from the platform: it lets the book decide, records what changed, sets the alarm
 * and tells the runs. Storage, clock, alarm and runs come from outside, so that a test can have its own.
 *
 * Order, always: decide → record → alarm → tell. A slot counts as taken from the moment it is recorded, before its run knows of
 * it; should the run never hear of it, the check that the alarm makes tells it again. So a crash at any point costs time, never a
 * slot, and no slot is given twice.
 */
import type {
  LimitName,
  LimitRule,
  SlotHolder,
  SlotRequest,
  Standing,
} from "../../domain/limits/limit.ts";
import { slotId, SlotBook, type AskAnswer, type SlotEntry } from "../../domain/limits/limiter.ts";
import { isNewerFormat } from "../../domain/version.ts";
import { AlarmClock } from "../../platform/alarm-clock.ts";
import type { LimitUse } from "./limit-rpc.ts";
import type { LimitStore } from "./store.ts";

/** Runs told at the same time: an object has six connections, and there may be thousands to tell. */
const TOLD_AT_ONCE = 24;

/** Before an alarm that failed is tried again. `newer`: what is stored waits for the code that has written it. */
const ALARM_PAUSE_MS = { failed: 5_000, newer: 300_000 } as const;

export interface LimitSurroundings {
  /** Epoch milliseconds. */
  now(): number;
  /** Belongs to the commit under way: durable with it, and answers wait for it. */
  setAlarm(at: number): void;
  /** Tells the run that it has the slot (again, in a check); rejects if the run cannot be reached. */
  permitted(name: LimitName, holder: SlotHolder): Promise<Standing>;
  /** Tells the run that the attempt must give way. */
  displaced(name: LimitName, holder: SlotHolder): Promise<Standing>;
  /** What the plan says of this limit that is deployed where the object runs; null: nothing. */
  planned(name: LimitName): LimitRule | null;
  /** There is something here from now on, or (`false`) nothing any more. May fail, and is told again. */
  listed(name: LimitName, isThere: boolean): Promise<void>;
  /** Carries work on beyond the answer. */
  waitUntil(work: Promise<void>): void;
  log(message: string, error: unknown): void;
}

export class LimitProtocol {
  readonly #store: LimitStore;
  readonly #around: LimitSurroundings;
  #book: SlotBook | null = null;
  #name: LimitName | null = null;
  /** Whether it was told in this life that there is something here. */
  #isListed = false;
  /** Settled once the list has learned that there is something here, as far as it was told so; never rejects. */
  #listing: Promise<void> = Promise.resolve();
  readonly #alarm: AlarmClock;
  /** Told after the commit. */
  readonly #untold: SlotEntry[] = [];

  constructor(store: LimitStore, around: LimitSurroundings) {
    this.#store = store;
    this.#around = around;
    this.#alarm = new AlarmClock(
      () => around.now(),
      (at) => around.setAlarm(at),
    );
  }

  ask(name: LimitName, request: SlotRequest): AskAnswer {
    this.#begin(name, request.rule);
    return this.#commit((book, now) => {
      const answer = book.ask(request, now);
      if (answer !== "waiting") return answer;
      const granted = book.grant(now);
      const id = slotId(request.holder);
      this.#tell(granted.filter(({ holder }) => slotId(holder) !== id));
      if (granted.some(({ holder }) => slotId(holder) === id)) return "granted";
      if (request.strategy === "cancel_running") this.#tell(book.displaceFor(request.holder, now));
      return "waiting";
    });
  }

  giveBack(holder: SlotHolder, afterMs: number): void {
    this.#commit((book, now) => {
      book.giveBack(holder, afterMs, now);
      this.#tell(book.grant(now));
    });
  }

  spend(holder: SlotHolder, perMs: number): void {
    this.#commit((book, now) => {
      book.spend(holder, perMs, now);
      this.#tell(book.grant(now));
    });
  }

  use(): LimitUse {
    return this.#commit((book, now) => {
      this.#tell(book.grant(now));
      return { inUse: book.inUse, waiting: book.waiting };
    });
  }

  /** The book, for whoever checks it. */
  get book(): SlotBook {
    return this.#load();
  }

  /** Never rejects: the platform gives an alarm up after six failures. */
  async alarm(firing: number | null): Promise<void> {
    this.#alarm.fires(firing);
    try {
      const name = this.#nameHere();
      this.#commit((book, now) => {
        this.#tell(book.grant(now));
        this.#tell(book.check(now));
      });
      if (this.#load().isEmpty) await this.#end(name);
      else if (name !== null) this.#list(name);
    } catch (error) {
      this.#around.log("the alarm of a limit failed, trying again", error);
      this.#alarm.set(
        this.#around.now() + ALARM_PAUSE_MS[isNewerFormat(error) ? "newer" : "failed"],
      );
    } finally {
      this.#alarm.handled();
    }
  }

  #load(): SlotBook {
    if (this.#book === null) {
      const { entries, window, rule } = this.#store.load();
      this.#book = new SlotBook(entries, window, rule);
    }
    return this.#book;
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

  /** Nothing is left: neither here nor where the limits with a key are listed. */
  async #end(name: LimitName | null): Promise<void> {
    // What says that there is something must not come after what says that there is nothing.
    await this.#listing;
    this.#isListed = false;
    if (name !== null && name.key !== null) await this.#around.listed(name, false);
    if (!this.#load().isEmpty) return this.#alarm.set(this.#around.now() + ALARM_PAUSE_MS.failed);
    this.#book = null;
    this.#name = null;
    await this.#store.deleteAll();
    this.#alarm.deleted();
  }

  #list(name: LimitName): void {
    if (name.key === null || this.#isListed) return;
    this.#isListed = true;
    this.#listing = this.#around.listed(name, true).catch((error: unknown) => {
      this.#isListed = false;
      this.#around.log("a limit is not listed yet", error);
    });
    this.#around.waitUntil(this.#listing);
  }

  /** Memory is never ahead of what is recorded: if recording fails, the book is read again. */
  #commit<T>(decide: (book: SlotBook, now: number) => T): T {
    const book = this.#load();
    try {
      this.#adoptPlanned(book);
      const answer = decide(book, this.#around.now());
      const changes = book.takeChanges();
      if (changes !== null) this.#store.write(changes);
      const next = book.nextAt();
      if (next !== null && next < this.#alarm.at) this.#alarm.set(next);
      return answer;
    } catch (error) {
      this.#book = null;
      this.#untold.length = 0;
      throw error;
    } finally {
      if (this.#untold.length > 0) this.#around.waitUntil(this.#tellAll(this.#untold.splice(0)));
    }
  }

  /** A deploy need not have brought a run yet. */
  #adoptPlanned(book: SlotBook): void {
    const name = this.#nameHere();
    const planned = name === null ? null : this.#around.planned(name);
    if (planned !== null) book.adopt(planned);
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

  /** Whoever cannot be told is told in the next check. */
  async #tellOne({ holder, givesWay }: SlotEntry): Promise<void> {
    const name = this.#nameHere();
    if (name === null) return;
    try {
      const standing = await (givesWay
        ? this.#around.displaced(name, holder)
        : this.#around.permitted(name, holder));
      if (standing.type === "holding") return;
      this.#commit((book, now) => {
        book.heard(holder, standing, now);
        this.#tell(book.grant(now));
      });
    } catch (error) {
      this.#around.log(`${holder.runId} could not be told of its slot`, error);
    }
  }
}
