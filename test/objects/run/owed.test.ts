import { env } from "../../support/env.ts";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { RunId } from "../../../src/domain/ids.ts";
import { callRun } from "../../../src/objects/run/run-client.ts";
import { RunObject } from "../../../src/objects/run/run-object.ts";
import type { RunDocument } from "../../../src/objects/run/run-documents-rpc.ts";
import { AlertEntrypoint } from "../../../src/worker/alert-entrypoint.ts";
import { runIdFor } from "../../../src/triggers/run-id.ts";
import type { DeadLetter } from "../../../src/domain/dead-letter.ts";
import { deadLetters } from "../../support/dead-letters.ts";
import { edge } from "../../support/edge.ts";
import { acceptance, HandDrivenRun, newRunId, only } from "../../support/hand-driven.ts";
import { settlement, succeeded, threw } from "../../support/settlements.ts";
import { planOf, taskPlan } from "../../support/plan.ts";
import { nextCall } from "../../support/pool/pipelines/scripted.ts";

// What runs are told with is the pool's own task "scripted".
const ALERTING = planOf(
  [
    taskPlan("root", { method: "scripted", downstream: ["leaf"] }),
    taskPlan("leaf", { method: "scripted", upstream: ["root"] }),
  ],
  { onFailure: "scripted", retentionMs: 60_000 },
);
const DAY_MS = 86_400_000;
const RETRIES = { ...taskPlan("root").retries, limit: 5 };
const PLAIN = planOf([taskPlan("root", { method: "scripted", retries: RETRIES })]);

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** The run that tells of a failure. */
async function alertOf(runId: RunId, nth: number): Promise<RunId> {
  const failed = await documentOf(runId);
  return runIdFor(env, "scripted", { kind: "alert", name: JSON.stringify([runId, failed?.created_at, nth]) });
}

async function documentOf(runId: RunId): Promise<RunDocument | null> {
  return callRun(env, runId, (run) => run.describe());
}

async function letterOf(runId: RunId): Promise<DeadLetter | undefined> {
  return (await deadLetters()).find(({ body }) => body.includes(runId));
}

/** Resolves once the run owes nothing any more. */
async function paid(run: HandDrivenRun): Promise<void> {
  await vi.waitFor(async () => {
    const entries = (await run.journal()).map(({ entry }) => entry ?? "");
    if (!entries.at(-1)?.includes('"acknowledged"')) throw new Error("still owed");
  }, 10_000);
}

describe("the task of on_failure", () => {
  it("the task of on_failure is triggered with the summary of a run that failed, and again when it fails again", async () => {
    const { run, answer } = await HandDrivenRun.accept(acceptance(ALERTING, "root"));
    await run.settle(threw(only(answer.grant)));
    const first = await nextCall(await alertOf(run.id, 1), "scripted");
    const { created_at, started_at, finished_at } = await run.document();
    expect(first.payload).toEqual({
      run_id: run.id,
      task: "root",
      status: "failed",
      source: "api",
      created_at,
      started_at,
      finished_at,
      failed_tasks: [
        {
          task: "root",
          reason: "error",
          attempts: 1,
          error: { name: "Error", message: "thrown by the test", stack: null },
        },
      ],
      url_path: `/api/v1/runs/${run.id}`,
    });
    first.succeed();
    expect(await documentOf(await alertOf(run.id, 1))).toMatchObject({
      trigger: { source: "task", by: "root", parent: { run_id: run.id, task: "root" } },
    });
    await paid(run);

    await run.call((object) => object.retry());
    const again = await run.claim();
    await run.settle(threw(only(again)));
    const second = await nextCall(await alertOf(run.id, 2), "scripted");
    expect(second.payload).toMatchObject({ failed_tasks: [{ attempts: 2 }] });
    second.succeed();
    await paid(run);
  });

  it("the task of on_failure is triggered though the object was reset before it could say so, once", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const raise = vi.spyOn(AlertEntrypoint.prototype, "raise").mockRejectedValue(new Error("reset"));
    const { run, answer } = await HandDrivenRun.accept(acceptance(ALERTING, "root"));
    await run.settle(threw(only(answer.grant)));
    await vi.waitFor(() => expect(raise).toHaveBeenCalled(), 10_000);
    expect(await documentOf(await alertOf(run.id, 1))).toBeNull();
    await run.evict();
    raise.mockRestore();
    const raised = vi.spyOn(AlertEntrypoint.prototype, "raise");
    const { finished_at } = await run.document();
    vi.setSystemTime(Date.parse(finished_at ?? "") + 11_000);
    await run.wake();
    (await nextCall(await alertOf(run.id, 1), "scripted")).succeed();
    await paid(run);
    await run.wake();
    expect(raised).toHaveBeenCalledTimes(1);
  });

  it("the task of on_failure keeps the run that failed beyond its retention, until it is recorded", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const raise = vi.spyOn(AlertEntrypoint.prototype, "raise").mockRejectedValue(new Error("not now"));
    const { run, answer } = await HandDrivenRun.accept(acceptance(ALERTING, "root"));
    await run.settle(threw(only(answer.grant)));
    vi.setSystemTime(Date.now() + 120_000);
    await run.wake();
    expect(await documentOf(run.id)).toMatchObject({ status: "failed" });
    raise.mockRestore();
    vi.setSystemTime(Date.now() + 120_000);
    await run.wake();
    (await nextCall(await alertOf(run.id, 1), "scripted")).succeed();
    await paid(run);
    await run.wake();
    expect(await documentOf(run.id)).toBeNull();
  });

  it("the task of on_failure is a dead letter after a day in vain, does not keep the run any longer, and is triggered when that is redriven", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const raise = vi.spyOn(AlertEntrypoint.prototype, "raise").mockRejectedValue(new Error("not today"));
    const { run, answer } = await HandDrivenRun.accept(acceptance({ ...ALERTING, retentionMs: 7 * DAY_MS }, "root"));
    await run.settle(threw(only(answer.grant)));
    for (let hours = 0; hours < 200 && (await letterOf(run.id)) === undefined; hours += 1) {
      vi.setSystemTime(Date.now() + 900_000);
      await run.wake();
    }
    const letter = await vi.waitUntil(() => letterOf(run.id), 10_000);
    expect(letter).toMatchObject({ reason: "given_up", attempts: 100, detail: expect.stringContaining(run.id) });
    await vi.waitFor(async () => expect((await run.journal()).at(-1)?.entry).toContain('"parked"'), 10_000);
    const tries = raise.mock.calls.length;
    vi.setSystemTime(Date.now() + 900_000);
    await run.wake();
    expect(raise).toHaveBeenCalledTimes(tries);

    raise.mockRestore();
    const redriven = await edge(ALERTING)(`/api/v1/dead-letters/${letter.id}/redrive`, { method: "POST" });
    expect([redriven.status, await redriven.json()]).toMatchObject([202, { redriven: true, runs: [] }]);
    (await nextCall(await alertOf(run.id, 1), "scripted")).succeed();
    await paid(run);
    vi.setSystemTime(Date.now() + 8 * DAY_MS);
    await run.wake();
    expect(await documentOf(run.id)).toBeNull();
  });

  it("the task of on_failure costs a run that does not fail nothing", async () => {
    const { run, answer } = await HandDrivenRun.accept(acceptance(ALERTING, "root"));
    const next = await run.settle(succeeded(only(answer.grant)));
    await run.settle(succeeded(only(next)));
    expect(await run.journal()).toHaveLength(3);
  });

  it("the task of on_failure that is gone, or has no name any more, is given up with a line in the log", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const gone = planOf([taskPlan("root", { method: "scripted" })], { onFailure: "nobody" });
    const { run, answer } = await HandDrivenRun.accept(acceptance(gone, "root"));
    await run.settle(threw(only(answer.grant)));
    await paid(run);
    expect(logged.mock.calls.flat().join()).toContain('on_failure names \\"nobody\\"');
  });

  it("the task of on_failure is not triggered at the end of 32 runs that led to one another, so that no chain of alerts is endless", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const failing = async (depth: number): Promise<HandDrivenRun> => {
      const { origin, ...accepted } = acceptance(ALERTING, "root");
      const { run, answer } = await HandDrivenRun.accept({ ...accepted, origin: { ...origin, depth } });
      await run.settle(threw(only(answer.grant)));
      return run;
    };
    const last = await failing(31);
    (await nextCall(await alertOf(last.id, 1), "scripted")).succeed();
    const beyond = await failing(32);
    await paid(beyond);
    expect(await documentOf(await alertOf(beyond.id, 1))).toBeNull();
    expect(logged.mock.calls.flat().join()).toContain("at the end of a chain of 33 runs");
  });

  it("the task of on_failure is not triggered by its own runs", async () => {
    const own = planOf([taskPlan("scripted", { method: "scripted" })], { onFailure: "scripted" });
    const { run, answer } = await HandDrivenRun.accept(acceptance(own, "scripted"));
    await run.settle(threw(only(answer.grant)));
    expect(await run.journal()).toHaveLength(2);
  });
});

describe("POST /runs/{id}/cancel?children=true", () => {
  /** A run whose one attempt has triggered these, and has ended or not. */
  async function parentOf(children: readonly RunId[], ended: boolean) {
    const { run, answer } = await HandDrivenRun.accept(acceptance(PLAIN, "root"));
    const lease = only(answer.grant);
    const told = { ...succeeded(lease), children: children.map((runId) => ({ runId, task: "root" })) };
    if (ended) await run.settle({ ...told, outcome: threw(lease, { retryable: true, retryAfterMs: 60_000 }).outcome });
    return { run, told };
  }

  async function cancelled(runId: RunId): Promise<void> {
    await vi.waitFor(async () => expect(await documentOf(runId)).toMatchObject({ status: "cancelled" }), 10_000);
  }

  it("POST /runs/{id}/cancel?children=true cancels the runs that it has triggered, and theirs, and leaves all others alone", async () => {
    const [grandchild, other] = await Promise.all([
      HandDrivenRun.accept(acceptance(PLAIN, "root")),
      HandDrivenRun.accept(acceptance(PLAIN, "root")),
    ]);
    const child = await parentOf([grandchild.run.id], true);
    const gone = newRunId();
    const parent = await parentOf([gone, child.run.id], true);
    const send = edge(PLAIN);
    const response = await send(`/api/v1/runs/${parent.run.id}/cancel?children=true`, { method: "POST" });
    expect([response.status, await response.json()]).toMatchObject([200, { status: "cancelled" }]);
    await cancelled(child.run.id);
    await cancelled(grandchild.run.id);
    await paid(parent.run);
    expect((await other.run.document()).status).toBe("running");
    expect(await documentOf(gone)).toBeNull();
  });

  it("POST /runs/{id}/cancel?children=true cancels them once: one that was retried goes on, though it is cancelled again since nobody has heard its answer", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const child = await HandDrivenRun.accept(acceptance(PLAIN, "root"));
    const { run } = await parentOf([child.run.id], true);
    const method = "cancel";
    const answered = RunObject.prototype[method];
    const unheard = vi.spyOn(RunObject.prototype, method).mockImplementation(async function lost(this: RunObject, by) {
      const answer = await Reflect.apply(answered, this, [by]);
      if (by?.call?.startsWith(run.id) === true) throw new Error("nobody hears it");
      return answer;
    });
    await run.call((object) => object.cancel({ children: true }));
    await cancelled(child.run.id);
    unheard.mockRestore();
    await child.run.call((object) => object.retry());
    vi.setSystemTime(Date.now() + 120_000);
    await run.wake();
    await paid(run);
    expect((await child.run.document()).status).not.toBe("cancelled");
    await child.run.call((object) => object.cancel());
  });

  it("POST /runs/{id}/cancel?children=true cancels also what an attempt turns out to have triggered that was running then", async () => {
    const child = await HandDrivenRun.accept(acceptance(PLAIN, "root"));
    const { run, told } = await parentOf([child.run.id], false);
    await run.call((object) => object.cancel({ children: true }));
    expect((await child.run.document()).status).toBe("running");
    await run.settle(told);
    await cancelled(child.run.id);
    expect((await run.document()).children).toEqual([{ run_id: child.run.id, task: "root" }]);
  });

  it("POST /runs/{id}/cancel?children=true cancels the children of a run that has ended; when there is nothing left to cancel it is 409", async () => {
    const child = await HandDrivenRun.accept(acceptance(PLAIN, "root"));
    const { run, told } = await parentOf([child.run.id], false);
    await run.settle(told);
    const send = edge(PLAIN);
    const path = `/api/v1/runs/${run.id}/cancel?children=true`;
    expect((await send(path, { method: "POST" })).status).toBe(200);
    await cancelled(child.run.id);
    const again = await send(path, { method: "POST" });
    expect([again.status, await again.json()]).toMatchObject([409, { code: "run_final" }]);
    const leaf = await HandDrivenRun.accept(acceptance(PLAIN, "root"));
    await leaf.run.settle(settlement(only(leaf.answer.grant), succeeded(only(leaf.answer.grant)).outcome));
    const alone = await send(`/api/v1/runs/${leaf.run.id}/cancel?children=true`, { method: "POST" });
    expect(alone.status).toBe(409);
  });

  it("POST /runs/{id}/cancel?children=true without the query leaves them alone", async () => {
    const child = await HandDrivenRun.accept(acceptance(PLAIN, "root"));
    const { run } = await parentOf([child.run.id], true);
    await edge(PLAIN)(`/api/v1/runs/${run.id}/cancel`, { method: "POST" });
    expect((await child.run.document()).status).toBe("running");
    await child.run.call((object) => object.cancel());
  });
});
