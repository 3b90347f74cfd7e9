/** The platform around the executor objects: storage, alarms, lives. Each is the real `ExecutorProtocol`. */
import type { RunId } from "../../src/core/ids.ts";
import type { Lease, Settlement } from "../../src/run/run-rpc.ts";
import type { Trial } from "../../src/core/trials.ts";
import {
  ExecutorProtocol,
  type ExecutorOrder,
  type TrialClaim,
  type Verdict,
} from "../../src/task/executor-protocol.ts";
import type { Ground } from "../engine-simulation/ground/ground.ts";
import { Invocation } from "./invocation.ts";

/** Of an alarm handler. */
const LIFE_MS = 15 * 60_000;

export interface ExecutorWorld {
  readonly ground: Ground;
  /** Of the code that is deployed. */
  version(): string;
  begin(from: Invocation, order: ExecutorOrder, holder: string, claim: TrialClaim): Promise<Lease | null>;
  execute(from: Invocation, lease: Lease): Promise<Settlement>;
  died(from: Invocation, order: ExecutorOrder, death: { attempt: number; begunAt: number }): Promise<Verdict>;
  askTrial(from: Invocation, order: ExecutorOrder, trial: Trial): Promise<boolean | null>;
  trialOver(from: Invocation, order: ExecutorOrder): Promise<void>;
  settle(from: Invocation, order: ExecutorOrder, settlement: Settlement, onFailure: () => Promise<void>): Promise<void>;
}

export class ExecutorHost {
  readonly #name: string;
  readonly #world: ExecutorWorld;
  /** What is noted, and what of it is durable. */
  #noted: ExecutorOrder | null = null;
  #durable: ExecutorOrder | null = null;
  #alarmsSet = 0;
  #isAlarmSet = false;
  #life: Invocation | null = null;

  constructor(name: string, world: ExecutorWorld) {
    this.#name = name;
    this.#world = world;
  }

  get isEmpty(): boolean {
    return this.#durable === null && !this.#isAlarmSet;
  }

  start(runId: RunId, ordinal: number, trial?: Trial): void {
    const life = this.#life ?? new Invocation(this.#world.ground, `executor ${this.#name}`);
    this.#protocol(life).start(runId, ordinal, trial);
  }

  /** The object is reset: a crash, a deploy. */
  reset(): void {
    this.#life?.kill("reset");
  }

  #protocol(life: Invocation): ExecutorProtocol {
    const { ground } = this.#world;
    return new ExecutorProtocol({
      now: () => ground.wall(),
      version: this.#world.version(),
      order: () => this.#noted,
      note: (order) => {
        this.#noted = order;
      },
      sync: async () => {
        await life.pause(1);
        this.#durable = this.#noted;
      },
      deleteAll: async () => {
        this.#noted = null;
        this.#durable = null;
        this.#isAlarmSet = false;
        this.#alarmsSet += 1;
        await life.pause(1);
      },
      setAlarm: (at) => {
        this.#durable = this.#noted;
        this.#arm(at - ground.wall());
      },
      begin: (order, claim) => this.#world.begin(life, order, this.#name, claim),
      execute: (lease) => this.#world.execute(life, lease),
      settle: (order, settlement, onFailure) => this.#world.settle(life, order, settlement, onFailure),
      died: (order, death) => this.#world.died(life, order, death),
      askTrial: (order, trial) => this.#world.askTrial(life, order, trial),
      trialOver: (order) => this.#world.trialOver(life, order),
      alarmFailed: (_order, error) =>
        ground.tell(() => `executor ${this.#name} could not reach its run: ${String(error)}`),
    });
  }

  #arm(inMs: number): void {
    const { ground } = this.#world;
    this.#isAlarmSet = true;
    const number = ++this.#alarmsSet;
    const lateMs = ground.strikes("alarm_late", () => `executor ${this.#name}`) ? ground.dice.between(500, 30_000) : 1;
    ground.scheduler.after(inMs + lateMs, () => {
      if (number === this.#alarmsSet) void this.#alarm();
    });
  }

  async #alarm(): Promise<void> {
    this.#isAlarmSet = false;
    const life = new Invocation(this.#world.ground, `executor ${this.#name}`, LIFE_MS, () => {
      this.#life = null;
      this.#noted = this.#durable;
      // The platform calls the handler again.
      if (!this.#isAlarmSet && this.#durable !== null) this.#arm(this.#world.ground.dice.between(500, 4_000));
    });
    life.budgetMs = 0;
    this.#life = life;
    await this.#protocol(life).alarm();
    this.#life = null;
  }
}
