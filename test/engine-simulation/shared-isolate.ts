/**
 * One isolate shared by many runs, as invocations and objects share isolates on the platform. A task that kills the
 * isolate kills all that runs there. Runs, executor objects and the witness of deaths are the real ones. The platform
 * calls the alarm of an object again that died with the isolate.
 */
import { runIdFromBytes } from "../../src/domain/ids.ts";
import { nextWakeAt } from "../../src/domain/run/machine.ts";
import { askTrial, strikeOff, type Docket } from "../../src/domain/trials.ts";
import { DeathsStore } from "../../src/objects/deaths/store.ts";
import type { Lease } from "../../src/objects/run/lease-rpc.ts";
import type { Settlement } from "../../src/objects/run/settlement-rpc.ts";
import { ExecutorController } from "../../src/execution/long-lane/executor-controller.ts";
import type { ExecutorOrder, WitnessReport } from "../../src/execution/long-lane/executor-order.ts";
import { Play } from "../support/run-play.ts";
import { Dice } from "../../src/testing/ground/dice.ts";
import { MemoryStorage } from "../support/journal-storage.ts";
import { Scheduler } from "../../src/testing/ground/scheduler.ts";

const START = 1_000_000;
const CALL_MS = 5;
/** The platform calls the alarm of an object that died in it again after about so long. */
const ALARM_AGAIN_MS = { least: 1_500, most: 2_500 } as const;

/** A client gives a witness that does not answer up after so long. */
const SILENT_MS = 10_000;

/** What the one task of a run does: it ends after so long, or takes the isolate with it. */
export interface Character {
  readonly timeoutMs: number;
  readonly worksMs?: number;
  readonly killsMs?: number;
  /** When its run is triggered. */
  readonly atMs?: number;
}

interface Executor {
  order: ExecutorOrder | null;
  protocol: ExecutorController;
  /** Counts up: what an earlier life has asked for does not come back to it. */
  life: number;
  isUnderWay: boolean;
  isExecuting: boolean;
  alarm: number;
}

export class SharedIsolate {
  readonly plays: Play[] = [];
  /** When, for each run, an attempt of it has died with the isolate. */
  readonly deaths: number[][] = [];
  /** Nobody can ask the witness. */
  isSilent = false;
  readonly #scheduler = new Scheduler();
  readonly #dice: Dice;
  readonly #witness = new DeathsStore(new MemoryStorage(async () => {}));
  #docket: Docket = [];
  readonly #executors = new Map<string, Executor>();
  readonly #does: readonly Character[];

  constructor(seed: number, does: readonly Character[]) {
    this.#dice = new Dice(seed);
    this.#does = does;
    for (const [index, { timeoutMs, atMs = 0 }] of does.entries()) {
      const id = runIdFromBytes(Uint8Array.from({ length: 16 }, () => this.#dice.between(0, 255)));
      this.deaths.push([]);
      this.#scheduler.after(atMs, () => {
        const play = new Play("a", { a: { timeoutMs, retries: 0 } }, { now: this.#now, genesis: { id } });
        this.plays[index] = play;
        this.#follow(index, play);
      });
    }
  }

  /** Until nothing happens any more. How long it took until every run was final. */
  async live(): Promise<number> {
    await this.#scheduler.run(1_000_000, () => true);
    return Math.max(...this.plays.map(({ run }) => run.finishedAt ?? Number.POSITIVE_INFINITY)) - START;
  }

  get #now(): number {
    return START + this.#scheduler.now;
  }

  /** Performs what an event of the run has led to, and wakes it when it is due. */
  #follow(index: number, play: Play): void {
    for (const { name, trial } of play.effects("start_executor"))
      this.#scheduler.after(CALL_MS, () => this.#executor(index, play, name).protocol.start(play.run.id, 0, trial));
    const dueAt = nextWakeAt(play.run);
    if (play.run.finishedAt !== null) return;
    this.#scheduler.after(dueAt - this.#now, () => {
      if (nextWakeAt(play.run) !== dueAt || play.run.finishedAt !== null) return;
      play.now = this.#now;
      play.wake();
      this.#follow(index, play);
    });
  }

  #executor(index: number, play: Play, name: string): Executor {
    const known = this.#executors.get(name);
    if (known !== undefined) return known;
    const life = 0;
    const executor: Executor = {
      order: null,
      life,
      isUnderWay: false,
      isExecuting: false,
      alarm: 0,
      protocol: new ExecutorController(this.#surroundings(index, play, name, life)),
    };
    this.#executors.set(name, executor);
    return executor;
  }

  #surroundings(
    index: number,
    play: Play,
    name: string,
    life: number,
  ): ConstructorParameters<typeof ExecutorController>[0] {
    const executor = (): Executor => this.#executor(index, play, name);
    /** Answers a call of this life; one that has died gets none. */
    const answered = <T>(work: () => T, ms = CALL_MS): Promise<T> =>
      new Promise((resolve) => {
        this.#scheduler.after(ms, () => {
          if (executor().life === life) resolve(work());
        });
      });
    const victim = play.run.id.padEnd(64);
    return {
      now: () => this.#now,
      version: "one",
      order: () => executor().order,
      note: (order) => {
        executor().order = order;
      },
      sync: () => answered(() => undefined, 1),
      deleteAll: async () => {
        executor().order = null;
        executor().alarm += 1;
      },
      setAlarm: (at) => this.#arm(index, play, name, at - this.#now),
      begin: (_order, claim) =>
        answered(() => {
          play.now = this.#now;
          const [granted = null] = play.event({ type: "begun", ordinal: 0, holder: name, ...claim }).leases;
          this.#follow(index, play);
          return granted === null ? null : leaseOf(play, granted.attempt, granted.token);
        }),
      execute: ({ attempt, token }) => {
        const { killsMs, worksMs = 0 } = this.#does[index] ?? {};
        executor().isExecuting = true;
        if (killsMs !== undefined) return answered(() => this.#die(), killsMs).then(() => new Promise<never>(() => {}));
        return answered((): Settlement => {
          executor().isExecuting = false;
          const outcome = { type: "succeeded", output: PASSED, to: null } as const;
          return { ordinal: 0, attempt, token, outcome, children: [], logs: [], logsDropped: 0 };
        }, worksMs);
      },
      settle: (_order, { ordinal, attempt, token, outcome }) =>
        answered(() => {
          play.now = this.#now;
          const ended =
            outcome.type === "lost" ? outcome : ({ type: "succeeded", passed: { output: PASSED, to: null } } as const);
          play.event({
            type: "settled",
            attempts: [{ ordinal, attempt, token, outcome: ended, children: [], logs: null }],
            claim: null,
          });
          this.#follow(index, play);
        }),
      reportDeath: (_order, { attempt, begunAt }) =>
        this.#asked<WitnessReport | null>(answered, null, () => {
          this.#witness.note(victim, attempt, begunAt, this.#now);
          this.#docket = strikeOff(this.#docket, victim);
          return { sole: this.#witness.sole(victim), explained: this.#witness.explained(victim) };
        }),
      askTrial: (_order, trial) =>
        this.#asked<boolean | null>(answered, null, () => {
          const { docket, mayBegin } = askTrial(this.#docket, victim, trial, this.#now);
          this.#docket = docket;
          return mayBegin;
        }),
      endTrial: () =>
        this.#asked(answered, undefined, () => {
          this.#docket = strikeOff(this.#docket, victim);
        }),
      alarmFailed: () => {},
    };
  }

  /** What the witness answers; if it cannot be asked, what its client says then. */
  #asked<T>(answered: (work: () => T, ms?: number) => Promise<T>, otherwise: T, work: () => T): Promise<T> {
    return this.isSilent ? answered(() => otherwise, SILENT_MS) : answered(work);
  }

  #arm(index: number, play: Play, name: string, inMs: number): void {
    const executor = this.#executor(index, play, name);
    const number = ++executor.alarm;
    this.#scheduler.after(Math.max(1, inMs), () => {
      if (executor.alarm !== number) return;
      executor.isUnderWay = true;
      void executor.protocol.alarm(this.#now).finally(() => {
        executor.isUnderWay = false;
      });
    });
  }

  /** All that runs in the isolate dies. */
  #die(): void {
    for (const [name, executor] of this.#executors) {
      const index = this.plays.findIndex((play) => name.startsWith(`${play?.run.id}/`));
      const play = this.plays[index];
      if (play === undefined || executor.order === null) continue;
      if (executor.isExecuting) this.deaths[index]?.push(this.#scheduler.now);
      executor.life += 1;
      executor.protocol = new ExecutorController(this.#surroundings(index, play, name, executor.life));
      if (executor.isUnderWay)
        this.#arm(index, play, name, this.#dice.between(ALARM_AGAIN_MS.least, ALARM_AGAIN_MS.most));
      executor.isUnderWay = false;
      executor.isExecuting = false;
    }
  }
}

const PASSED = { kind: "json", size: 2, contentType: "application/json", at: "r2", key: "passed" } as const;

function leaseOf(play: Play, attempt: number, token: number): Lease {
  return {
    runId: play.run.id,
    ordinal: 0,
    task: "a",
    method: "a",
    attempt,
    token,
    timeoutMs: play.run.tasks[0]?.task.timeoutMs ?? 0,
    inlineLimitBytes: 0,
    depth: 0,
    shape: "trigger",
    inputs: [],
    parents: [],
    children: [],
  };
}
