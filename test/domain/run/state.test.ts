import { fc } from "../../support/property.ts";
import { describe, expect, it } from "vitest";
import { applyChange } from "../../../src/domain/run/apply-change.ts";
import { dueAt, isActive, isFinal } from "../../../src/domain/run/task-state.ts";
import { newRun, type Run } from "../../../src/domain/run/state.ts";
import { type RunChange } from "../../../src/domain/run/run-change.ts";
import { failed, genesisOf, graphOf, Play, succeeded } from "../../support/run-play.ts";
import { anyGraph, anyMove, playMove } from "../../support/random-run.ts";

/** The run that a journal of these changes tells. */
function replay(genesis: Parameters<typeof newRun>[0], changes: readonly RunChange[]): Run {
  const run = newRun(JSON.parse(JSON.stringify(genesis)));
  for (const change of changes) applyChange(run, JSON.parse(JSON.stringify(change)));
  return run;
}

describe("a new run", () => {
  it("a new run has every task pending, waiting for its upstream tasks", () => {
    const run = newRun(genesisOf(graphOf("a > b c, b > d, c > d"), 5));
    expect(run.tasks.map(({ state, waitingOn }) => [state.status, waitingOn])).toEqual([
      ["pending", 0],
      ["pending", 1],
      ["pending", 1],
      ["pending", 2],
    ]);
    expect(run).toMatchObject({
      status: "queued",
      startedAt: null,
      finishedAt: null,
      lastToken: 0,
      open: 4,
      createdAt: 5,
    });
  });
});

describe("a task's state", () => {
  it.each([
    [{ status: "pending" }, false, null],
    [{ status: "queued", dispatches: 1, redispatchAt: 5 }, false, 5],
    [{ status: "running", attempt: 1, token: 1, expiresAt: 6 }, false, 6],
    [{ status: "retrying", retryAt: 7 }, false, 7],
    [{ status: "succeeded", finishedAt: 8, passed: { output: genesisOf(graphOf("a")).payload, to: null } }, true, null],
    [{ status: "failed", finishedAt: 8, reason: "error" }, true, null],
    [{ status: "skipped", finishedAt: 8, reason: "not_chosen" }, true, null],
    [{ status: "cancelled", finishedAt: 8 }, true, null],
  ] as const)("a task's state says whether it is final, and when it is due: %j", (state, final, due) => {
    expect([isFinal(state), dueAt(state), isActive(state)]).toEqual([final, due, due !== null]);
  });
});

describe("folding", () => {
  it("folding counts down what the children wait for, and what is open and active", () => {
    const play = new Play("a > b c, b > d, c > d");
    play.claim();
    expect([...play.run.active]).toEqual([0]);
    play.settle("a", succeeded());
    expect(play.run).toMatchObject({ open: 3, active: new Set([1, 2]) });
    play.claim();
    play.settle("b", succeeded());
    expect(play.run.tasks[3]?.waitingOn).toBe(1);
  });

  it("folding replaces the record of an attempt, and adds the next one", () => {
    const play = new Play("a", { a: { retries: 1 } });
    play.claim();
    play.settle("a", failed());
    play.wakeWhenDue();
    play.claim();
    expect(play.run.tasks[0]?.attempts.map(({ attempt, status }) => [attempt, status])).toEqual([
      [1, "failed"],
      [2, "running"],
    ]);
  });

  it("folding counts up again where a final task is taken back", () => {
    const play = new Play("a > b");
    play.succeedAll();
    applyChange(play.run, { tasks: [{ ordinal: 0, state: { status: "retrying", retryAt: 9 }, attempts: [] }] });
    expect(play.run).toMatchObject({ open: 1, active: new Set([0]) });
    expect(play.run.tasks[1]?.waitingOn).toBe(1);
    applyChange(play.run, { tasks: [{ ordinal: 0, state: { status: "cancelled", finishedAt: 9 }, attempts: [] }] });
    expect(play.run).toMatchObject({ open: 0, active: new Set() });
    applyChange(play.run, {
      tasks: [{ ordinal: 0, state: { status: "failed", finishedAt: 9, reason: "error" }, attempts: [] }],
    });
    expect(play.run.open).toBe(0);
    expect(play.run.tasks[1]?.waitingOn).toBe(0);
  });

  it("folding passes over a child that the run does not have", () => {
    const [a] = graphOf("a").tasks;
    if (a === undefined) throw new Error("no task");
    const run = newRun(genesisOf({ ...graphOf("a"), tasks: [{ ...a, downstream: [4] }] }));
    applyChange(run, { tasks: [{ ordinal: 0, state: { status: "cancelled", finishedAt: 9 }, attempts: [] }] });
    expect(run.open).toBe(0);
  });

  it("folding refuses a change of a task that the run does not have", () => {
    const run = newRun(genesisOf(graphOf("a")));
    expect(() => applyChange(run, { tasks: [{ ordinal: 1, state: { status: "pending" }, attempts: [] }] })).toThrow(
      "has no task 1",
    );
  });

  it("folding of all changes of a journal gives the same run, after JSON as well", () => {
    fc.assert(
      fc.property(anyGraph(12), fc.array(anyMove(12), { maxLength: 80 }), (graph, moves) => {
        const play = new Play(graph);
        for (const move of moves) playMove(play, move);
        expect(replay(genesisOf(graph, 1_000_000), play.changes)).toEqual(play.run);
      }),
      { numRuns: 300 },
    );
  });

  it("folding keeps what it derives equal to what can be counted", () => {
    fc.assert(
      fc.property(anyGraph(12), fc.array(anyMove(12), { maxLength: 80 }), (graph, moves) => {
        const play = new Play(graph);
        for (const move of moves) {
          playMove(play, move);
          const { tasks, items, open, active } = play.run;
          expect(open).toBe(tasks.filter(({ state }) => !isFinal(state)).length);
          const due = [...tasks, ...items].flatMap(({ state }, ordinal) => (isActive(state) ? [ordinal] : []));
          expect(active).toEqual(new Set(due));
          for (const { task, waitingOn } of tasks) {
            const unfinished = task.upstream.filter(
              (parent) => !isFinal(tasks[parent]?.state ?? { status: "pending" }),
            );
            expect(waitingOn).toBe(unfinished.length);
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});
