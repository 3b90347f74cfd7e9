/**
 * The platform around one run object: its storage, its alarm, its lives. The object itself is the real `RunProtocol` over the real
 * `RunStore`. A life ends by a reset, a deploy, or by eviction after a while without calls; the next call begins another, which
 * must find in the journal exactly what the last one knew to be committed.
 */
import type { RunId } from "../../src/core/ids.ts";
import type { ChildRun, Run, TaskEntry } from "../../src/core/run.ts";
import type { RunSummary } from "../../src/core/run-summary.ts";
import type { Effect } from "../../src/core/run-event.ts";
import { gatherPage } from "../../src/run/run-items.ts";
import type { FinalNotice, GatherPage } from "../../src/run/run-rpc.ts";
import type { Trouble } from "../../src/run/alarm-trouble.ts";
import { RunProtocol } from "../../src/run/run-protocol.ts";
import { RunStore } from "../../src/run/store.ts";
import type { Bucket } from "./bucket.ts";
import type { Ground } from "../engine-simulation/ground/ground.ts";
import { Invocation, PassingError } from "./invocation.ts";
import { MemoryStorage } from "../support/journal-storage.ts";
import { copied, isSame } from "./plain-data.ts";

export interface RunHostWorld {
  readonly ground: Ground;
  readonly bucket: Bucket;
  perform(life: Invocation, run: Run, effect: Effect): void;
  /** Asks another run whether it is there and not final. */
  isOpen(life: Invocation, runId: RunId): Promise<boolean>;
  /** Has another run know that this is a child of it. */
  tellParent(life: Invocation, parent: RunId, child: ChildRun): Promise<void>;
  /** Tells the catalogue how a run stands; whether it keeps that. */
  tellCatalog(life: Invocation, summary: RunSummary, keep: boolean): Promise<boolean>;
  /** Something was committed by this call, or might have been. */
  observe(host: RunHost, run: Run | null, call: string): void;
  /** The platform gave the alarm up: only a call can help now. */
  alarmGivenUp(host: RunHost): void;
}

interface Life {
  readonly invocation: Invocation;
  readonly protocol: RunProtocol;
}

/** Journals of this world are short, and are kept shorter still. */
const SNAPSHOTS = { times: 1, leastBytes: 1_500 } as const;

export class RunHost {
  readonly runId: RunId;
  readonly storage: MemoryStorage;
  /** By the wall; null if none is set. */
  alarmAt: number | null = null;
  /** When it was set, by the wall: a clock that was set back since makes it late. */
  armedAt = 0;
  /** Whether the alarm was given up, and no call has had it set again. */
  isGivenUp = false;
  /** Whether the handler failed the last time, and tries again after a pause. */
  isFailing = false;
  readonly #world: RunHostWorld;
  /** Which of the alarms that were ever set is the present one. */
  #alarm = 0;
  #alarmsMade = 0;
  /** The alarm was set while the object waited for what it does elsewhere: to delete a run, or to tell others. */
  isLeftBehind = false;
  /** What the alarm was set to that is handled just now; one that fires meanwhile takes its place. */
  #handling: { readonly at: number } | null = null;
  #life: Life | null = null;
  #trouble: Trouble | null = null;
  #usedAt = 0;
  #refusesUntil = 0;
  /** What the journal must tell the next life: the run as the last one knew it; nothing is written in between. */
  #ended: { readonly run: Run | null; readonly writes: number } | null = null;

  constructor(runId: RunId, world: RunHostWorld) {
    this.runId = runId;
    this.#world = world;
    this.storage = new MemoryStorage(async () => {
      this.alarmAt = null;
      this.#trouble = null;
      this.#alarm = ++this.#alarmsMade;
      // Whatever becomes of this life: the same trigger makes another run from now on.
      world.observe(this, null, "deletion");
      await this.#life?.invocation.pause(1);
    });
  }

  get isHandlingAlarm(): boolean {
    return this.#handling !== null;
  }

  /** A call arrives. Throws a `PassingError` if the object refuses, or is reset while it answers. */
  invoke<T>(what: string, work: (protocol: RunProtocol) => T): T {
    const { ground } = this.#world;
    this.#refuseIfOverloaded(what);
    this.#sleepIfIdle();
    const { protocol } = this.#wake();
    if (ground.strikes("reset_before_commit", () => `${this.runId}: ${what}`)) {
      const before = copied(protocol.load());
      const { alarmAt, isGivenUp } = this;
      const alarm = this.#alarm;
      this.storage.undoable("outer", (undo) => {
        this.#attempt(what, () => work(protocol));
        undo();
      });
      this.alarmAt = alarmAt;
      this.isGivenUp = isGivenUp;
      this.#alarm = alarm;
      this.#end("reset", before);
      throw new PassingError("Durable Object reset");
    }
    const answer = this.#attempt(what, () => work(protocol));
    this.#world.observe(this, protocol.load(), what);
    if (ground.strikes("reset_after_commit", () => `${this.runId}: ${what}`)) {
      this.reset("reset");
      throw new PassingError("Durable Object reset");
    }
    return answer;
  }

  /** A call that nothing goes wrong with, unless the object is overloaded, or there is no run. */
  reported<T>(work: (protocol: RunProtocol) => T): T | null {
    if (this.storage.isEmpty || this.#world.ground.scheduler.now < this.#refusesUntil) return null;
    this.#usedAt = this.#world.ground.scheduler.now;
    return work(this.#wake().protocol);
  }

  /** The run as it is committed, without waking anything. */
  peek(): Run | null {
    if (this.#life !== null) return this.#life.protocol.load() ?? new RunStore(this.storage).load();
    // The next life will say whether it is so.
    if (this.#ended?.writes === this.storage.writes) return this.#ended.run;
    return new RunStore(this.storage).load();
  }

  /** What items passed, as the object hands it out. */
  gather(ordinal: number, index: number): GatherPage | null {
    const run = this.peek();
    return run === null ? null : gatherPage(run, new RunStore(this.storage), ordinal, index);
  }

  reset(why: string): void {
    if (this.#life !== null) this.#end(why, this.#life.protocol.load());
  }

  /** What the object's own code throws is never one of the surroundings' errors. */
  #attempt<T>(what: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      this.#world.ground.violate(
        "no throw",
        `${this.runId}: ${what}: ${error instanceof Error ? error.stack : String(error)}`,
      );
      throw error;
    }
  }

  #refuseIfOverloaded(what: string): void {
    const { ground } = this.#world;
    if (ground.strikes("overload", () => `${this.runId}: ${what}`))
      this.#refusesUntil = ground.scheduler.now + ground.dice.between(50, 12_000);
    if (ground.scheduler.now < this.#refusesUntil) throw new PassingError("Durable Object is overloaded");
  }

  /** Platforms evict an idle object after ten seconds at the earliest. */
  #sleepIfIdle(): void {
    const { scheduler, dice } = this.#world.ground;
    if (scheduler.now - this.#usedAt > 10_000 && dice.chance(0.7)) this.reset("evicted");
    this.#usedAt = scheduler.now;
  }

  #wake(): Life {
    const { ground, bucket } = this.#world;
    if (this.#life !== null) return this.#life;
    const invocation = new Invocation(ground, `object of ${this.runId}`, Number.POSITIVE_INFINITY, () =>
      this.reset("crash"),
    );
    let waitsFor = 0;
    const elsewhere = async <T>(work: Promise<T>): Promise<T> => {
      waitsFor += 1;
      try {
        return await work;
      } finally {
        waitsFor -= 1;
      }
    };
    const protocol = new RunProtocol(new RunStore(this.storage, SNAPSHOTS), {
      now: () => ground.wall(),
      // A life that has ended may still have code to run in this process; on the platform it has none.
      setAlarm: (at) => {
        if (!invocation.alive) return;
        this.#arm(at);
        this.isLeftBehind = waitsFor > 0;
      },
      getAlarm: async () => {
        await invocation.pause(1);
        return this.alarmAt;
      },
      // Nobody listens in this world.
      isListenedTo: () => false,
      changed: () => {},
      heard: () => {},
      perform: (run, effect) => this.#world.perform(invocation, run, effect),
      deletePayloads: (runId) => elsewhere(bucket.deleteRun(invocation, runId)),
      // Nothing in this world takes as long as what is abandoned must be old.
      deleteAbandoned: () => elsewhere(bucket.deleteRun(invocation, this.runId)),
      standingsOf: async (parents) => {
        // Nothing goes on in a life that has ended.
        await invocation.pause(0);
        const asked = parents.map((parent) => this.#world.isOpen(invocation, parent));
        const open = await elsewhere(Promise.all(asked));
        return open.map((isOpen) => ({ type: isOpen ? "open" : "gone" }));
      },
      tellParent: (parent, child) => elsewhere(this.#world.tellParent(invocation, parent, child)),
      parentNotTold: (error) => ground.tell(() => `${this.runId} is not told to its parent: ${String(error)}`),
      queueProgress: () => null,
      // Nothing is known of the queue of this world: whoever waits in vain sends again.
      askQueue: async () => {
        await invocation.pause(1);
        return null;
      },
      messageReceived: () => undefined,
      tellCatalog: (summary, keep) => elsewhere(this.#world.tellCatalog(invocation, summary, keep)),
      after: (milliseconds, work) => {
        void invocation.pause(milliseconds).then(work);
        return () => {};
      },
      notShortened: (error) => {
        throw error;
      },
      notTold: (error) => ground.tell(() => `${this.runId} is not told to the catalogue: ${String(error)}`),
      waitUntil: (work) => void work.catch((error: unknown) => ground.violate("no throw", String(error))),
      trouble: {
        read: () => this.#trouble,
        write: (trouble) => {
          this.#trouble = trouble;
        },
        isPassing: (error) => error instanceof PassingError,
        notEnded: (error) => ground.violate("no throw", `${this.runId} could not be ended: ${String(error)}`),
        giveUp: async (error) => ground.violate("no throw", `${this.runId} was given up: ${String(error)}`),
      },
      alarmFailed: (strikes, error) => {
        this.isFailing = true;
        ground.tell(() => `alarm of ${this.runId} failed (${strikes}): ${String(error)}`);
      },
    });
    this.#life = { invocation, protocol };
    const found = protocol.load();
    if (this.#ended !== null && (this.#ended.writes !== this.storage.writes || !isSameRun(found, this.#ended.run))) {
      ground.violate(
        "journal",
        `${this.runId}: the journal tells another run than was committed\n  was   ${digest(this.#ended.run)}\n  found ${digest(found)}`,
      );
    }
    return this.#life;
  }

  #end(why: string, committed: Run | null): void {
    this.#world.ground.tell(() => `object of ${this.runId}: ${why}`);
    const ended = this.#life;
    this.#life = null;
    this.#ended = { run: this.storage.isEmpty ? null : committed, writes: this.storage.writes };
    if (ended !== null) ended.invocation.alive = false;
    if (this.#handling !== null) this.#handleAgain(this.#handling.at);
  }

  #arm(at: number): void {
    const { ground } = this.#world;
    this.alarmAt = at;
    this.armedAt = ground.wall();
    const number = ++this.#alarmsMade;
    this.#alarm = number;
    this.isGivenUp = false;
    if (!(at < 8.64e15)) ground.violate("2 never stuck", `${this.runId}: the alarm is set to ${at}`);
    // Seen on the local runtime: an alarm set to the time of the one that is running never fires.
    if (at === this.#handling?.at) return;
    const lateMs = ground.strikes("alarm_late", () => this.runId)
      ? ground.dice.between(1_000, 90_000)
      : ground.dice.between(0, 5);
    ground.scheduler.after(at - ground.wall() + lateMs, () => {
      if (number === this.#alarm) this.#fire(at);
    });
  }

  #fire(at: number): void {
    const { ground } = this.#world;
    this.alarmAt = null;
    if (ground.strikes("alarm_given_up", () => this.runId)) {
      this.isGivenUp = true;
      this.#world.alarmGivenUp(this);
      return;
    }
    if (ground.strikes("alarm_doubled", () => this.runId))
      ground.scheduler.after(ground.dice.between(0, 3_000), () => void this.#handle(at));
    void this.#handle(at);
  }

  async #handle(at: number): Promise<void> {
    // Nothing of the handler has begun before that.
    this.#sleepIfIdle();
    const handling = { at };
    this.#handling = handling;
    this.isFailing = false;
    let done = Promise.resolve();
    try {
      this.invoke("alarm", (protocol) => {
        done = protocol.alarm(at);
      });
      await done;
      if (this.#handling === handling) this.#handling = null;
      this.#world.observe(this, this.peek(), "alarm");
    } catch {
      // Refused, or reset: the errors of the surroundings; the object's own are told already.
      if (this.#handling !== null) this.#handleAgain(at);
    }
  }

  /** The platform calls the handler again if it did not come to its end, unless another alarm was set. */
  #handleAgain(at: number): void {
    this.#handling = null;
    if (this.alarmAt !== null) return;
    this.alarmAt = at;
    const number = ++this.#alarmsMade;
    this.#alarm = number;
    this.#world.ground.scheduler.after(this.#world.ground.dice.between(500, 4_000), () => {
      if (number === this.#alarm) this.#fire(at);
    });
  }
}

/** All but the graph: the checker compares that with what was accepted. */
function isSameRun(one: Run | null, other: Run | null): boolean {
  if (one === null || other === null) return one === other;
  return (
    isSame(one, other, ["graph", "tasks", "items"]) &&
    areSame(one.tasks, other.tasks) &&
    areSame(one.items, other.items)
  );
}

function areSame(entries: readonly TaskEntry[], others: readonly TaskEntry[]): boolean {
  return entries.length === others.length && entries.every((entry, index) => isSame(entry, others[index], ["task"]));
}

/** All that a run is, as text. */
function digest(run: Run | null): string {
  return run === null ? "none" : JSON.stringify({ ...run, active: [...run.active].toSorted((a, b) => a - b) });
}

/** What a run tells those who await it. */
export function finalNotice(runId: RunId): FinalNotice {
  return { runId, status: "succeeded", document: null };
}
