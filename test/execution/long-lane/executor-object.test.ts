import { driven } from "../../support/driven-object.ts";
import { env } from "../../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DeathsObject } from "../../../src/objects/deaths/deaths-object.ts";
import { RunObject } from "../../../src/objects/run/run-object.ts";
import type { ExecutorOrder } from "../../../src/execution/long-lane/executor-order.ts";
import { acceptance, HandDrivenRun } from "../../support/hand-driven.ts";
import { callsWaiting, nextCall } from "../../support/pool/pipelines/scripted.ts";
import { planOf, taskPlan } from "../../support/plan.ts";

// short ─▶ long: an attempt of `long` has an executor object of its own
const LONG = planOf([
  taskPlan("short", { method: "scripted", downstream: ["long"] }),
  taskPlan("long", { method: "scripted", timeoutMs: 120_000, upstream: ["short"] }),
]);
const ALONE = planOf([taskPlan("long", { method: "scripted", timeoutMs: 120_000 })]);

/** The executor object of an attempt, as its run names it. */
function executorOf(run: HandDrivenRun, attempt = 1, dispatches = 1) {
  return env.EXECUTORS.getByName(`${run.id}/0/${attempt}/${dispatches}`);
}

/** What the object still has. */
function leftOf(executor: ReturnType<typeof executorOf>) {
  return driven(executor).inside(async ({ storage }) => ({
    keys: [...storage.kv.list()].map(([key]) => key),
    alarm: await storage.getAlarm(),
  }));
}
/** Runs the alarm of an executor object as soon as it is set; resolves when it has ended, with the task in it. */
async function alarmOf(executor: ReturnType<typeof executorOf>): Promise<void> {
  await vi.waitFor(async () => expect((await leftOf(executor)).alarm).not.toBeNull(), 10_000);
  await driven(executor).wake();
}

const NOTHING = { keys: [], alarm: null };

beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  vi.spyOn(console, "error").mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("a task of the long lane", () => {
  it("a task of the long lane runs in an object of its own, which leaves nothing behind", async () => {
    const { run } = await HandDrivenRun.accept(acceptance(ALONE, "long", { claim: null, payload: "trigger" }));
    const call = await nextCall(run.id, "long");
    expect(call.payload).toBe("trigger");
    expect((await leftOf(executorOf(run))).keys).toEqual(["order"]);
    call.succeed("done");
    expect(await run.final()).toMatchObject({ status: "succeeded", tasks: [{ attempts: [{ status: "succeeded" }] }] });
    await vi.waitFor(async () => expect(await leftOf(executorOf(run))).toEqual(NOTHING), 10_000);
  });

  it("a task of the long lane is not taken by a driver, also as the child of a short one", async () => {
    const { run } = await HandDrivenRun.accept(acceptance(LONG, "short", { claim: null }));
    (await nextCall(run.id, "short")).succeed("of short");
    const call = await nextCall(run.id, "long");
    expect(await run.claim({ holding: 0, budgetMs: 1_000_000 })).toEqual({ leases: [] });
    expect(call.payload).toBe("of short");
    call.succeed();
    expect((await run.final()).status).toBe("succeeded");
  });

  it("a task of the long lane runs beside any number of others", async () => {
    const runs = await Promise.all(
      Array.from(
        { length: 20 },
        async () => (await HandDrivenRun.accept(acceptance(ALONE, "long", { claim: null }))).run,
      ),
    );
    const calls = await Promise.all(runs.map((run) => nextCall(run.id, "long")));
    for (const call of calls) call.succeed();
    for (const run of runs) expect((await run.final()).status).toBe("succeeded");
  });
});

describe("an executor object that dies", () => {
  it("an executor object that dies in the middle of the task has the attempt lost at once, and a new one started in a new object", async () => {
    const { run } = await HandDrivenRun.accept(acceptance(ALONE, "long", { claim: null }));
    const first = await nextCall(run.id, "long");
    await driven(executorOf(run)).abort();
    // The platform calls the alarm of an object that died in it again; here the test does.
    await vi.waitFor(async () => {
      await driven(executorOf(run)).wake();
      expect((await run.document()).tasks[0]?.attempts[0]?.status).toBe("lost");
    }, 10_000);
    const second = await nextCall(run.id, "long");
    expect([first.task.attempt, second.task.attempt]).toEqual([1, 2]);
    second.succeed("of the second");
    expect(await run.final()).toMatchObject({
      status: "succeeded",
      tasks: [
        {
          attempts: [
            { status: "lost", error: { message: "the attempt's worker died before it had ended" } },
            { status: "succeeded" },
          ],
        },
      ],
    });
    first.succeed("late");
    for (const attempt of [1, 2])
      await vi.waitFor(async () => expect(await leftOf(executorOf(run, attempt))).toEqual(NOTHING), 10_000);
  });

  it("an executor object that dies tells the witness how long its attempt had run", async () => {
    const note = vi.spyOn(DeathsObject.prototype, "note");
    vi.setSystemTime(Date.UTC(2027, 0, 1));
    const { run } = await HandDrivenRun.accept(acceptance(ALONE, "long", { claim: null }));
    void alarmOf(executorOf(run)).catch(() => undefined);
    const call = await nextCall(run.id, "long");
    vi.setSystemTime(Date.now() + 30_000);
    await driven(executorOf(run)).abort();
    await vi.waitFor(async () => {
      await driven(executorOf(run)).inside(({ storage }) => storage.setAlarm(Date.now() + 60_000));
      await driven(executorOf(run)).wake();
      expect(note).toHaveBeenCalledWith(expect.any(String), 1, 30_000, 0);
    }, 10_000);
    call.succeed("late");
  });

  describe("with others, or without", () => {
    const TIMES = { start: Date.UTC(2027, 0, 1), apart: 180_000 };

    /** The next attempt of each run begins, and all of them die; then the platform calls their alarms again, as long as it takes. */
    async function dieTogether(runs: readonly HandDrivenRun[], death: number): Promise<void> {
      vi.setSystemTime(TIMES.start + death * TIMES.apart);
      for (const run of runs) {
        await run.wake();
        void alarmOf(executorOf(run, death)).catch(() => undefined);
        await nextCall(run.id, "long");
      }
      for (const run of runs) await driven(executorOf(run, death)).abort();
      for (const run of runs)
        await vi.waitFor(async () => {
          // The platform repeats an alarm whose object died in it; one that a test has called is not.
          await driven(executorOf(run, death)).inside(({ storage }) => storage.setAlarm(Date.now() + 60_000));
          await driven(executorOf(run, death)).wake();
          expect(await isNoted(executorOf(run, death))).toBe(true);
        }, 10_000);
      vi.setSystemTime(TIMES.start + death * TIMES.apart + 6_000);
      for (const run of runs) {
        await driven(executorOf(run, death)).wake();
        expect((await run.document()).tasks[0]?.attempts[death - 1]?.status).toBe("lost");
      }
    }

    /** It has said that it has died, and waits for others that have, or is through. */
    async function isNoted(executor: ReturnType<typeof executorOf>): Promise<boolean> {
      return driven(executor).inside(({ storage }) => {
        const order = storage.kv.get<ExecutorOrder>("order");
        return order === undefined || order.lease?.missedAt !== undefined;
      });
    }

    it("an executor object that dies with others, or without, fails its task after three deaths, but not as long as tasks of other runs die with it", async () => {
      vi.setSystemTime(TIMES.start);
      const begin = async (): Promise<HandDrivenRun> =>
        (await HandDrivenRun.accept(acceptance(ALONE, "long", { claim: null }))).run;
      const [one, other] = [await begin(), await begin()];
      for (const death of [1, 2, 3, 4]) await dieTogether([one, other], death);
      for (const run of [one, other]) {
        const { status, tasks } = await run.document();
        expect([status, tasks[0]?.attempts.map((attempt) => attempt.status)]).toEqual([
          "running",
          ["lost", "lost", "lost", "lost"],
        ]);
      }
      // From now on the other one is not there.
      for (const death of [5, 6]) await dieTogether([one], death);
      expect((await one.document()).status).toBe("running");
      await dieTogether([one], 7);
      expect(await one.document()).toMatchObject({ status: "failed", tasks: [{ reason: "worker_lost" }] });
    });
  });

  it("an executor object that dies for good is found by its lease", async () => {
    const { run } = await HandDrivenRun.accept(acceptance(ALONE, "long", { claim: null }));
    const first = await nextCall(run.id, "long");
    vi.setSystemTime(Date.now() + 130_000);
    await run.wake();
    vi.setSystemTime((await run.alarmAt()) ?? 0);
    await run.wake();
    const alarm = alarmOf(executorOf(run, 2));
    (await nextCall(run.id, "long")).succeed("of the second");
    await alarm;
    const document = await run.final();
    expect(document.tasks[0]?.attempts.map(({ status }) => status)).toEqual(["lost", "succeeded"]);
    first.succeed("late");
    await vi.waitFor(async () => expect(await leftOf(executorOf(run))).toEqual(NOTHING), 10_000);
    expect(await run.document()).toEqual(document);
  });
});

describe("begin", () => {
  it("begin gives the task to one object, and to that one again if it asks again", async () => {
    const { run } = await HandDrivenRun.accept(acceptance(ALONE, "long", { claim: null }));
    const call = await nextCall(run.id, "long");
    const holder = executorOf(run).id.toString();
    const lease = await run.call((object) => object.begin(0, holder));
    expect(lease).toMatchObject({ task: "long", attempt: 1, token: 1 });
    expect(await run.call((object) => object.begin(0, holder))).toEqual(lease);
    expect(await run.call((object) => object.begin(0, "another"))).toBeNull();
    expect(await run.call((object) => object.begin(1, holder))).toBeNull();
    const rows = (await run.journal()).length;
    expect(await run.call((object) => object.begin(0, holder))).toEqual(lease);
    expect((await run.journal()).length).toBe(rows);
    call.succeed();
    expect((await run.final()).tasks[0]?.attempts).toHaveLength(1);
    expect(await run.call((object) => object.begin(0, holder))).toBeNull();
  });
});

describe("an executor object started twice", () => {
  it("an executor object started twice runs its task once, and a second object for the task finds nothing to do", async () => {
    const { run } = await HandDrivenRun.accept(acceptance(ALONE, "long", { claim: null }));
    const call = await nextCall(run.id, "long");
    await executorOf(run).start(run.id, 0);
    await executorOf(run, 1, 2).start(run.id, 0);
    await vi.waitFor(async () => expect(await leftOf(executorOf(run, 1, 2))).toEqual(NOTHING), 10_000);
    expect(callsWaiting(run.id)).toBe(0);
    call.succeed();
    const document = await run.final();
    expect(document.tasks[0]?.attempts).toHaveLength(1);
    expect(callsWaiting(run.id)).toBe(0);
  });
});

describe("an executor object whose run cannot be reached", () => {
  it("an executor object whose run cannot be reached tries again by its alarm, before the task", async () => {
    const told = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const unreachable = vi.spyOn(RunObject.prototype, "begin").mockRejectedValue(new Error("broken by the test"));
    const { run } = await HandDrivenRun.accept(acceptance(ALONE, "long", { claim: null }));
    await vi.waitFor(() => expect(unreachable).toHaveBeenCalled(), 10_000);
    await vi.waitFor(() => expect(told).toHaveBeenCalled(), 10_000);
    expect(JSON.parse(String(told.mock.calls[0]?.[0]))).toMatchObject({
      message: "an executor object could not reach its run, trying again",
      run_id: run.id,
    });
    expect(callsWaiting(run.id)).toBe(0);
    unreachable.mockRestore();
    const alarm = alarmOf(executorOf(run));
    (await nextCall(run.id, "long")).succeed();
    await alarm;
    expect((await run.final()).tasks[0]?.attempts).toHaveLength(1);
  });

  it("an executor object whose run cannot be reached settles by its alarm what could not be settled at once: nothing is done again", async () => {
    const { run } = await HandDrivenRun.accept(acceptance(ALONE, "long", { claim: null }));
    const first = await nextCall(run.id, "long");
    const unreachable = vi.spyOn(RunObject.prototype, "settle").mockRejectedValue(new Error("broken by the test"));
    const executor = executorOf(run);
    first.succeed("settled late");
    await vi.waitFor(() => expect(unreachable).toHaveBeenCalled(), 10_000);
    unreachable.mockRestore();
    await alarmOf(executor);
    expect((await run.final()).tasks[0]?.attempts.map(({ status }) => status)).toEqual(["succeeded"]);
  });

  it("an executor object whose run cannot be reached reports the attempt lost by its alarm, if it was evicted before it could settle", async () => {
    const { run } = await HandDrivenRun.accept(acceptance(ALONE, "long", { claim: null }));
    const first = await nextCall(run.id, "long");
    const unreachable = vi.spyOn(RunObject.prototype, "settle").mockRejectedValue(new Error("broken by the test"));
    first.succeed("never settled");
    await vi.waitFor(() => expect(unreachable).toHaveBeenCalled(), 10_000);
    unreachable.mockRestore();
    await vi.waitFor(async () => expect((await leftOf(executorOf(run))).alarm).not.toBeNull(), 10_000);
    await driven(executorOf(run)).evict();
    await alarmOf(executorOf(run));
    (await nextCall(run.id, "long")).succeed("of the second");
    expect((await run.final()).tasks[0]?.attempts).toMatchObject([
      {
        status: "lost",
        error: { message: expect.stringContaining("the attempt had ended, but its run could not be reached") },
      },
      { status: "succeeded" },
    ]);
  });
});
