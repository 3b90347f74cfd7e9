import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { edge } from "../support/edge.ts";
import { acceptance, HandDrivenRun, only } from "../support/hand-driven.ts";
import { planOf, taskPlan } from "../support/plan.ts";
import { parsePrometheusText } from "../support/prometheus-text.ts";
import { settlement, succeeded } from "../support/settlements.ts";

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;
const START = Date.UTC(2027, 0, 1);

/** A task of its own for each plan, and with it a catalog of its own. */
function planWith(name: string, lateAfterMs?: number) {
  const late = lateAfterMs === undefined ? {} : { lateAfterMs };
  return planOf([taskPlan(name, { method: "scripted", external: true, timeoutMs: DAY, ...late })]);
}

/** A run that waits for its approval, begun at `START`. */
async function waiting(name: string, lateAfterMs?: number) {
  const plan = planWith(name, lateAfterMs);
  const { run, answer } = await HandDrivenRun.accept(acceptance(plan, name));
  await run.settle(settlement(only(answer.grant), { type: "waiting" }));
  const send = edge(plan);
  const ids = async (query: string): Promise<string[]> => {
    const response = await send(`/api/v1/runs?task=${name}&${query}`);
    const { runs } = await response.json<{ runs: { run_id: string }[] }>();
    return runs.map(({ run_id }) => run_id);
  };
  const counted = async (): Promise<number | undefined> => {
    const families = parsePrometheusText(await (await send("/api/v1/metrics")).text());
    const samples = families.get("peach_runs_late_total")?.samples ?? [];
    return samples.find(({ labels }) => labels["task"] === name)?.value;
  };
  return { run, ids, counted };
}

beforeEach(() => {
  vi.setSystemTime(START);
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a run whose task has late_after", () => {
  it("a run whose task has late_after is late by an alarm of its own, is found so, is counted once, and goes on", async () => {
    const { run, ids, counted } = await waiting("late_one", 30 * MINUTE);
    expect(await run.document()).toMatchObject({ late: false });
    vi.setSystemTime(START + 30 * MINUTE);
    await run.wake();
    expect(await run.document()).toMatchObject({ late: true, status: "running" });
    await vi.waitFor(async () => {
      expect(await ids("late=true")).toEqual([run.id]);
      expect(await ids("late=false")).toEqual([]);
      expect(await ids("late=true&status=failed")).toEqual([]);
      expect(await counted()).toBe(1);
    }, 10_000);
    expect(await run.alarmAt()).toBeGreaterThan(START + 30 * MINUTE);
    const rows = (await run.journal()).length;
    vi.setSystemTime(START + 60 * MINUTE);
    await run.wake();
    expect((await run.journal()).length).toBe(rows);
    await run.evict();
    expect(await run.document()).toMatchObject({ late: true });
    await run.call((object) => object.cancel());
    await vi.waitFor(async () => {
      expect(await ids("late=true&status=cancelled")).toEqual([run.id]);
      expect(await counted()).toBe(1);
    }, 10_000);
  });

  it("a run whose task has late_after has its alarm at that time, and one without has none for it", async () => {
    const late = await waiting("late_alarm", 30 * MINUTE);
    const plain = await waiting("late_none");
    for (const { run } of [late, plain]) {
      vi.setSystemTime(START + MINUTE);
      await run.wake();
    }
    expect(await late.run.alarmAt()).toBe(START + 30 * MINUTE);
    expect(await plain.run.alarmAt()).toBe(START + DAY);
    expect((await late.run.journal()).length).toBe((await plain.run.journal()).length);
  });

  it("a run whose task has late_after and that is final in time is not late", async () => {
    const plan = planOf([taskPlan("late_not", { method: "scripted", lateAfterMs: 30 * MINUTE })]);
    const { run, answer } = await HandDrivenRun.accept(acceptance(plan, "late_not"));
    vi.setSystemTime(START + 29 * MINUTE);
    await run.settle(succeeded(only(answer.grant)));
    vi.setSystemTime(START + 31 * MINUTE);
    await run.wake();
    expect(await run.document()).toMatchObject({ late: false, status: "succeeded" });
  });
});
