/** Runs that an attempt has triggered which died before it could settle: their parent knows them all the same. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "../../support/env.ts";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { RunId } from "../../../src/domain/ids.ts";
import { Deadlines } from "../../../src/execution/attempt/deadlines.ts";
import { executeLease } from "../../support/deployed.ts";
import { acceptance, HandDrivenRun, newRunId, only } from "../../support/hand-driven.ts";
import { settlement, succeeded } from "../../support/settlements.ts";
import { countOperations } from "../../support/operations.ts";
import { planOf, taskPlan } from "../../support/plan.ts";
import { nextCall } from "../../support/pool/pipelines/scripted.ts";

const RETENTION_MS = 86_400_000;
const RETRIES = { ...taskPlan("root").retries, limit: 5 };
const PLAN = planOf([taskPlan("root", { method: "scripted", retries: RETRIES })], { retentionMs: RETENTION_MS });

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** A run whose attempt has triggered another one, which waits for an hour, and has died before its settle. */
async function orphaned(): Promise<{ parent: HandDrivenRun; child: HandDrivenRun }> {
  const { run: parent, answer } = await HandDrivenRun.accept(acceptance(PLAN, "root"));
  const executing = executeLease(env, only(answer.grant), createExecutionContext(), new Deadlines());
  const call = await nextCall(parent.id);
  const { runId } = await call.task.triggerTaskWithEvent("scripted", "of an attempt that dies", { delay: "1h" });
  call.succeed();
  await executing;
  return { parent, child: new HandDrivenRun(runId) };
}

/** A run that the task of this one triggers; its first lease is the test's. */
function childOf(parent: RunId) {
  const request = acceptance(PLAN, "root");
  const by = { runId: parent, task: "root", isChild: true } as const;
  return HandDrivenRun.accept({ ...request, origin: { source: "task", by: "root", parent: by } });
}

async function status(run: HandDrivenRun): Promise<string> {
  return (await run.document()).status;
}

async function childrenOf(run: HandDrivenRun): Promise<unknown> {
  return (await run.document()).children;
}

describe("a run that an attempt has triggered which died before its settle", () => {
  it("a run that an attempt has triggered which died before its settle is cancelled with its parent, and is listed there", async () => {
    const { parent, child } = await orphaned();
    await parent.call((run) => run.cancel({ children: true }));
    expect(await childrenOf(parent)).toEqual([]);
    expect(await status(child)).toBe("queued");
    await child.wake();
    expect(await childrenOf(parent)).toEqual([{ run_id: child.id, task: "scripted" }]);
    await vi.waitFor(async () => expect(await status(child)).toBe("cancelled"), 10_000);
  });

  it("a run that an attempt has triggered which died before its settle is known to its parent half a minute later, and is cancelled at once with it then", async () => {
    const { parent, child } = await orphaned();
    const { created_at } = await child.document();
    expect(await child.alarmAt()).toBe(Date.parse(created_at) + 30_000);
    await child.wake();
    expect(await childrenOf(parent)).toEqual([{ run_id: child.id, task: "scripted" }]);
    await parent.call((run) => run.cancel({ children: true }));
    await vi.waitFor(async () => expect(await status(child)).toBe("cancelled"), 10_000);
  });

  it("a run that an attempt has triggered which died before its settle goes on when its parent was cancelled alone", async () => {
    const { parent, child } = await orphaned();
    await parent.call((run) => run.cancel());
    await child.wake();
    expect(await childrenOf(parent)).toEqual([{ run_id: child.id, task: "scripted" }]);
    expect(await status(child)).toBe("queued");
    await child.call((run) => run.cancel());
  });

  it("a run that an attempt has triggered which died before its settle is listed at its parent though it has ended before that knew it", async () => {
    const { run: parent } = await HandDrivenRun.accept(acceptance(PLAN, "root"));
    const { run: child, answer } = await childOf(parent.id);
    await child.settle(succeeded(only(answer.grant)));
    const listed = [{ run_id: child.id, task: "root" }];
    await vi.waitFor(async () => expect(await childrenOf(parent)).toEqual(listed), 10_000);
    const { finished_at } = await child.document();
    const retentionAt = Date.parse(finished_at ?? "") + RETENTION_MS;
    await vi.waitFor(async () => expect(await child.alarmAt()).toBe(retentionAt), 10_000);
  });

  it("a run that an attempt has triggered which died before its settle goes on when its parent is no more, or is only remembered", async () => {
    const { run: above, answer: ofAbove } = await HandDrivenRun.accept(acceptance(PLAN, "root"));
    const { run: past, answer } = await childOf(above.id);
    await past.settle(succeeded(only(answer.grant)));
    const { finished_at } = await past.document();
    const endedAt = Date.parse(finished_at ?? "");
    vi.setSystemTime(endedAt + 20_000);
    await above.settle(succeeded(only(ofAbove.grant)));
    vi.setSystemTime(endedAt + RETENTION_MS + 10_000);
    await past.wake();
    expect(await past.call((run) => run.describe())).toBeNull();
    expect(await past.inside(({ storage }) => storage.sql.databaseSize)).toBeGreaterThan(0);
    const ofGone = await childOf(newRunId());
    const ofPast = await childOf(past.id);
    for (const { run, answer } of [ofGone, ofPast]) {
      await run.wake();
      await run.settle(succeeded(only(answer.grant)));
      expect(await status(run)).toBe("succeeded");
      await vi.waitFor(
        async () => expect(await run.alarmAt()).toBeGreaterThan(Date.now() + RETENTION_MS - 60_000),
        10_000,
      );
    }
    expect(await past.call((run) => run.knowChild({ runId: ofPast.run.id, task: "root" }))).toBe(false);
  });

  it("a run that an attempt has triggered which died before its settle costs a request a child, and a row of the parent only where no settle has named it", async () => {
    const counted = await countOperations();
    const { run: parent, answer } = await HandDrivenRun.accept(acceptance(PLAN, "root"));
    const lease = only(answer.grant);
    const [named, unnamed] = [await childOf(parent.id), await childOf(parent.id)];
    const failed = { type: "failed", retryable: true, retryAfterMs: 60_000, reason: "error" } as const;
    const error = { name: "Error", message: "thrown by the test", stack: null };
    const children = [{ runId: named.run.id, task: "root" }];
    await parent.settle({ ...settlement(lease, { ...failed, error }), children });
    const before = { ...counted, parentRows: (await parent.journal()).length };
    const endOf = async ({ run, answer }: typeof named): Promise<void> => {
      await run.settle(succeeded(only(answer.grant)));
      await vi.waitFor(
        async () => expect(await run.alarmAt()).toBeGreaterThan(Date.now() + RETENTION_MS - 60_000),
        10_000,
      );
    };
    await endOf(named);
    // Its settle, and telling the parent; a row for the settle, and its alarm.
    expect(counted.runCalls - before.runCalls).toBe(2);
    expect((await parent.journal()).length).toBe(before.parentRows);
    expect(counted.runAlarms).toBe(before.runAlarms);
    await endOf(unnamed);
    expect(counted.runCalls - before.runCalls).toBe(4);
    expect((await parent.journal()).length).toBe(before.parentRows + 1);
  });
});
