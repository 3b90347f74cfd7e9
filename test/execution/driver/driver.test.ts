import { afterEach, describe, expect, it, vi } from "vitest";
import { readGrant } from "../../../src/objects/run/grant-text-rpc.ts";
import type { ClaimRequest, Grant, Lease } from "../../../src/objects/run/lease-rpc.ts";
import type { Settlement, SettleRequest } from "../../../src/objects/run/settlement-rpc.ts";
import { drive, newDriverId, type DriverHost } from "../../../src/execution/driver/driver.ts";
import { acceptance, HandDrivenRun, only } from "../../support/hand-driven.ts";
import { succeeded } from "../../support/settlements.ts";
import { loseMessages } from "../../support/lost-messages.ts";
import { leaseFor } from "../../support/attempt.ts";
import { planOf, taskPlan } from "../../support/plan.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const NOTHING: Grant = { leases: [] };

function leases(...tasks: readonly string[]): Grant {
  return { leases: tasks.map((task, ordinal) => leaseFor({ task, ordinal })) };
}

/** A world whose answers are given in advance; tasks end when the test says so. */
class ScriptedWorld implements DriverHost {
  readonly id = "driver";
  /** The names of its calls that ask for work. */
  readonly calls: (string | undefined)[] = [];
  readonly claims: ClaimRequest[] = [];
  readonly settles: { readonly tasks: readonly string[]; readonly claim: Partial<ClaimRequest> }[] = [];
  readonly started: string[] = [];
  readonly #answers: Grant[];
  readonly #ends = new Map<string, () => void>();
  readonly #tasks = new Map<number, string>();
  readonly #ticks: (() => void)[] = [];
  #budgetMs = 28_000;

  constructor(...answers: readonly Grant[]) {
    this.#answers = [...answers];
  }

  async claim({ call, ...claim }: ClaimRequest): Promise<Grant> {
    this.calls.push(call);
    this.claims.push(claim);
    return this.#answer();
  }

  async settle({ settlements, claim: asks }: SettleRequest): Promise<Grant> {
    const { call, ...claim } = asks ?? {};
    this.calls.push(call);
    this.settles.push({ tasks: settlements.map(({ ordinal }) => this.#tasks.get(ordinal) ?? "?"), claim });
    return this.#answer();
  }

  async execute(lease: Lease): Promise<Settlement> {
    this.started.push(lease.task);
    this.#tasks.set(lease.ordinal, lease.task);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ends.set(lease.task, resolve);
    await promise;
    return succeeded(lease);
  }

  /** A second passes with each look. */
  budgetMs(): number {
    return (this.#budgetMs -= 1_000);
  }

  /** Time passes when the test says so. */
  async pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ticks.push(resolve);
    await promise;
  }

  tick(): void {
    for (const pass of this.#ticks.splice(0)) pass();
  }

  end(...tasks: readonly string[]): void {
    for (const task of tasks) this.#ends.get(task)?.();
  }

  #answer(): Grant {
    const answer = this.#answers.shift();
    if (answer === undefined) throw new Error("the driver asked more often than the test foresaw");
    return answer;
  }
}

/** All that can go on without the test goes on. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 100; turn += 1) await Promise.resolve();
}

describe("a driver", () => {
  it("a driver leaves at once if there is nothing to do", async () => {
    const world = new ScriptedWorld(NOTHING);
    await drive(world);
    expect(world.claims).toEqual([{ holding: 0, budgetMs: 27_000 }]);
    expect(world.settles).toEqual([]);
  });

  it("a driver begins with the leases that it was given, without a claim", async () => {
    const world = new ScriptedWorld(NOTHING);
    const driving = drive(world, leases("a"));
    world.end("a");
    await driving;
    expect(world.claims).toEqual([]);
    expect(world.settles).toEqual([{ tasks: ["a"], claim: { holding: 0, budgetMs: 27_000 } }]);
  });

  it("a driver gets the next task with each settle: a chain of n tasks is n + 1 calls", async () => {
    const world = new ScriptedWorld(leases("a"), leases("b"), leases("c"), NOTHING);
    const driving = drive(world);
    for (const task of ["a", "b", "c"]) {
      await settled();
      world.end(task);
    }
    await driving;
    expect(world.claims).toHaveLength(1);
    expect(world.settles.map(({ tasks }) => tasks)).toEqual([["a"], ["b"], ["c"]]);
    expect(world.calls).toEqual(["driver/1", "driver/2", "driver/3", "driver/4"]);
  });

  it("a driver runs its tasks side by side and settles together those that end at about the same time", async () => {
    const world = new ScriptedWorld(leases("a", "b", "c"), NOTHING, NOTHING);
    const driving = drive(world);
    await settled();
    expect(world.started).toEqual(["a", "b", "c"]);
    world.end("a");
    // A few turns later, as when two answers come in the same packet.
    for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
    world.end("c");
    await settled();
    expect(world.settles).toEqual([{ tasks: ["a", "c"], claim: { holding: 1, budgetMs: 26_000 } }]);
    world.end("b");
    await driving;
    expect(world.settles[1]).toEqual({ tasks: ["b"], claim: { holding: 0, budgetMs: 25_000 } });
  });

  it("a driver settles what ended while it was settling", async () => {
    const world = new ScriptedWorld(leases("a", "b"), NOTHING, NOTHING);
    const settle = world.settle.bind(world);
    world.settle = async (request) => {
      world.end("b");
      await settled();
      return settle(request);
    };
    const driving = drive(world);
    await settled();
    world.end("a");
    await driving;
    expect(world.settles.map(({ tasks }) => tasks)).toEqual([["a"], ["b"]]);
  });

  it("a driver says what it still holds and what is left of its time, each time it asks", async () => {
    const world = new ScriptedWorld(
      leases("a", "b"),
      { leases: [leaseFor({ task: "c", ordinal: 2 })] },
      NOTHING,
      NOTHING,
    );
    const driving = drive(world);
    await settled();
    for (const task of ["a", "b", "c"]) {
      world.end(task);
      await settled();
    }
    await driving;
    const asked = [...world.claims, ...world.settles.map(({ claim }) => claim)];
    expect(asked.map((claim) => claim.holding)).toEqual([0, 1, 1, 0]);
    expect(asked.map((claim) => claim.budgetMs)).toEqual([27_000, 26_000, 25_000, 24_000]);
  });

  it("a driver gives up with the error if its claim or its settle cannot be made", async () => {
    await expect(drive({ ...idle(), claim: refusing })).rejects.toThrow("unreachable");
    await expect(drive({ ...idle(), settle: refusing }, leases("a"))).rejects.toThrow("unreachable");
  });
});

const refusing = (): Promise<Grant> => Promise.reject(new Error("unreachable"));

function idle(): DriverHost {
  return {
    id: "driver",
    claim: async () => NOTHING,
    settle: async () => NOTHING,
    execute: async (lease) => succeeded(lease),
    budgetMs: () => 28_000,
    pause: async () => {},
  };
}

/** Drives a run on its real object, its tasks ending at once. */
function driverOf(run: HandDrivenRun, budgetMs: () => number) {
  const seen = { calls: 0, running: 0, most: 0, tasks: new Array<string>() };
  const world: DriverHost = {
    id: newDriverId(),
    claim: (request) => {
      seen.calls += 1;
      return run.claim(request);
    },
    settle: (request) => {
      seen.calls += 1;
      return run.call(async (object) => readGrant(await object.settle(request)));
    },
    execute: async (lease) => {
      seen.tasks.push(lease.task);
      seen.running += 1;
      seen.most = Math.max(seen.most, seen.running);
      await Promise.resolve();
      seen.running -= 1;
      return succeeded(lease);
    },
    budgetMs,
    pause: async () => {},
  };
  return { seen, drive: () => drive(world) };
}

describe("a driver of a real run", () => {
  it("a driver of a real run drives a chain of 100 tasks in 101 calls, with one message", async () => {
    const messages = loseMessages();
    const names = Array.from({ length: 100 }, (_, index) => `t${index}`);
    const chain = planOf(
      names.map((name, index) =>
        taskPlan(name, {
          upstream: names.slice(Math.max(0, index - 1), index),
          downstream: names.slice(index + 1, index + 2),
        }),
      ),
    );
    const { run } = await HandDrivenRun.accept(acceptance(chain, "t0", { claim: null }));
    const driver = driverOf(run, () => 28_000);
    await driver.drive();
    expect((await run.document()).status).toBe("succeeded");
    expect(driver.seen.tasks).toEqual(names);
    expect(driver.seen.calls).toBe(101);
    expect(messages.sent()).toBe(1);
  });

  it("a driver of a real run runs at most six of a fan-out side by side, and all of them once", async () => {
    loseMessages();
    const sides = Array.from({ length: 20 }, (_, index) => `side_${index}`);
    const fan = planOf([
      taskPlan("top", { downstream: sides }),
      ...sides.map((name) => taskPlan(name, { upstream: ["top"], downstream: ["join"] })),
      taskPlan("join", { upstream: sides }),
    ]);
    const { run } = await HandDrivenRun.accept(acceptance(fan, "top", { claim: null }));
    const driver = driverOf(run, () => 28_000);
    await driver.drive();
    expect(driver.seen.most).toBe(6);
    expect(driver.seen.tasks.toSorted()).toEqual(["top", ...sides, "join"].toSorted());
    expect((await run.document()).status).toBe("succeeded");
  });

  it("a driver of a real run takes no task that may outlast it, and sends a message in its place", async () => {
    const messages = loseMessages();
    const chain = planOf([
      taskPlan("short", { timeoutMs: 1_000, downstream: ["slow"] }),
      taskPlan("slow", { timeoutMs: 20_000, upstream: ["short"] }),
    ]);
    const { run } = await HandDrivenRun.accept(acceptance(chain, "short", { claim: null }));
    const leaving = driverOf(run, () => 19_999);
    await leaving.drive();
    expect(leaving.seen.tasks).toEqual(["short"]);
    expect((await run.document()).tasks.map(({ status }) => status)).toEqual(["succeeded", "queued"]);
    expect(messages.sent()).toBe(2);
    const next = driverOf(run, () => 20_000);
    await next.drive();
    expect(next.seen.tasks).toEqual(["slow"]);
    expect((await run.document()).status).toBe("succeeded");
  });

  it("a driver of a real run finds nothing to do in a run that others drive, or that is final", async () => {
    loseMessages();
    const { run, answer } = await HandDrivenRun.accept(acceptance(planOf([taskPlan("one")]), "one"));
    const second = driverOf(run, () => 28_000);
    await second.drive();
    await run.settle(succeeded(only(answer.grant)));
    await second.drive();
    expect(second.seen.tasks).toEqual([]);
    expect((await run.document()).tasks[0]?.attempts).toHaveLength(1);
  });
});
