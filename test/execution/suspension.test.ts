import { env } from "../support/env.ts";
import { afterEach, describe, expect, it, vi } from "vitest";
import { plan as poolPlan } from "#generated/plan";
import { parseRunId, type RunId } from "../../src/domain/ids.ts";
import { ok } from "../../src/domain/problem.ts";
import { RunObject } from "../../src/objects/run/run-object.ts";
import type { Lease } from "../../src/objects/run/lease-rpc.ts";
import type { RunDocument } from "../../src/objects/run/run-documents-rpc.ts";
import { Deadlines } from "../../src/execution/attempt/deadlines.ts";
import { executeLease } from "../support/deployed.ts";
import { step, triggerTaskWithEvent } from "../../src/task-helpers.ts";
import type { AcceptTrigger } from "../../src/triggers/accept.ts";
import { attempt } from "../support/attempt.ts";
import { acceptance, HandDrivenRun, newRunId, only } from "../support/hand-driven.ts";
import { loseMessages } from "../support/lost-messages.ts";
import { stepsDone } from "../support/pool/pipelines/patient.ts";
import { planOf, taskPlan } from "../support/plan.ts";

const START = Date.UTC(2027, 0, 1);
const HOUR_MS = 3_600_000;

const restored: (() => void)[] = [];

afterEach(() => {
  for (const restore of restored.splice(0)) restore();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function startAt(now: number): void {
  vi.useFakeTimers({ toFake: ["Date"], now });
}

/** How many calls of run objects are under way: what would keep an object awake. */
function callsUnderWay(): () => number {
  let count = 0;
  for (const method of ["accept", "claim", "settle", "describe", "untilFinal", "watch", "awaited"]) {
    const original: unknown = Reflect.get(RunObject.prototype, method);
    if (typeof original !== "function") throw new Error(`a run object has no ${method}`);
    const counted = async function counted(this: unknown, ...args: unknown[]): Promise<unknown> {
      count += 1;
      try {
        return await Reflect.apply(original, this, args);
      } finally {
        count -= 1;
      }
    };
    Reflect.set(RunObject.prototype, method, counted);
    restored.push(() => Reflect.set(RunObject.prototype, method, original));
  }
  return () => count;
}

async function statusOf(run: HandDrivenRun): Promise<string | undefined> {
  return (await run.document()).tasks[0]?.status;
}

async function childOf(run: HandDrivenRun): Promise<HandDrivenRun> {
  const { children } = await run.document();
  const [child] = children;
  if (child === undefined || children.length > 1) throw new Error(`${children.length} children, one expected`);
  return new HandDrivenRun(child.run_id);
}

/** A run that waits for another one, which has ended and could not tell it. */
async function toldInVain() {
  startAt(START);
  const run = await suspended("2h");
  const child = await childOf(run);
  const awaited = vi.spyOn(RunObject.prototype, "awaited").mockRejectedValue(new Error("told in vain"));
  vi.setSystemTime(START + HOUR_MS + 60_000);
  await child.wake();
  await child.final();
  await vi.waitFor(() => expect(awaited).toHaveBeenCalled(), 10_000);
  return { run, child, awaited };
}

/** The time set to what the alarm is set to, and the alarm run. */
async function toItsAlarm(run: HandDrivenRun): Promise<void> {
  vi.setSystemTime(Math.max(Date.now(), (await run.alarmAt()) ?? 0));
  await run.wake();
}

/** A run of `patient` whose first attempt has been suspended, driven by the real driver. */
async function suspended(timeout: string): Promise<HandDrivenRun> {
  const { run } = await HandDrivenRun.accept(acceptance(poolPlan, "patient", { payload: { timeout }, claim: null }));
  await vi.waitFor(async () => expect(await statusOf(run)).toBe("waiting"), { timeout: 20_000, interval: 20 });
  return run;
}

describe("a task that awaits a run which starts in an hour", () => {
  it(
    "a task that awaits a run which starts in an hour holds no driver and no object awake in between, and goes on when that run is final",
    { timeout: 60_000 },
    async () => {
      startAt(START);
      const underWay = callsUnderWay();
      const run = await suspended("2h");
      const child = await childOf(run);
      expect((await run.document()).tasks[0]).toMatchObject({
        status: "waiting",
        waiting_for: { for: "run", run_id: child.id, task: "echo" },
        attempts: [{ attempt: 1, status: "suspended", error: null }],
        steps: [{ name: "ask" }],
      });
      await vi.waitFor(async () => expect(JSON.stringify(await child.journal())).toContain("waiters"), 10_000);
      await vi.waitFor(() => expect(underWay()).toBe(0), 10_000);
      await run.evict();
      await child.evict();

      // The hour: nothing but the parent's own questions, at most a handful.
      let woken = 0;
      while (((await run.alarmAt()) ?? 0) < START + HOUR_MS) {
        await toItsAlarm(run);
        woken += 1;
        expect(await statusOf(run)).toBe("waiting");
        await vi.waitFor(() => expect(underWay()).toBe(0), 10_000);
      }
      expect(woken).toBeLessThanOrEqual(6);
      expect(await child.document()).toMatchObject({ status: "queued", tasks: [{ attempts: [] }] });

      vi.setSystemTime(START + HOUR_MS + 60_000);
      await child.wake();
      expect(await run.final()).toMatchObject({
        status: "succeeded",
        tasks: [
          { status: "succeeded", waiting_for: null, attempts: [{ status: "suspended" }, { status: "succeeded" }] },
        ],
        children: [{ run_id: child.id }],
      });
      expect(stepsDone.get(run.id)).toBe(1);
      const passed = await run.call((object) => object.payload("patient"));
      if (passed?.at !== "inline") throw new Error("it passed nothing inline");
      expect(JSON.parse(new TextDecoder().decode(passed.bytes))).toEqual({
        since: "then",
        child: child.id,
        status: "succeeded",
      });
      // The child knows that its parent knows: only its retention is left.
      await vi.waitFor(async () => {
        await child.wake();
        expect(await child.alarmAt()).toBeGreaterThan(START + 24 * HOUR_MS);
      }, 10_000);
    },
  );

  it(
    "a task that awaits a run which starts in an hour gets a typed error when the wait is over, and the other run goes on",
    { timeout: 60_000 },
    async () => {
      startAt(START);
      const run = await suspended("30m");
      while ((await statusOf(run)) === "waiting") await toItsAlarm(run);
      expect(Date.now()).toBeGreaterThanOrEqual(START + HOUR_MS / 2);
      expect(Date.now()).toBeLessThan(START + HOUR_MS);
      expect(await run.final()).toMatchObject({
        status: "failed",
        tasks: [
          {
            attempts: [
              { status: "suspended" },
              {
                status: "failed",
                error: { name: "ResultTimeoutError", message: expect.stringContaining("1800000 ms") },
              },
            ],
          },
        ],
      });
      expect(await (await childOf(run)).document()).toMatchObject({ status: "queued" });
    },
  );

  it(
    "a task that awaits a run which starts in an hour goes on although nobody tells it: it asks by its own alarm",
    { timeout: 60_000 },
    async () => {
      const { run } = await toldInVain();
      expect(await statusOf(run)).toBe("waiting");
      await toItsAlarm(run);
      expect(await run.final()).toMatchObject({ status: "succeeded" });
    },
  );

  it(
    "a task that awaits a run which starts in an hour is told again by the other run until it has answered",
    { timeout: 60_000 },
    async () => {
      const { run, child, awaited } = await toldInVain();
      awaited.mockRestore();
      await child.evict();
      await toItsAlarm(child);
      expect(await run.final()).toMatchObject({ status: "succeeded" });
    },
  );
});

describe("an attempt that awaits other runs", () => {
  const ONE = planOf([taskPlan("only", { method: "scripted" })]);

  async function begun(): Promise<{ run: HandDrivenRun; lease: Lease }> {
    const { run, answer } = await HandDrivenRun.accept(acceptance(ONE, "only"));
    return { run, lease: only(answer.grant) };
  }

  /** No wait in place: as if its time had passed without the run being final. */
  function notFinalYet(): void {
    vi.spyOn(RunObject.prototype, "untilFinal").mockResolvedValue(null);
  }

  function later(): Promise<{ runId: RunId; result(options: { timeout: string }): Promise<RunDocument> }> {
    return triggerTaskWithEvent("echo", null, { delay: "1h" });
  }

  it("an attempt that awaits other runs ends at once, whatever its code does with the error", async () => {
    const { run, lease } = await begun();
    notFinalYet();
    let caught: unknown = null;
    const { settlement } = await attempt(async (_payload: never, { signal }) => {
      const child = await later();
      caught = await child.result({ timeout: "1h" }).catch((error: unknown) => error);
      expect(signal.aborted).toBe(true);
      return "as if nothing had happened";
    }, lease);
    expect(settlement.outcome).toMatchObject({
      type: "suspended",
      awaits: [{ runId: settlement.children[0]?.runId, task: "echo" }],
    });
    await vi.waitFor(() => expect(caught).toMatchObject({ name: "TaskSuspendedError" }), 10_000);
    await run.settle(settlement);
    expect(await run.document()).toMatchObject({ status: "running", tasks: [{ status: "waiting", output: null }] });
  });

  it("an attempt that awaits other runs awaits all of them that it was waiting for, each with its own deadline", async () => {
    const { lease } = await begun();
    notFinalYet();
    startAt(START);
    const { settlement } = await attempt(async () => {
      const [one, two] = [await later(), await later()];
      await Promise.all([one.result({ timeout: "1h" }), two.result({ timeout: "2h" })]);
    }, lease);
    if (settlement.outcome.type !== "suspended") throw new Error(settlement.outcome.type);
    expect(settlement.outcome.awaits.map(({ until }) => until - START)).toEqual([HOUR_MS, 2 * HOUR_MS]);
  });

  it("an attempt that awaits other runs lets the steps that are under way finish first, and not one that awaits a run itself", async () => {
    const { run, lease } = await begun();
    notFinalYet();
    const { promise, resolve } = Promise.withResolvers<string>();
    const { settlement } = await attempt(async () => {
      const child = await later();
      const waiting = child.result({ timeout: "1h" });
      const within = step("waits", async () => (await (await later()).result({ timeout: "1h" })).status);
      const slow = step("slow", () => promise);
      await Promise.all([waiting, within, slow, (async () => resolve("done"))()]);
    }, lease);
    expect(settlement.outcome.type).toBe("suspended");
    expect((await run.document()).tasks[0]?.steps).toMatchObject([{ name: "slow" }]);
  });

  it("an attempt that awaits other runs keeps the deadline that it had, in every later attempt", async () => {
    startAt(START);
    notFinalYet();
    const { lease } = await begun();
    const method = async (): Promise<string> => {
      const child = await later();
      return (await child.result({ timeout: "1h" }).catch((error: Error) => ({ status: error.name }))).status;
    };
    const first = (await attempt(method, lease)).settlement;
    const call = `${first.children[0]?.runId}/0`;
    const early = (await attempt(method, { ...lease, waits: { [call]: START + 60_000 } })).settlement;
    expect(early.outcome).toMatchObject({ type: "suspended", awaits: [{ until: START + 60_000 }] });
    vi.setSystemTime(START + 60_001);
    const late = (await attempt(method, { ...lease, waits: { [call]: START + 60_000 } })).settlement;
    expect(late.outcome).toMatchObject({ type: "succeeded" });
  });

  it("an attempt that awaits other runs waits in place for a run that ends soon", async () => {
    const { lease } = await begun();
    const { settlement } = await attempt(async () => {
      const child = await triggerTaskWithEvent("echo", "soon");
      return (await child.result({ timeout: "1h" })).status;
    }, lease);
    expect(settlement.outcome).toMatchObject({ type: "succeeded" });
  });

  it("an attempt that awaits other runs waits in place for at most half of its attempt's time, also when the clock was set back meanwhile", async () => {
    startAt(START);
    const { lease } = await begun();
    const waited = vi.spyOn(RunObject.prototype, "untilFinal").mockResolvedValue(null);
    const { settlement } = await attempt(
      async () => {
        const child = await later();
        vi.setSystemTime(START - HOUR_MS);
        return child.result({ timeout: "9h" });
      },
      { ...lease, timeoutMs: 4_000 },
    );
    expect(settlement.outcome.type).toBe("suspended");
    expect(waited.mock.calls).toEqual([[2_000]]);
  });

  it("an attempt that awaits other runs is refused for a wait of more than 30 days", async () => {
    const { lease } = await begun();
    const { settlement } = await attempt(async () => (await later()).result({ timeout: "31d" }), lease);
    expect(settlement.outcome).toMatchObject({ type: "failed", error: { name: "RangeError" } });
  });

  it("an attempt that awaits other runs takes a run that was deleted for one that has ended: its next attempt triggers it anew", async () => {
    const { run, lease } = await begun();
    notFinalYet();
    loseMessages();
    const { settlement } = await attempt(async () => (await later()).result({ timeout: "1h" }), lease);
    const gone = parseRunId("run_00000000000000000000000000");
    if (settlement.outcome.type !== "suspended" || gone === null) throw new Error(settlement.outcome.type);
    const awaits = settlement.outcome.awaits.map((awaited) => ({ ...awaited, runId: gone }));
    await run.call((object) =>
      object.settle({ settlements: [{ ...settlement, outcome: { type: "suspended", awaits } }], claim: null }),
    );
    await vi.waitFor(async () => expect(await statusOf(run)).toBe("queued"), 10_000);
    const again = only(await run.claim());
    expect(again).toMatchObject({ attempt: 2 });
    const lifetime = { waitUntil: (): void => undefined, budgetMs: () => 0 };
    expect((await executeLease(env, { ...again, method: "echo" }, lifetime, new Deadlines())).outcome.type).toBe(
      "succeeded",
    );
  });

  it("an attempt that awaits other runs rejects once it is known that the run was deleted, if its trigger finds that it is over and begins no other", async () => {
    const { lease } = await begun();
    const deleted = newRunId();
    const accept: AcceptTrigger = async () =>
      ok({ runId: deleted, task: "echo", status: "succeeded", deduplicated: true });
    const { settlement } = await attempt(
      async () => (await later()).result({ timeout: "1h" }),
      { ...lease, arrived: [{ runId: deleted, status: "gone", document: null }] },
      { accept },
    );
    expect(settlement.outcome).toMatchObject({ type: "failed", error: { name: "RunGoneError" } });
  });
});
