import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { plan as poolPlan } from "#generated/plan";
import type { Progress } from "../../../src/domain/run/attempt.ts";
import { RunObject } from "../../../src/objects/run/run-object.ts";
import type { AttemptReport, LogLine, ReportAnswer } from "../../../src/objects/run/settlement-rpc.ts";
import { Deadlines } from "../../../src/execution/attempt/deadlines.ts";
import { ProgressReporter } from "../../../src/execution/driver/progress-reporter.ts";
import { failureListener, hearingFailures } from "../../../src/platform/calls.ts";
import { attempt, leaseFor } from "../../support/attempt.ts";
import { acceptance, HandDrivenRun } from "../../support/hand-driven.ts";
import { nextCall } from "../../support/pool/pipelines/scripted.ts";

const WAIT = { timeout: 15_000, interval: 10 } as const;

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("a channel of reports", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 0 });
  });

  /** An attempt whose lines and progress the test says, and what became of it. */
  function reported(ordinal = 0) {
    const lines: LogLine[] = [];
    const over: string[] = [];
    const state: { progress: Progress | null } = { progress: null };
    const given = {
      lease: leaseFor({ ordinal, token: ordinal + 1 }),
      lines: () => lines,
      dropped: () => 0,
      progress: () => state.progress,
      over: (why: string) => void over.push(why),
    };
    const say = (message: string): number => lines.push({ at: Date.now(), level: "info", message, fields: null });
    return { given, lines, over, state, say };
  }

  function channel(
    answer: (report: AttemptReport) => ReportAnswer = ({ from, lines }) => ({ lines: from + lines.length, over: null }),
  ) {
    const sent: { at: number; reports: readonly AttemptReport[] }[] = [];
    const deadlines = new Deadlines();
    const made = new ProgressReporter(deadlines, async (reports) => {
      sent.push({ at: Date.now(), reports });
      return reports.map(answer);
    });
    return { channel: made, sent, deadlines };
  }

  it("a channel of reports holds up no attempt: the one whose line has set the time of a report hears nothing of its failure", async () => {
    let heard = 0;
    let sent = 0;
    const reports = new ProgressReporter(new Deadlines(), async () => {
      sent += 1;
      failureListener()();
      return [];
    });
    await hearingFailures(
      () => (heard += 1),
      async () => {
        reports.add(reported().given);
        await vi.advanceTimersByTimeAsync(1_000);
      },
    );
    expect([sent, heard]).toEqual([1, 0]);
  });

  it("a channel of reports says nothing of attempts that end within a second, however many", async () => {
    const { channel: reports, sent } = channel();
    for (let nth = 0; nth < 50; nth += 1) {
      const { given, say } = reported(nth);
      const { news, leave } = reports.add(given);
      say("a line");
      news();
      await vi.advanceTimersByTimeAsync(300);
      leave();
    }
    expect(sent).toEqual([]);
  });

  it("a channel of reports asks for a quiet attempt each second, then after a tenth of its age, at most every ten seconds", async () => {
    const { channel: reports, sent } = channel();
    reports.add(reported().given);
    await vi.advanceTimersByTimeAsync(300_000);
    const times = sent.map(({ at }) => at / 1_000);
    expect(times.slice(0, 10)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const pauses = times.slice(1).map((at, index) => at - (times[index] ?? 0));
    expect(Math.max(...pauses)).toBe(10);
    for (const [index, pause] of pauses.entries())
      expect(pause).toBeLessThanOrEqual(Math.max(1, (times[index] ?? 0) / 10) + 0.001);
    expect(sent.length).toBeLessThan(65);
  });

  it("a channel of reports reports news at once if it has said nothing for a second, and no oftener", async () => {
    const { channel: reports, sent } = channel();
    const { given, say, state } = reported();
    const { news } = reports.add(given);
    await vi.advanceTimersByTimeAsync(60_500);
    const before = sent.length;
    for (let tick = 0; tick < 30; tick += 1) {
      say(`line ${tick}`);
      state.progress = { fraction: tick / 30, message: null, at: Date.now() };
      news();
      await vi.advanceTimersByTimeAsync(100);
    }
    const told = sent.slice(before);
    expect(told.length).toBeGreaterThanOrEqual(3);
    expect(told.length).toBeLessThanOrEqual(5);
    const lines = told.flatMap(({ reports: [report] }) => report?.lines.map(({ message }) => message) ?? []);
    expect(lines).toEqual(Array.from({ length: lines.length }, (_, tick) => `line ${tick}`));
    expect(told[0]?.reports[0]).toMatchObject({ from: 0, progress: { fraction: 0 } });
  });

  it("a channel of reports sends again what the run does not know: it was lost, or the object has begun anew", async () => {
    let known = 0;
    const { channel: reports, sent } = channel(() => ({ lines: known, over: null }));
    const { given, say } = reported();
    reports.add(given);
    say("one");
    await vi.advanceTimersByTimeAsync(1_000);
    await vi.advanceTimersByTimeAsync(1_000);
    known = 1;
    await vi.advanceTimersByTimeAsync(1_000);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sent.map(({ reports: [report] }) => report?.lines.length)).toEqual([1, 1, 1, 0]);
  });

  it("a channel of reports goes on after a report that failed", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    let calls = 0;
    const reports = new ProgressReporter(new Deadlines(), async (all) => {
      calls += 1;
      if (calls === 1) throw new Error("unreachable");
      return all.map(() => ({ lines: 0, over: "cancelled" }));
    });
    const { given, over } = reported();
    reports.add(given);
    await vi.advanceTimersByTimeAsync(2_500);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(over).toEqual(["cancelled"]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(calls).toBe(2);
  });

  it("a channel of reports is one call for all attempts of an invocation", async () => {
    const { channel: reports, sent } = channel(({ ordinal }) => ({
      lines: 0,
      over: ordinal === 1 ? "superseded" : null,
    }));
    const attempts = [reported(0), reported(1), reported(2)];
    for (const { given } of attempts) reports.add(given);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sent.map((call) => call.reports.map(({ ordinal }) => ordinal))).toEqual([[0, 1, 2]]);
    expect(attempts.map(({ over }) => over)).toEqual([[], ["superseded"], []]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sent[1]?.reports.map(({ ordinal }) => ordinal)).toEqual([0, 2]);
  });

  it("a channel of reports sends what is due within half a second along, and nothing that is due later", async () => {
    const { channel: reports, sent } = channel();
    for (const [nth, pauseMs] of [400, 200, 1_000].entries()) {
      reports.add(reported(nth).given);
      await vi.advanceTimersByTimeAsync(pauseMs);
    }
    expect(sent.map(({ at, reports: told }) => [at, ...told.map(({ ordinal }) => ordinal)])).toEqual([
      [1_000, 0, 1],
      [1_600, 0, 1, 2],
    ]);
  });

  it("a channel of reports leaves no timer when its attempts have ended and the invocation is over", async () => {
    const { channel: reports, deadlines } = channel();
    reports.add(reported().given).leave();
    deadlines.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("progress", () => {
  it.each([-0.1, 1.1, Number.NaN, 50])("progress refuses %d", async (fraction) => {
    const { settlement } = await attempt((_payload: never, task) => task.progress(fraction));
    expect(settlement.outcome).toMatchObject({
      error: { name: "RangeError", message: expect.stringContaining("a fraction from 0 to 1") },
    });
  });

  it("progress goes with the settlement, the last of it, cut to 500 characters; a sum of fractions may be a hair above 1", async () => {
    const { settlement } = await attempt((_payload: never, task) => {
      task.progress(0.1, "begun");
      task.progress(1.0000000000000002, "x".repeat(600));
    });
    expect(settlement.progress).toMatchObject({ fraction: 1, message: "x".repeat(500) });
  });

  it("progress is not there for an attempt that has said nothing", async () => {
    expect((await attempt(() => 1)).settlement).not.toHaveProperty("progress");
  });
});

describe.each([
  ["in a driver", "scripted"],
  ["in an executor object", "long"],
])("an attempt %s that runs for some seconds", (_, task) => {
  async function running() {
    const { run } = await HandDrivenRun.accept(acceptance(poolPlan, task, { claim: null }));
    return { run, call: await nextCall(run.id, task) };
  }

  it("shows its progress and its log while it runs", { timeout: 40_000 }, async () => {
    const { run, call } = await running();
    call.task.progress(0.25, "a quarter");
    call.task.log.info("under way", { of: 4 });
    await vi.waitFor(async () => {
      expect((await run.document()).tasks[0]).toMatchObject({
        status: "running",
        progress: { fraction: 0.25, message: "a quarter", at: expect.stringMatching(/Z$/) },
      });
    }, WAIT);
    expect(await run.call((object) => object.logs(task))).toMatchObject({
      logs: [{ attempt: 1, level: "info", message: "under way", fields: { of: 4 } }],
    });
    // Memory only: not a row for it.
    expect(JSON.stringify(await run.journal())).not.toContain("a quarter");
    call.succeed();
    expect(await run.final()).toMatchObject({ tasks: [{ status: "succeeded", progress: { fraction: 0.25 } }] });
    expect(await run.call((object) => object.logs(task))).toMatchObject({ logs: [{ message: "under way" }] });
  });

  it("is told through its signal when the run is cancelled", { timeout: 40_000 }, async () => {
    const { run, call } = await running();
    const { signal } = call.task;
    const reports = vi.spyOn(RunObject.prototype, "report");
    await run.call((object) => object.cancel());
    await vi.waitFor(() => expect(signal.aborted).toBe(true), WAIT);
    expect(signal.reason).toMatchObject({ name: "AttemptOverError", message: "the run was cancelled" });
    expect(reports.mock.calls.length).toBeLessThanOrEqual(2);
    expect(() => call.task.progress(1)).toThrow("had ended");
    call.succeed();
    expect(await run.final()).toMatchObject({ status: "cancelled", tasks: [{ attempts: [{ status: "cancelled" }] }] });
  });
});

describe("an attempt that was told that it is over", () => {
  it("an attempt that was told that it is over is waited for five seconds; one that goes on is given up, and said to go on", async () => {
    vi.useFakeTimers({ now: 0 });
    const reports = new ProgressReporter(new Deadlines(), async (all) =>
      all.map(() => ({ lines: 0, over: "cancelled" })),
    );
    let toldAt = Number.NaN;
    const never = (_: unknown, { signal }: { readonly signal: AbortSignal }): Promise<never> => {
      signal.addEventListener("abort", () => (toldAt = Date.now()));
      return new Promise(() => undefined);
    };
    const settled = attempt(never, {}, {}, reports).then(({ settlement }) => ({ ...settlement, at: Date.now() }));
    await vi.advanceTimersByTimeAsync(20_000);
    const { outcome, at } = await settled;
    expect(outcome).toMatchObject({ type: "lost", to: "surroundings", goesOn: true });
    expect(at - toldAt).toBe(5_000);
  });
});

describe("an attempt whose lease has gone to another", () => {
  it("an attempt whose lease has gone to another is told so", { timeout: 40_000 }, async () => {
    const { run } = await HandDrivenRun.accept(acceptance(poolPlan, "scripted", { claim: null }));
    const call = await nextCall(run.id, "scripted");
    const { signal } = call.task;
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 60_000 });
    await run.wake();
    vi.useRealTimers();
    // The task is a suspect: its next attempt has an executor object of its own.
    const executing = run.executes(0, 2);
    const again = await nextCall(run.id, "scripted");
    expect(again.task.attempt).toBe(2);
    await vi.waitFor(() => expect(signal.aborted).toBe(true), WAIT);
    expect(signal.reason).toMatchObject({ name: "AttemptOverError" });
    expect(again.task.signal.aborted).toBe(false);
    call.succeed();
    again.succeed();
    await executing;
    expect(await run.final()).toMatchObject({ status: "succeeded" });
  });
});
