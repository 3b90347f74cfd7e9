import { afterEach, describe, expect, it, vi } from "vitest";
import type { RunId } from "../../src/domain/ids.ts";
import { callRun } from "../../src/objects/run/run-client.ts";
import { NonRetryableError } from "../../src/task-helpers.ts";
import { edge } from "../support/edge.ts";
import { env } from "../support/env.ts";
import { planOf, taskPlan } from "../support/plan.ts";
import { nextCall } from "../support/pool/pipelines/scripted.ts";

const DAY = 86_400_000;
// timed_approve ─▶ timed_after; the method of both is the pool's "scripted".
const PLAN = planOf([
  taskPlan("timed_approve", {
    method: "scripted",
    downstream: ["timed_after"],
    external: true,
    timeoutMs: DAY,
  }),
  taskPlan("timed_after", { method: "scripted", upstream: ["timed_approve"] }),
]);
const send = edge(PLAN);

interface Told {
  readonly work_ms: number;
  readonly waited_ms: number;
  readonly duration_ms: number | null;
  readonly rounds: number;
  readonly history: readonly object[];
}

async function told(runId: string): Promise<Told> {
  return (await send(`/api/v1/runs/${runId}`)).json<Told>();
}

afterEach(() => {
  vi.useRealTimers();
});

describe("a run with an approval that fails behind it and is retried", () => {
  it("a run with an approval that fails behind it and is retried tells its work, its wait, its rounds and who did what", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const triggered = await send("/api/v1/tasks/timed_approve/trigger", { method: "POST" });
    const { run_id: runId } = await triggered.json<{ run_id: RunId }>();
    const approve = await nextCall(runId, "timed_approve");
    vi.setSystemTime(Date.now() + 2_000);
    approve.succeed();
    await vi.waitFor(
      async () => expect(await told(runId)).toMatchObject({ tasks: [{ status: "waiting" }, {}] }),
      10_000,
    );
    vi.setSystemTime(Date.now() + 3_600_000);
    expect((await told(runId)).waited_ms).toBeGreaterThanOrEqual(3_600_000);
    const body = JSON.stringify({ status: "succeeded", payload: true });
    await send(`/api/v1/runs/${runId}/tasks/timed_approve/complete`, { method: "POST", body });
    (await nextCall(runId, "timed_after")).fail(new NonRetryableError("broken"));
    await callRun(env, runId, (run) => run.untilFinal(10_000));
    const failed = await told(runId);
    expect(failed.work_ms).toBeGreaterThanOrEqual(2_000);
    expect(failed.work_ms).toBeLessThan(600_000);
    expect([failed.rounds, failed.duration_ms]).toEqual([1, failed.work_ms]);

    vi.setSystemTime(Date.now() + 3_600_000);
    await send(`/api/v1/runs/${runId}/retry`, { method: "POST" });
    (await nextCall(runId, "timed_after")).succeed();
    await callRun(env, runId, (run) => run.untilFinal(10_000));
    const retried = await told(runId);
    expect(retried).toMatchObject({
      rounds: 2,
      waited_ms: failed.waited_ms,
      history: [
        { what: "triggered" },
        { what: "completed", task: "timed_approve", by: expect.any(String) },
        { what: "retried", by: expect.any(String) },
      ],
    });
    expect(retried.duration_ms).toBe(retried.work_ms - failed.work_ms);
    await vi.waitFor(async () => {
      const list = await send("/api/v1/runs?task=timed_approve");
      const { runs } = await list.json<{ runs: object[] }>();
      expect(runs).toMatchObject([{ run_id: runId, duration_ms: retried.duration_ms }]);
    }, 10_000);
  });
});
