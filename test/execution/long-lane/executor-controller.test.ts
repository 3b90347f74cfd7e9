import { describe, expect, it } from "vitest";
import { LEASE_GRACE_MS } from "../../../src/domain/plan/run-graph.ts";
import type { Trial } from "../../../src/domain/trials.ts";
import type { Lease } from "../../../src/objects/run/lease-rpc.ts";
import type { Settlement } from "../../../src/objects/run/settlement-rpc.ts";
import { ExecutorController } from "../../../src/execution/long-lane/executor-controller.ts";
import type { ExecutorOrder } from "../../../src/execution/long-lane/executor-order.ts";
import { leaseFor } from "../../support/attempt.ts";
import { newRunId } from "../../support/hand-driven.ts";
import { succeeded } from "../../support/settlements.ts";

const TIMEOUT_MS = 60_000;
const LEASE: Lease = { ...leaseFor({ task: "a" }), timeoutMs: TIMEOUT_MS };
const RUN_ID = newRunId();

/** One executor object by hand: its storage and its alarm, the run that it calls, and the code that it runs. */
class World {
  now = 1_000_000;
  version = "first";
  alarmAt: number | null = null;
  settled: Settlement[] = [];
  failures: boolean[] = [];
  begin: () => Promise<Lease | null> = async () => LEASE;
  settle: () => Promise<void> = async () => {};
  execute: () => Promise<Settlement> = async () => succeeded(LEASE);
  /** What the witness says. */
  sole: readonly number[] = [];
  explained: readonly number[] = [];
  isWitnessSilent = false;
  /** How long it takes to say so. Milliseconds. */
  witnessMs = 0;
  /** What it was told. */
  deaths: unknown[] = [];
  askTrial: (trial: Trial) => Promise<boolean | null> = async () => true;
  trialsOver: number[] = [];
  #order: ExecutorOrder | null = null;
  #firing: number | null = null;
  #controller = this.#life();

  /** What newer code has noted. */
  noteNewer(): void {
    this.#order = { v: 2, runId: RUN_ID, ordinal: 0, at: this.now, lease: null };
    this.alarmAt = this.now + 1;
  }

  get isEmpty(): boolean {
    return this.#order === null;
  }

  start(trial?: Trial): void {
    this.#controller.start(RUN_ID, 0, trial);
  }

  /** The object is evicted, or dies: what was noted stays. */
  die(): void {
    this.#controller = this.#life();
  }

  /** The alarm fires when it is due. Milliseconds that have passed. */
  async wake(): Promise<number> {
    const passed = Math.max(0, (this.alarmAt ?? this.now) - this.now);
    this.now += passed;
    await this.#fire();
    return passed;
  }

  /** It fires when so much time has passed, though the clock was set back by as much meanwhile. */
  async wakeAfterClockStep(ms: number): Promise<void> {
    this.now = (this.alarmAt ?? this.now) - ms;
    await this.#fire();
  }

  async #fire(): Promise<void> {
    this.#firing = this.alarmAt;
    this.alarmAt = null;
    await this.#controller.alarm(this.#firing);
    this.#firing = null;
  }

  #life(): ExecutorController {
    return new ExecutorController({
      now: () => this.now,
      version: this.version,
      order: () => this.#order,
      note: (order) => {
        this.#order = order;
      },
      sync: async () => {},
      deleteAll: async () => {
        this.#order = null;
        this.alarmAt = null;
      },
      setAlarm: (at) => {
        // As seen on the local runtime: such an alarm never fires.
        if (at !== this.#firing) this.alarmAt = at;
      },
      begin: () => this.begin(),
      execute: () => this.execute(),
      settle: async (_order, settlement, onFailure) => {
        try {
          await this.settle();
          this.settled.push(settlement);
        } catch (error) {
          await onFailure();
          throw error;
        }
      },
      reportDeath: async (_order, death) => {
        this.deaths.push(death);
        const said = this.isWitnessSilent ? null : { sole: this.sole, explained: this.explained };
        this.now += this.witnessMs;
        return said;
      },
      askTrial: (_order, trial) => this.askTrial(trial),
      endTrial: async () => void this.trialsOver.push(this.now),
      alarmFailed: (_order, _error, isLast) => void this.failures.push(isLast),
    });
  }
}

const unreachable = (): Promise<never> => Promise.reject(new Error("unreachable"));

/** Dies while the task runs. */
async function diedInTask(trial?: Trial): Promise<World> {
  const world = new World();
  const begun = Promise.withResolvers<void>();
  world.execute = () => {
    begun.resolve();
    return new Promise<never>(() => {});
  };
  world.start(trial);
  void world.wake();
  await begun.promise;
  return world;
}

describe("an executor object that cannot reach its run", () => {
  it("an executor object that cannot reach its run tries to begin with growing pauses, and gives up after a quarter of an hour", async () => {
    const world = new World();
    world.begin = unreachable;
    world.start();
    const pauses: number[] = [];
    while (!world.isEmpty) pauses.push(await world.wake());
    expect(pauses.slice(1, 7)).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 60_000]);
    expect(Math.max(...pauses)).toBe(60_000);
    expect(world.now - 1_000_000).toBe(900_000);
    expect(world.failures.indexOf(true)).toBe(world.failures.length - 1);
    expect(world.alarmAt).toBeNull();
  });

  it("an executor object that cannot reach its run tries to settle with growing pauses, for the last time when its lease is over", async () => {
    const world = new World();
    world.settle = unreachable;
    world.start();
    const begunAt = world.now + 1;
    while (!world.isEmpty) await world.wake();
    expect(world.now - begunAt).toBe(TIMEOUT_MS + LEASE_GRACE_MS);
    expect(world.failures.length).toBeLessThan(10);
    expect(world.alarmAt).toBeNull();
  });

  it("an executor object that cannot reach its run settles what its attempt came to once it can, and is empty then", async () => {
    const world = new World();
    world.settle = unreachable;
    world.start();
    await world.wake();
    world.settle = async () => {};
    await world.wake();
    expect(world.settled.map(({ outcome }) => outcome.type)).toEqual(["succeeded"]);
    expect(world.isEmpty).toBe(true);
  });
});

describe("an executor object whose alarm is called again while its attempt is under way", () => {
  it("an executor object whose alarm is called again while its attempt is under way in the same life does not take it for dead, and settles it once", async () => {
    const world = new World();
    const work = Promise.withResolvers<Settlement>();
    const begun = Promise.withResolvers<void>();
    world.execute = () => {
      begun.resolve();
      return work.promise;
    };
    world.start();
    const first = world.wake();
    await begun.promise;
    const again = world.wake();
    work.resolve(succeeded(LEASE));
    await Promise.all([first, again]);
    expect(world.settled.map(({ outcome }) => outcome.type)).toEqual(["succeeded"]);
    expect(world.isEmpty).toBe(true);
  });
});

describe("an executor object that has died", () => {
  it("an executor object that has died in the task says that its worker was lost", async () => {
    const world = await diedInTask();
    world.die();
    await world.wake();
    expect(world.settled).toMatchObject([{ outcome: { type: "lost", to: "worker" } }]);
    expect(world.isEmpty).toBe(true);
  });

  it("an executor object that has died in the task says which deaths were its task's alone, of which it does not know its own yet", async () => {
    const world = await diedInTask();
    world.sole = [LEASE.attempt, 7];
    world.die();
    expect(await world.wake()).toBe(0);
    expect(world.settled).toMatchObject([{ outcome: { type: "lost", to: "worker", sole: [7] } }]);
  });

  it("an executor object that has died in the task says which deaths others are to blame for, and that it was begun when it was claimed", async () => {
    const world = new World();
    const begun = Promise.withResolvers<void>();
    world.execute = () => {
      begun.resolve();
      return new Promise<never>(() => {});
    };
    world.askTrial = async () => world.now >= 1_003_000;
    world.start({ livedMs: 50, drawnMs: 7_000, mostMs: 15_000, leaseMs: TIMEOUT_MS });
    while (world.now < 1_003_000) void (await Promise.race([world.wake(), begun.promise]));
    await begun.promise;
    const begunAt = world.now;
    world.explained = [2, 5];
    world.die();
    world.now += 10_000;
    await world.wake();
    expect(world.deaths).toEqual([{ attempt: LEASE.attempt, begunAt, foundAt: world.now }]);
    expect(world.settled).toMatchObject([{ outcome: { type: "lost", to: "worker", sole: [], explained: [2, 5] } }]);
  });

  it("an executor object that has died in the task says so to its run at once where the witness cannot be told, and to that one later", async () => {
    const world = await diedInTask();
    world.isWitnessSilent = true;
    world.die();
    expect(await world.wake()).toBe(0);
    expect(world.settled).toMatchObject([{ outcome: { type: "lost", to: "worker", sole: [], explained: [] } }]);
    const foundAt = world.now;
    for (let tries = 0; tries < 3; tries += 1) {
      world.die();
      await world.wake();
    }
    expect(world.now - foundAt).toBeLessThanOrEqual(10_000);
    world.isWitnessSilent = false;
    await world.wake();
    expect(world.deaths.at(-1)).toMatchObject({ attempt: LEASE.attempt, foundAt });
    expect(world.settled).toHaveLength(1);
    expect(world.isEmpty).toBe(true);
  });

  it("an executor object that has died in the task gives a witness up that cannot be told for ten minutes", async () => {
    const world = await diedInTask();
    world.isWitnessSilent = true;
    world.die();
    const foundAt = world.now;
    while (!world.isEmpty) await world.wake();
    expect(world.now - foundAt).toBeGreaterThanOrEqual(600_000);
    expect(world.now - foundAt).toBeLessThan(1_800_000);
    expect(world.deaths.length).toBeLessThan(15);
    expect(world.alarmAt).toBeNull();
    expect(world.settled).toHaveLength(1);
  });

  it("an executor object that has died waits for those who died with it where its task would fail for this death, and no longer", async () => {
    for (const [known, said] of [
      [
        [LEASE.attempt, 7, 8],
        [LEASE.attempt, 7, 8],
      ],
      // Others were told of meanwhile.
      [
        [7, 8],
        [7, 8],
      ],
    ]) {
      const world = await diedInTask();
      world.sole = [LEASE.attempt, 7, 8];
      world.die();
      await world.wake();
      expect(world.settled).toEqual([]);
      world.sole = known ?? [];
      // It may die once more meanwhile.
      world.die();
      expect(await world.wake()).toBe(5_000);
      expect(world.settled).toMatchObject([{ outcome: { type: "lost", to: "worker", sole: said } }]);
      expect(world.isEmpty).toBe(true);
    }
  });

  it("an executor object that has died asks again where an answer that decides has come late, since it is of before those who died with it", async () => {
    const world = await diedInTask();
    world.sole = [LEASE.attempt, 7, 8];
    world.die();
    world.witnessMs = 6_000;
    await world.wake();
    expect(world.settled).toEqual([]);
    world.sole = [7, 8];
    await world.wake();
    expect(world.settled).toMatchObject([{ outcome: { type: "lost", to: "worker", sole: [7, 8] } }]);
  });

  it("an executor object that has died waits for them also where the clock is set back meanwhile", async () => {
    const world = await diedInTask();
    world.sole = [LEASE.attempt, 7, 8];
    world.die();
    await world.wake();
    await world.wakeAfterClockStep(1_000);
    expect(world.settled).toEqual([]);
    expect(world.alarmAt).not.toBeNull();
    await world.wake();
    expect(world.settled).toHaveLength(1);
    expect(world.isEmpty).toBe(true);
  });

  it("an executor object that has died in the task, by a deploy, says that it was the surroundings", async () => {
    const world = await diedInTask();
    world.version = "second";
    world.die();
    await world.wake();
    expect(world.settled).toMatchObject([{ outcome: { type: "lost", to: "surroundings" } }]);
  });

  it("an executor object that has died after the task, while its run could not be reached, says that it was the surroundings", async () => {
    const world = new World();
    world.settle = unreachable;
    world.start();
    await world.wake();
    world.die();
    world.settle = async () => {};
    await world.wake();
    expect(world.settled).toMatchObject([{ outcome: { type: "lost", to: "surroundings" } }]);
  });
});

describe("an executor object of a suspect that is tried", () => {
  const TRIAL: Trial = { livedMs: 50, drawnMs: 7_000, mostMs: 15_000, leaseMs: TIMEOUT_MS };

  it("an executor object of a suspect that is tried asks until it may begin, ends the pause of its run with that, and says when its attempt has ended", async () => {
    const world = new World();
    const startedAt = world.now;
    world.askTrial = async () => world.now >= startedAt + 3_000;
    world.start(TRIAL);
    while (world.settled.length === 0) expect(await world.wake()).toBeLessThanOrEqual(1_000);
    expect(world.now - startedAt).toBeLessThanOrEqual(4_000);
    expect(world.trialsOver).toEqual([world.now]);
    expect(world.isEmpty).toBe(true);
  });

  it("an executor object of a suspect that is tried does not begin, and is empty, once the pause is over without a trial: its run has started another one", async () => {
    const world = new World();
    const startedAt = world.now;
    world.askTrial = async () => false;
    world.begin = () => Promise.reject(new Error("it has begun"));
    world.start(TRIAL);
    while (!world.isEmpty) await world.wake();
    expect(world.failures).toEqual([]);
    expect(world.now - startedAt).toBeLessThan(15_000 + 5_000);
    expect(world.alarmAt).toBeNull();
  });

  it("an executor object of a suspect that is tried asks seldom while its clock, which was set back, has to catch up", async () => {
    const world = new World();
    world.askTrial = async () => false;
    world.start(TRIAL);
    await world.wakeAfterClockStep(300_000);
    expect(await world.wake()).toBe(5_000);
  });

  it("an executor object of a suspect that is tried begins after the pause that was drawn where nobody can be asked", async () => {
    const world = new World();
    const startedAt = world.now;
    world.askTrial = async () => null;
    world.start(TRIAL);
    while (world.settled.length === 0) await world.wake();
    expect(world.now - startedAt).toBeGreaterThanOrEqual(7_000);
    expect(world.now - startedAt).toBeLessThanOrEqual(8_000);
  });

  it("an executor object of a suspect that is tried begins at once when its pause is over, without waiting for an answer", async () => {
    const world = new World();
    const [answer, settled] = [Promise.withResolvers<boolean>(), Promise.withResolvers<void>()];
    world.askTrial = () => answer.promise;
    world.settle = async () => settled.resolve();
    world.start({ ...TRIAL, drawnMs: 0, mostMs: 0 });
    const woken = world.wake();
    await settled.promise;
    expect(world.trialsOver).toEqual([]);
    answer.resolve(true);
    await woken;
    expect(world.trialsOver).toHaveLength(1);
  });

  it("an executor object of a suspect that is tried says that it does not begin where its run has nothing for it", async () => {
    const world = new World();
    world.begin = async () => null;
    world.start(TRIAL);
    await world.wake();
    expect(world.trialsOver).toHaveLength(1);
    expect(world.isEmpty).toBe(true);
  });

  it("an executor object of a suspect that is tried says that it is over where a deploy has taken it", async () => {
    const world = await diedInTask(TRIAL);
    world.version = "second";
    world.die();
    await world.wake();
    expect(world.trialsOver).toHaveLength(1);
  });
});

describe("an order that newer code has noted", () => {
  it("an order that newer code has noted is not carried out, and waits for that code, for half an hour at most", async () => {
    const world = new World();
    world.begin = () => Promise.reject(new Error("it was carried out"));
    world.noteNewer();
    const pauses: number[] = [];
    while (!world.isEmpty) pauses.push(await world.wake());
    expect(world.failures).toEqual([]);
    expect(world.alarmAt).toBeNull();
    expect(pauses.slice(0, 4)).toEqual([1, 2_000, 2_000, 2_000]);
    expect(pauses.reduce((sum, pause) => sum + pause, 0)).toBe(1_800_000);
    expect(pauses.length).toBeLessThan(25);
  });

  it("an order that newer code has noted is left as it is by an order that comes again", async () => {
    const world = new World();
    world.noteNewer();
    world.start();
    world.execute = () => Promise.reject(new Error("it was carried out"));
    await world.wake();
    expect(world.isEmpty).toBe(false);
  });
});
