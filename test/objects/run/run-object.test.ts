import { describe, expect, it } from "vitest";
import { plan as poolPlan } from "#generated/plan";
import type { AcceptAnswer, AcceptRequest } from "../../../src/objects/run/accept-rpc.ts";
import { nextCall } from "../../support/pool/pipelines/scripted.ts";
import { acceptance, HandDrivenRun, leaseOf, newRunId, only } from "../../support/hand-driven.ts";
import { inline, succeeded, threw } from "../../support/settlements.ts";
import { planOf, taskPlan } from "../../support/plan.ts";

const ONE = planOf([taskPlan("only", { method: "scripted" })]);
const RETRIED = planOf([
  taskPlan("only", {
    method: "scripted",
    retries: { limit: 1, delayMs: 0, backoff: "constant", maxDelayMs: 0, jitter: false },
  }),
]);
// first ─▶ second
const CHAIN = planOf([
  taskPlan("first", { method: "scripted", downstream: ["second"] }),
  taskPlan("second", { method: "scripted", upstream: ["first"] }),
]);

async function accepted(request: AcceptRequest): Promise<AcceptAnswer> {
  return (await HandDrivenRun.accept(request)).answer;
}

describe("an accepted run", () => {
  it("an accepted run can be read at once", async () => {
    const { run, answer } = await HandDrivenRun.accept(acceptance(ONE, "only", { payload: { a: 1 } }));
    expect(answer).toMatchObject({ status: "running", outcome: "recorded" });
    expect(await run.document()).toMatchObject({
      run_id: run.id,
      task: "only",
      status: "running",
      trigger: { source: "api", by: "test", parent: null },
      tasks: [{ task: "only", status: "running", attempts: [{ attempt: 1, status: "running" }] }],
    });
    expect(await run.call((object) => object.payload(null))).toEqual(inline({ a: 1 }));
  });

  it("an accepted run gives the call that has made it the same leases, however often it is made again, also after an eviction", async () => {
    const request = acceptance(ONE, "only");
    const first = await accepted(request);
    expect(await accepted(request)).toEqual(first);
    const run = new HandDrivenRun(request.runId);
    await run.evict();
    expect(await accepted(request)).toEqual(first);
    expect((await run.journal()).map(({ kind }) => kind)).toEqual(["genesis"]);
    await run.settle(succeeded(only(first.grant)));
    expect(await accepted(request)).toEqual({ status: "succeeded", outcome: "recorded", grant: { leases: [] } });
  });

  it("an accepted run gives nobody else's lease to the call that has made it, and none to another call", async () => {
    const request = acceptance(ONE, "only", { claim: null });
    await accepted(request);
    const run = new HandDrivenRun(request.runId);
    expect((await run.claim()).leases).toHaveLength(1);
    for (const nonce of [request.nonce, "another"])
      expect((await accepted({ ...request, nonce })).grant).toEqual({ leases: [] });
  });

  it("an accepted run is not found by a key that comes with another payload, nor changed by it", async () => {
    const request = { ...acceptance(ONE, "only", { payload: 1 }), digest: "one" };
    await accepted(request);
    const run = new HandDrivenRun(request.runId);
    const outcomes = [];
    for (const digest of ["one", "two"])
      outcomes.push((await accepted({ ...request, nonce: digest, digest, payload: inline(digest) })).outcome);
    expect(outcomes).toEqual(["deduplicated", "mismatch"]);
    expect(await run.call((object) => object.payload(null))).toEqual(inline(1));
    expect((await run.journal()).map(({ kind }) => kind)).toEqual(["genesis"]);
  });

  it("an accepted run is one run, however often and however much at once it is accepted", async () => {
    const request = acceptance(ONE, "only");
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, call) => accepted({ ...request, nonce: `${call}` })),
    );
    expect(answers.filter(({ outcome }) => outcome === "deduplicated")).toHaveLength(49);
    expect(answers.flatMap(({ grant }) => grant.leases)).toHaveLength(1);
    const run = new HandDrivenRun(request.runId);
    expect((await run.journal()).map(({ kind }) => kind)).toEqual(["genesis"]);
  });

  it("an accepted run is not a duplicate of itself: the same call made again because its answer was lost finds its own payload", async () => {
    const payload = { ...inline(null), at: "r2", key: "runs/x/trigger-1" } as const;
    const request = { ...acceptance(ONE, "only"), payload };
    await new HandDrivenRun(request.runId).call((object) => object.expectPayload(request.nonce));
    await accepted(request);
    const another = { ...request, nonce: "another" };
    expect(await accepted(request)).toMatchObject({ outcome: "recorded" });
    expect(await accepted(another)).toMatchObject({ outcome: "deduplicated" });
  });
});

describe("a run that was never accepted", () => {
  it("a run that was never accepted answers null, grants nothing, and leaves nothing behind", async () => {
    const run = new HandDrivenRun(newRunId());
    expect(await run.call((object) => object.describe())).toBeNull();
    expect(await run.call((object) => object.payload(null))).toBeNull();
    expect(await run.call((object) => object.logs("only"))).toBeNull();
    expect(await run.call((object) => object.cancel())).toBeNull();
    expect(await run.call((object) => object.untilFinal(60_000))).toBeNull();
    expect(await run.call((object) => object.begin(0, "holder"))).toBeNull();
    expect(await run.claim()).toEqual({ leases: [] });
    expect(await run.settle()).toEqual({ leases: [] });
    expect(await run.alarmAt()).toBeNull();
  });
});

describe("a diamond on the real objects", () => {
  it("a diamond on the real objects runs the join once, with what both parents passed", async () => {
    const { run } = await HandDrivenRun.accept(acceptance(poolPlan, "start", { claim: null }));
    (await nextCall(run.id, "start")).succeed({ from: "start" });
    const left = await nextCall(run.id, "left");
    const right = await nextCall(run.id, "right");
    expect(left.payload).toEqual({ from: "start" });
    right.succeed("r");
    left.succeed("l");
    const join = await nextCall(run.id, "join");
    expect(join.payload).toEqual({ left: "l", right: "r" });
    join.succeed();
    const document = await run.final();
    expect(document.status).toBe("succeeded");
    expect(document.tasks.map(({ attempts }) => attempts.length)).toEqual([1, 1, 1, 1]);
  });
});

describe("a task that passes something to one child", () => {
  it("a task that passes something to one child has that read by that child, and the rest by the others", async () => {
    const fork = planOf([
      taskPlan("first", { method: "scripted", downstream: ["a", "b"] }),
      taskPlan("a", { method: "scripted", upstream: ["first"] }),
      taskPlan("b", { method: "scripted", upstream: ["first"] }),
    ]);
    const { run, answer } = await HandDrivenRun.accept(acceptance(fork, "first"));
    const first = succeeded(only(answer.grant), "for all");
    const grant = await run.settle({
      ...first,
      outcome: { type: "succeeded", output: inline("for all"), to: { b: inline("for b") } },
    });
    expect(leaseOf(grant, "a").inputs).toEqual([{ parent: "first", payload: inline("for all") }]);
    expect(leaseOf(grant, "b").inputs).toEqual([{ parent: "first", payload: inline("for b") }]);
    expect(await run.call((object) => object.payload("first"))).toEqual(inline("for all"));
    expect(await run.call((object) => object.payload("first", undefined, "b"))).toEqual(inline("for b"));
    expect(await run.call((object) => object.payload("first", undefined, "a"))).toBeUndefined();
    const [described, ...others] = (await run.document()).tasks;
    expect(described?.passed_to).toEqual(["b"]);
    expect(others.filter((task) => "passed_to" in task)).toEqual([]);
  });
});

describe("what a task passed", () => {
  it("what a task passed is there once it succeeded, and undefined before, for others, and after a failure", async () => {
    const { run, answer } = await HandDrivenRun.accept(acceptance(CHAIN, "first"));
    expect(await run.call((object) => object.payload("first"))).toBeUndefined();
    const second = only(await run.settle(succeeded(only(answer.grant), "ü€𝄞")));
    expect(await run.call((object) => object.payload("first"))).toEqual(inline("ü€𝄞"));
    await run.settle(threw(second));
    expect(await run.call((object) => object.payload("second"))).toBeUndefined();
    expect(await run.call((object) => object.payload("nobody"))).toBeUndefined();
    expect(await run.document()).toMatchObject({
      status: "failed",
      tasks: [{ output: { kind: "text", size: 9, content_type: "text/plain; charset=utf-8" } }, { output: null }],
    });
  });

  it("what a task passed comes back after an eviction as it was, of all kinds, empty ones too", async () => {
    const values = [null, "", "\ud800", {}, [1, { deep: [[["ü"]]] }], new Uint8Array(0), new Uint8Array([0, 255, 1])];
    for (const value of values) {
      const { run, answer } = await HandDrivenRun.accept(acceptance(CHAIN, "first"));
      const { leases } = await run.settle(succeeded(only(answer.grant), value));
      expect(leases[0]?.inputs).toEqual([{ parent: "first", payload: inline(value) }]);
      await run.evict();
      expect(await run.call((object) => object.payload("first"))).toEqual(inline(value));
    }
  });
});

describe("the log lines of a task", () => {
  const line = (message: string) => ({ at: Date.UTC(2026, 0, 2), level: "info", message, fields: null }) as const;

  it("the log lines of a task are kept for each attempt, however it ended, with the count of those that did not fit", async () => {
    const { run, answer } = await HandDrivenRun.accept(acceptance(ONE, "only"));
    const lease = only(answer.grant);
    await run.settle({ ...threw(lease), logs: [line("a\nb"), line("ü")], logsDropped: 3 });
    expect(await run.call((object) => object.logs("only"))).toEqual({
      logs: [
        { at: "2026-01-02T00:00:00.000Z", level: "info", message: "a\nb", fields: null, attempt: 1 },
        { at: "2026-01-02T00:00:00.000Z", level: "info", message: "ü", fields: null, attempt: 1 },
      ],
      dropped: 3,
      next: null,
    });
    const again = await HandDrivenRun.accept(acceptance(RETRIED, "only"));
    const first = only(again.answer.grant);
    const failed = threw(first, { retryable: true, retryAfterMs: 0 });
    const second = only(await again.run.settle({ ...failed, logs: [line("one")] }));
    await again.run.settle({ ...succeeded(second), logs: [line("two")] });
    const logs = await again.run.call((object) => object.logs("only"));
    expect(logs?.logs.map(({ attempt, message }) => [attempt, message])).toEqual([
      [1, "one"],
      [2, "two"],
    ]);
  });

  it("the log lines of a task are none for a task that wrote none, and undefined for one that is not in the run", async () => {
    const { run } = await HandDrivenRun.accept(acceptance(ONE, "only"));
    expect(await run.call((object) => object.logs("only"))).toEqual({ logs: [], dropped: 0, next: null });
    expect(await run.call((object) => object.logs("nobody"))).toBeUndefined();
  });

  it("the log lines of a task are counted as dropped also if not even the first one fitted", async () => {
    const { run, answer } = await HandDrivenRun.accept(acceptance(ONE, "only"));
    await run.settle({ ...succeeded(only(answer.grant)), logs: [], logsDropped: 7 });
    expect(await run.call((object) => object.logs("only"))).toEqual({ logs: [], dropped: 7, next: null });
  });
});

describe("cancel", () => {
  it("cancel ends what runs and what waits, refuses the running attempt's result, and is refused by a final run", async () => {
    const { run, answer } = await HandDrivenRun.accept(acceptance(CHAIN, "first"));
    const cancelled = await run.call((object) => object.cancel());
    expect(cancelled).toMatchObject({
      cancelled: true,
      document: {
        status: "cancelled",
        tasks: [
          { status: "cancelled", attempts: [{ status: "cancelled" }] },
          { status: "cancelled", attempts: [] },
        ],
      },
    });
    expect(await run.settle(succeeded(only(answer.grant), "late"))).toEqual({ leases: [] });
    expect(await run.call((object) => object.payload("first"))).toBeUndefined();
    expect(await run.call((object) => object.cancel())).toEqual({ cancelled: false, document: cancelled?.document });
  });

  it("cancel changes nothing of a run that has succeeded", async () => {
    const { run, answer } = await HandDrivenRun.accept(acceptance(ONE, "only"));
    await run.settle(succeeded(only(answer.grant)));
    expect(await run.call((object) => object.cancel())).toMatchObject({
      cancelled: false,
      document: { status: "succeeded" },
    });
  });
});

describe("untilFinal", () => {
  it("untilFinal answers null if the run is not final in time", async () => {
    const { run } = await HandDrivenRun.accept(acceptance(ONE, "only"));
    expect(await run.call((object) => object.untilFinal(1))).toBeNull();
  });

  it("untilFinal answers everyone who waits as soon as the run is final, and at once if it is", async () => {
    const { run, answer } = await HandDrivenRun.accept(acceptance(ONE, "only"));
    const waiting = [run.final(), run.final()];
    await run.settle(succeeded(only(answer.grant)));
    for (const document of [...(await Promise.all(waiting)), await run.final()])
      expect(document.status).toBe("succeeded");
  });
});
