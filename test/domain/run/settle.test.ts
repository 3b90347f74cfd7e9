import { describe, expect, it } from "vitest";
import { applyChange } from "../../../src/domain/run/apply-change.ts";
import { newRun } from "../../../src/domain/run/state.ts";
import { type LogRef } from "../../../src/domain/run/attempt.ts";
import { advance } from "../../../src/domain/run/machine.ts";
import {
  BOOM,
  failed,
  FRESH_DRIVER,
  genesisOf,
  graphOf,
  lost,
  Play,
  succeeded,
  TIMED_OUT,
} from "../../support/run-play.ts";

const LOGS: LogRef = { seq: 3, offset: 40, size: 120, lines: 2, dropped: 0 };

describe("who may settle", () => {
  it.each([
    ["another token", { token: 2 }],
    ["another attempt", { attempt: 2 }],
    ["both of another", { attempt: 2, token: 2 }],
  ])("nobody settles who comes with %s", (_, wrong) => {
    const play = new Play("a");
    play.claim();
    const attempt = { ...play.leaseOf("a"), ...wrong, outcome: succeeded(), children: [], logs: null };
    expect(play.event({ type: "settled", attempts: [attempt], claim: null })).toEqual({
      change: null,
      effects: [],
      leases: [],
      rejections: ["stale_lease"],
    });
    expect(play.statuses["a"]).toBe("running");
  });

  it("a settle says how far the attempt had come, and what went wrong in full", () => {
    const play = new Play("a > b");
    play.claim();
    const progress = { fraction: 0.5, message: "half", at: play.now };
    const error = { name: "Error", message: "m".repeat(2_000), stack: "s".repeat(2_000) };
    const outcome = failed({ retryable: false, error });
    const attempt = { ...play.leaseOf("a"), outcome, children: [], logs: null, progress };
    play.event({ type: "settled", attempts: [attempt], claim: null });
    expect(play.run.tasks[0]?.attempts[0]).toMatchObject({ progress, error });
  });

  it("a settle may say nothing of how far the attempt had come", () => {
    const play = new Play("a");
    play.claim();
    play.settle("a", succeeded());
    expect(play.last.change?.tasks[0]?.attempts[0]).not.toHaveProperty("progress");
  });

  it("nobody settles once the run is cancelled, whose status stays and is not told again", () => {
    const play = new Play("a");
    play.claim();
    const lease = { ...play.leaseOf("a"), outcome: succeeded(), children: [], logs: null };
    play.cancel();
    expect(play.event({ type: "settled", attempts: [lease], claim: FRESH_DRIVER })).toEqual({
      change: null,
      effects: [],
      leases: [],
      rejections: ["stale_lease", "no_work"],
    });
    expect(play.run.status).toBe("cancelled");
  });
});

describe("the record of an attempt", () => {
  it.each([
    ["succeeded", succeeded(), null],
    ["failed", failed(), BOOM],
    ["timed_out", TIMED_OUT, BOOM],
    ["lost", lost("surroundings"), BOOM],
  ])("the record of an attempt says how it ended, when, why, and where its logs are: %s", (status, outcome, error) => {
    const play = new Play("a");
    play.claim();
    const startedAt = play.now;
    play.now += 700;
    const attempt = { ...play.leaseOf("a"), outcome, children: [], logs: LOGS };
    play.event({ type: "settled", attempts: [attempt], claim: null });
    expect(play.run.tasks[0]?.attempts).toEqual([
      {
        attempt: 1,
        status,
        startedAt,
        finishedAt: startedAt + 700,
        error,
        logs: LOGS,
        ...(status === "lost" && { lostTo: "surroundings" }),
      },
    ]);
  });

  it("the record of an attempt has neither an end nor an error nor logs while it runs", () => {
    const play = new Play("a");
    play.claim();
    expect(play.run.tasks[0]?.attempts).toEqual([
      { attempt: 1, status: "running", startedAt: play.now, finishedAt: null, error: null, logs: null },
    ]);
  });

  it("the record of an attempt ends no earlier than it started, though the clock was set back", () => {
    const play = new Play("a");
    play.claim();
    const startedAt = play.now;
    play.now -= 60_000;
    play.settle("a", succeeded());
    expect(play.run.tasks[0]?.attempts[0]).toMatchObject({ startedAt, finishedAt: startedAt });
  });

  it("the record of an attempt says of a worker that never answered what is known of it", () => {
    const play = new Play("a");
    play.claim();
    play.wakeWhenDue();
    expect(play.run.tasks[0]?.attempts[0]?.error).toEqual({
      name: "WorkerLostError",
      message: "the attempt's worker died, or did not answer before its lease ran out",
      stack: null,
    });
  });

  it("the record of an attempt begins with its end if the journal has no record of its begin", () => {
    const run = newRun(genesisOf(graphOf("a")));
    const running = { status: "running", attempt: 1, token: 1, expiresAt: 9_000 } as const;
    applyChange(run, {
      tasks: [{ ordinal: 0, state: running, attempts: [] }],
      run: { status: "running", startedAt: 0, finishedAt: null },
      lastToken: 1,
    });
    const record = { attempt: 1, startedAt: 7_000, error: null, logs: null };
    expect(advance(run, { type: "cancelled" }, 7_000).change?.tasks[0]?.attempts).toEqual([
      { ...record, status: "cancelled", finishedAt: 7_000 },
    ]);
  });
});

describe("a task that fails", () => {
  it("a task that fails by its last time-out has reason error", () => {
    const play = new Play("a", { a: { retries: 0 } });
    play.claim();
    play.settle("a", TIMED_OUT);
    expect(play.stateOf("a")).toEqual({ status: "failed", finishedAt: play.now, reason: "error" });
  });

  it("a task that fails waits after a time-out as its policy says", () => {
    const play = new Play("a", { a: { retries: { limit: 1, delayMs: 1_000 } } });
    play.claim();
    play.settle("a", TIMED_OUT);
    expect(play.stateOf("a")).toEqual({ status: "retrying", retryAt: play.now + 1_000 });
  });
});

describe("what a decision writes", () => {
  it("what a decision writes is nothing but what changed", () => {
    const play = new Play("a");
    expect(Object.keys(play.last.change ?? {})).toEqual(["tasks"]);
    play.claim();
    expect(Object.keys(play.last.change ?? {})).toEqual(["tasks", "run", "lastToken"]);
    expect(Object.keys(play.last.change?.tasks[0]?.state ?? {})).toEqual(["status", "attempt", "token", "expiresAt"]);
    play.settle("a", succeeded());
    expect(Object.keys(play.last.change ?? {})).toEqual(["tasks", "run"]);
  });

  it("a decision never lets a run start or end before it was accepted, though the clock was set back", () => {
    const play = new Play("a");
    const createdAt = play.now;
    play.now -= 60_000;
    play.claim();
    expect(play.run.startedAt).toBe(createdAt);
    const unstarted = new Play("a");
    unstarted.now -= 60_000;
    unstarted.cancel();
    expect(unstarted.run).toMatchObject({ startedAt: null, finishedAt: createdAt });
  });

  it("a decision is refused for a run whose graph names a task that it does not have", () => {
    const graph = graphOf("a");
    const [a] = graph.tasks;
    if (a === undefined) throw new Error("no task");
    const play = new Play({ ...graph, tasks: [{ ...a, downstream: [4] }] });
    play.claim();
    expect(() => play.settle("a", succeeded())).toThrow(`run ${play.run.id} has no task 4`);
  });
});
