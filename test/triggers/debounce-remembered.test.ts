/** Runs of a debounced task that are over, while a run that has triggered them may still be retried. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { taskKey } from "../../src/domain/trigger-key.ts";
import { encodePayload } from "../../src/payloads/codec.ts";
import { acceptTrigger } from "../support/deployed.ts";
import type { AcceptedTrigger } from "../../src/triggers/accept.ts";
import { acceptance, HandDrivenRun, only } from "../support/hand-driven.ts";
import { succeeded, threw } from "../support/settlements.ts";
import { planOf, taskPlan } from "../support/plan.ts";

const START = Date.UTC(2027, 0, 1);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** That of the task `debounced` of the pool. */
const RETENTION_MS = 30 * DAY_MS;
const PARENT = planOf([taskPlan("only", { method: "scripted" })], { retentionMs: 2 * RETENTION_MS });

interface TriggerSettings {
  readonly by?: HandDrivenRun;
  readonly key?: string;
}

async function trigger(item: string, n: number, { by, key }: TriggerSettings = {}): Promise<AcceptedTrigger> {
  const payload = encodePayload({ item, n });
  if (!payload.ok) throw new Error(payload.problem.detail);
  const parent = by === undefined ? null : { runId: by.id, task: "only" };
  const accepted = await acceptTrigger(env, createExecutionContext(), {
    task: "debounced",
    payload: payload.value,
    idempotencyKey: key === undefined ? null : taskKey(key),
    origin: { source: parent === null ? "api" : "task", by: "test", parent },
  });
  if (!accepted.ok) throw new Error(accepted.problem.detail);
  return accepted.value;
}

/** Its task triggers the first of a window, and fails ten days before the retention of that is over. */
async function remembered() {
  const item = crypto.randomUUID();
  const { run: parent, answer } = await HandDrivenRun.accept(acceptance(PARENT, "only"));
  const { runId } = await trigger(item, 1, { by: parent, key: `${item} 1` });
  const child = new HandDrivenRun(runId);
  vi.setSystemTime(START + HOUR_MS);
  await child.wake();
  expect((await child.final()).status).toBe("succeeded");
  vi.setSystemTime(START + 20 * DAY_MS);
  await parent.settle(threw(only(answer.grant)));
  vi.setSystemTime(START + HOUR_MS + RETENTION_MS);
  await child.wake();
  expect(await child.call((run) => run.describe())).toBeNull();
  return { item, parent, child };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: START });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a debounced task whose last run is no more than remembered", () => {
  it("a debounced task whose last run is no more than remembered takes a new trigger in its next window", async () => {
    const { item, child } = await remembered();
    const next = await trigger(item, 2);
    expect(next).toMatchObject({ status: "queued", deduplicated: false });
    expect(next.runId).not.toBe(child.id);
  });

  it("a debounced task whose last run is no more than remembered knows again what it was triggered with by the run that is retried, also when the next window has begun", async () => {
    const { item, parent, child } = await remembered();
    const found = { runId: child.id, status: "succeeded", deduplicated: true };
    const again = { by: parent, key: `${item} 1` };
    expect(await trigger(item, 1, again)).toMatchObject(found);
    await trigger(item, 2);
    await child.evict();
    expect(await trigger(item, 1, again)).toMatchObject(found);
    await expect(trigger(item, 3, again)).rejects.toThrow("with another payload");
    expect(await trigger(item, 3, { by: parent, key: `${item} 3` })).toMatchObject({ status: "queued" });
  });
});

describe("a run of a debounced task", () => {
  it("a run of a debounced task is remembered for each run whose trigger it has taken", async () => {
    const item = crypto.randomUUID();
    const { runId } = await trigger(item, 1);
    const [joining, finding] = await Promise.all([
      HandDrivenRun.accept(acceptance(PARENT, "only")),
      HandDrivenRun.accept(acceptance(PARENT, "only")),
    ]);
    await trigger(item, 2, { by: joining.run, key: `${item} 2` });
    const child = new HandDrivenRun(runId);
    vi.setSystemTime(START + HOUR_MS);
    await child.wake();
    await child.final();
    await trigger(item, 2, { by: finding.run, key: `${item} 2` });
    vi.setSystemTime(START + 20 * DAY_MS);
    await joining.run.settle(succeeded(only(joining.answer.grant)));
    vi.setSystemTime(START + 25 * DAY_MS);
    await finding.run.settle(succeeded(only(finding.answer.grant)));
    for (const [at, parent] of [
      [20, joining],
      [25, finding],
    ] as const) {
      vi.setSystemTime(START + at * DAY_MS + RETENTION_MS - 1);
      await child.wake();
      const again = await trigger(item, 2, { by: parent.run, key: `${item} 2` });
      expect(again).toMatchObject({ runId, deduplicated: true });
    }
    vi.setSystemTime(START + 25 * DAY_MS + RETENTION_MS);
    await child.wake();
    expect(await child.alarmAt()).toBeNull();
  });
});
