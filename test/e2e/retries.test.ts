import { beforeAll, describe, expect, it } from "vitest";
import { taskOf, type RunDocument } from "./peach.ts";
import type { Report } from "./recorder.ts";
import { Stage } from "./stage.ts";

const WAIT = { timeout: 20_000, interval: 50 };

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open("retries");
  return () => stage.close();
});

async function runOf(task: string): Promise<RunDocument> {
  const { run_id } = await stage.peach.trigger(task);
  return stage.peach.finished(run_id);
}

/** Milliseconds between the starts of one attempt and the next, as the recorder saw them. */
function gaps(run: RunDocument): number[] {
  const starts = stage.recorder.of(run.run_id, "start", run.task).map(({ at }) => at);
  return starts.slice(1).map((at, index) => at - (starts[index] ?? 0));
}

/** Attempts of the task, each as its status and error. */
function attempts(run: RunDocument, task = run.task): string[] {
  return taskOf(run, task).attempts.map(({ status, error }) =>
    error === null ? status : `${status}: ${error.name}: ${error.message}`,
  );
}

describe("a task that throws", () => {
  it.for([
    { task: "exponential", delays: [200, 400, 800] },
    { task: "linear", delays: [250, 500, 750] },
    { task: "capped", delays: [200, 300, 300] },
  ])("a task that throws is started again after the delays of its policy: $task", async ({ task, delays }) => {
    const run = await runOf(task);
    expect(run).toMatchObject({ status: "failed", tasks: [{ status: "failed", reason: "error" }] });
    expect(attempts(run)).toEqual(
      [...delays, null].map((_, index) => `failed: Error: attempt ${index + 1} went wrong`),
    );
    const waited = gaps(run);
    expect(waited).toHaveLength(delays.length);
    for (const [index, delay] of delays.entries()) expect(waited[index]).toBeGreaterThanOrEqual(delay);
    // Not asked for: that it is punctual. But it must not wait for anything else, such as a lease.
    for (const [index, delay] of delays.entries()) expect(waited[index]).toBeLessThan(delay + 5_000);
  });

  it("a task that throws waits between half of the delay and all of it with jitter", async () => {
    const run = await runOf("jittered");
    const waited = gaps(run);
    expect(waited).toHaveLength(2);
    for (const gap of waited) expect(gap).toBeGreaterThanOrEqual(200);
  });

  it("a task that throws is not started again with retries: 0, and what follows it is skipped", async () => {
    const run = await runOf("never_again");
    expect(attempts(run)).toEqual(["failed: Error: attempt 1 went wrong"]);
    expect(run.status).toBe("failed");
    expect(taskOf(run, "after_failure")).toMatchObject({
      status: "skipped",
      reason: "upstream_failed",
      attempts: [],
      output: null,
    });
    expect(stage.recorder.of(run.run_id, "start")).toHaveLength(1);
  });

  it("a task that throws succeeds with the attempt that succeeds, and passes what that one passed", async () => {
    const run = await runOf("third_time");
    expect(run.status).toBe("succeeded");
    expect(attempts(run)).toEqual(["failed: TypeError: not yet", "failed: TypeError: not yet", "succeeded"]);
    expect(stage.recorder.of(run.run_id, "read")).toMatchObject([
      { task: "after_success", data: "passed by attempt 3" },
    ]);

    const logs = await stage.peach.call(`/api/v1/runs/${run.run_id}/tasks/third_time/logs`);
    expect(await logs.json()).toMatchObject({
      logs: [1, 2, 3].map((attempt) => ({ attempt, level: "info", message: `attempt ${attempt}` })),
    });
  });

  it("a task that throws stops at once at a NonRetryableError", async () => {
    const run = await runOf("not_retryable");
    expect(run.status).toBe("failed");
    expect(attempts(run)).toEqual(["failed: NonRetryableError: another attempt cannot help"]);
  });

  it("a task that throws waits as long as its RetryAfterError says, instead of the policy's delay", async () => {
    const run = await runOf("asks_for_time");
    expect(attempts(run)).toEqual(["failed: RetryAfterError: the service is busy", "succeeded"]);
    const [waited = 0] = gaps(run);
    expect(waited).toBeGreaterThanOrEqual(1_000);
  });

  it("a task that throws may not ask for more attempts than its policy has", async () => {
    expect(attempts(await runOf("asks_in_vain"))).toEqual(["failed: RetryAfterError: the service is busy"]);
  });

  it("a task that throws is responsible for a service that hangs up: it fails when its retries are used up", async () => {
    const run = await runOf("dead_service");
    expect(run).toMatchObject({ status: "failed", tasks: [{ reason: "error" }] });
    expect(taskOf(run, "dead_service").attempts.map(({ status }) => status)).toEqual(["failed", "failed"]);
  });
});

describe("a task that runs longer than its timeout", () => {
  it("a task that runs longer than its timeout loses that attempt; what the attempt does later changes nothing", async () => {
    const { run_id } = await stage.peach.trigger("pair");
    const read = (): Report[] => [...stage.recorder.of(run_id, "read")];
    await expect.poll(read, WAIT).toMatchObject([{ task: "after_slow", data: "by the second attempt" }]);
    expect(stage.recorder.of(run_id, "aborted")).toMatchObject([
      { attempt: 1, data: "TimeoutError: the attempt ran longer than its timeout of 500 ms" },
    ]);

    await stage.recorder.openOnceReached("late");
    await expect
      .poll(() => stage.recorder.of(run_id, "refused"), WAIT)
      .toMatchObject([
        { attempt: 1, data: expect.stringContaining("triggerTaskWithEvent was called after this attempt") },
      ]);
    await stage.recorder.openOnceReached("companion");
    const run = await stage.peach.finished(run_id);
    expect(run).toMatchObject({ status: "succeeded", children: [] });
    expect(attempts(run, "slow")).toEqual([
      "timed_out: TimeoutError: the attempt ran longer than its timeout of 500 ms",
      "succeeded",
    ]);
    expect(await (await stage.peach.payload(run_id, "slow")).text()).toBe("by the second attempt");
    expect(read()).toHaveLength(1);
  });

  it("a task that runs longer than its timeout fails when its retries are used up", async () => {
    const run = await runOf("too_slow");
    expect(run).toMatchObject({ status: "failed", tasks: [{ status: "failed", reason: "error" }] });
    expect(taskOf(run, "too_slow").attempts.map(({ status }) => status)).toEqual(["timed_out", "timed_out"]);
    // By the run's own clock: on a busy machine what the first attempt reports may be long on its way.
    const [first = 0, second = 0] = taskOf(run, "too_slow").attempts.map(({ started_at }) => Date.parse(started_at));
    expect(second - first).toBeGreaterThanOrEqual(350);
  });
});
