import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RunDeletion } from "../../../src/objects/run/run-deletion.ts";
import { SignsOfLife } from "../../../src/objects/run/signs-of-life.ts";
import { AlertEntrypoint } from "../../../src/worker/alert-entrypoint.ts";
import { deadLetters } from "../../support/dead-letters.ts";
import { edge } from "../../support/edge.ts";
import { acceptance, HandDrivenRun } from "../../support/hand-driven.ts";
import { planOf, taskPlan } from "../../support/plan.ts";

const START = Date.UTC(2027, 0, 1);
const HOUR_MS = 3_600_000;
const CHAIN = planOf([taskPlan("first", { downstream: ["second"] }), taskPlan("second", { upstream: ["first"] })]);
const DEAD_LETTER = expect.stringContaining("redrive its dead letter");
const ALERTING = planOf([taskPlan("scripted")], { onFailure: "alert" });

/** Each alarm in a life of its own, until `isOver`; how often it fired. */
async function wakeUntil(run: HandDrivenRun, isOver: () => Promise<boolean>, most = 50): Promise<number> {
  for (let alarms = 1; ; alarms += 1) {
    const at = await run.alarmAt();
    if (at === null || alarms > most) throw new Error(`${alarms} alarms, and the next is set to ${at}`);
    vi.setSystemTime(at);
    await run.wake();
    if (await isOver()) return alarms;
    await run.evict();
  }
}

beforeEach(() => {
  vi.setSystemTime(START);
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("a run that is final, and can not be deleted", () => {
  const DAY_MS = 24 * HOUR_MS;
  const ofSurroundings = Object.assign(new Error("The object was reset."), { durableObjectReset: true });

  it.each([
    { what: "for a day", error: new TypeError("a bug of the test"), days: 1, most: 80 },
    { what: "for a week, if it is the surroundings", error: ofSurroundings, days: 7, most: 240 },
  ])(
    "a run that is final, and can not be deleted, is tried again $what, is a dead letter then, and is not woken any more",
    async ({ error, days, most }) => {
      const { run } = await HandDrivenRun.accept(acceptance(CHAIN, "first"));
      await run.call((object) => object.cancel());
      const forgets = vi.spyOn(RunDeletion.prototype, "delete").mockRejectedValue(error);
      await wakeUntil(run, async () => forgets.mock.calls.length > 0);
      const failsSince = Date.now();
      await wakeUntil(run, async () => (await run.alarmAt()) === null, most);
      expect(Date.now() - failsSince).toBeGreaterThanOrEqual(days * DAY_MS);
      expect(Date.now() - failsSince).toBeLessThan(days * DAY_MS + 2 * HOUR_MS);
      await vi.waitFor(async () => {
        const ours = (await deadLetters()).filter(({ body }) => body === JSON.stringify({ run_id: run.id }));
        expect(ours).toMatchObject([{ reason: "given_up" }]);
        expect(ours[0]?.detail).toBe(`${run.id} is over, and cannot be listed or deleted: ${String(error)}`);
      }, 10_000);

      // Whoever looks at it has it tried once more.
      forgets.mockRestore();
      await run.evict();
      expect((await run.document()).status).toBe("cancelled");
      await vi.waitFor(async () => expect(await run.alarmAt()).not.toBeNull(), 10_000);
      await run.wake();
      expect(await run.call((object) => object.describe())).toBeNull();
      expect(await run.inside(({ storage }) => [...storage.kv.list()])).toEqual([]);
    },
  );
});

describe("a run whose alarm fails for good", () => {
  it("a run whose alarm fails for good is ended after an hour, with what failed, and is deleted like any other", async () => {
    const { run } = await HandDrivenRun.accept(acceptance(CHAIN, "first"));
    const broken = vi.spyOn(SignsOfLife.prototype, "silent").mockImplementation(() => {
      throw new TypeError("a bug of the test");
    });
    const alarms = await wakeUntil(run, async () => (await run.document()).finished_at !== null);
    expect(Date.now() - START).toBeGreaterThanOrEqual(HOUR_MS);
    expect(Date.now() - START).toBeLessThan(HOUR_MS + 400_000);
    expect(alarms).toBeLessThan(30);
    expect(await run.document()).toMatchObject({
      status: "failed",
      tasks: [
        {
          status: "failed",
          reason: "broken",
          attempts: [
            { status: "cancelled" },
            { status: "failed", error: { message: "the run could not go on: a bug of the test" } },
          ],
        },
        { status: "cancelled" },
      ],
    });
    broken.mockRestore();
    await wakeUntil(run, async () => (await run.call((object) => object.describe())) === null);
    expect(await run.alarmAt()).toBeNull();
    expect(await run.inside(({ storage }) => [...storage.kv.list()])).toEqual([]);
  });

  it("a run whose alarm fails for good raises the alert of its deployment, and stands in the catalog as failed", async () => {
    const { run } = await HandDrivenRun.accept(acceptance(ALERTING, "scripted"));
    vi.spyOn(SignsOfLife.prototype, "silent").mockImplementation(() => {
      throw new TypeError("a bug of the test");
    });
    const raised = vi.spyOn(AlertEntrypoint.prototype, "raise").mockResolvedValue(undefined);
    await wakeUntil(run, async () => (await run.document()).finished_at !== null);
    await vi.waitFor(() => expect(raised).toHaveBeenCalledOnce(), 10_000);
    expect(raised.mock.calls[0]?.[0]).toMatchObject({
      task: "alert",
      runId: run.id,
      summary: {
        failed_tasks: [{ reason: "broken", error: { message: "the run could not go on: a bug of the test" } }],
      },
    });
    await vi.waitFor(async () => {
      const answer = await edge(ALERTING)("/api/v1/runs?task=scripted&status=failed");
      expect(await answer.json()).toMatchObject({
        runs: expect.arrayContaining([expect.objectContaining({ run_id: run.id })]),
      });
    }, 10_000);
  });

  it("a run whose alarm fails for good goes on as if nothing had been if the failure passes before", async () => {
    const { run } = await HandDrivenRun.accept(acceptance(CHAIN, "first"));
    const broken = vi.spyOn(SignsOfLife.prototype, "silent").mockImplementation(() => {
      throw new TypeError("a bug of the test");
    });
    await wakeUntil(run, async () => broken.mock.calls.length === 5);
    broken.mockRestore();
    await run.evict();
    await run.wake();
    expect((await run.document()).finished_at).toBeNull();
    expect(await run.inside(({ storage }) => [...storage.kv.list()])).toEqual([]);
  });

  it("a run whose alarm fails for good and whose journal cannot be read from some entry on, stands in lists with that", async () => {
    const { run } = await HandDrivenRun.accept(acceptance(CHAIN, "first", { claim: null }));
    await run.claim();
    await run.inside(({ storage }) => {
      storage.sql.exec("UPDATE journal SET entry = '{' WHERE seq = 2");
    });
    await run.evict();
    await run.wake();
    await vi.waitFor(async () => {
      const answer = await edge(CHAIN)("/api/v1/runs?task=first&limit=200");
      const { runs }: { runs: { run_id: string }[] } = await answer.json();
      expect(runs.find(({ run_id: runId }) => runId === run.id)).toMatchObject({ problem: "run_unreadable" });
    }, 10_000);
  });

  it("a run whose alarm fails for good and whose journal cannot be read, says so, is a dead letter, and is not woken any more", async () => {
    const { run } = await HandDrivenRun.accept(acceptance(CHAIN, "first"));
    await run.inside(({ storage }) => {
      storage.sql.exec("UPDATE journal SET entry = '{' WHERE seq = 1");
    });
    await run.evict();
    const answer = await edge(CHAIN)(`/api/v1/runs/${run.id}`);
    expect([answer.status, await answer.json()]).toMatchObject([500, { code: "run_unreadable", hint: DEAD_LETTER }]);
    await wakeUntil(run, async () => (await run.alarmAt()) === null);
    expect(Date.now() - START).toBeGreaterThanOrEqual(HOUR_MS);
    await vi.waitFor(async () => {
      const ours = (await deadLetters()).filter(({ body }) => body === JSON.stringify({ run_id: run.id }));
      expect(ours).toMatchObject([{ reason: "given_up" }]);
      expect(ours[0]?.detail).toMatch(
        `${run.id} can be neither carried on nor ended: UnreadableRunError: the journal of this run cannot be read: SyntaxError`,
      );
    }, 10_000);
  });
});
