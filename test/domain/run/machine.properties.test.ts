import { fc } from "../../support/property.ts";
import { describe, expect, it } from "vitest";
import { advance, nextWakeAt } from "../../../src/domain/run/machine.ts";
import { itemsOf, underWay } from "../../../src/domain/run/mapped-task.ts";
import { entryOf, type Run } from "../../../src/domain/run/state.ts";
import { isFinal, type TaskState } from "../../../src/domain/run/task-state.ts";
import type { GrantedLease } from "../../../src/domain/run/machine-events.ts";
import { failed, FRESH_DRIVER, passedArray, Play, succeeded } from "../../support/run-play.ts";
import { maySkip, mayStart, verdictOn } from "../../support/start-rule.ts";
import { anyGraph, anyMove, eventOf, playMove, type Move } from "../../support/random-run.ts";

const MOST = 25;

/** Plays random moves; `check` sees the run as it was before each and as it is after it. */
function always(check: (before: Run, play: Play, move: Move) => void, cancels = true): void {
  const move = cancels
    ? fc.oneof(
        { weight: 60, arbitrary: anyMove(MOST) },
        { weight: 1, arbitrary: fc.constant({ type: "cancelled" } as const) },
        { weight: 2, arbitrary: fc.constant({ type: "retried" } as const) },
      )
    : anyMove(MOST);
  fc.assert(
    fc.property(anyGraph(MOST), fc.array(move, { maxLength: 120 }), (graph, moves) => {
      const play = new Play(graph);
      for (const next of moves) {
        const before = structuredClone(play.run);
        playMove(play, next);
        check(before, play, next);
      }
    }),
    { numRuns: 120 },
  );
}

function stateAt(run: Run, ordinal: number): TaskState {
  return entryOf(run, ordinal)?.state ?? { status: "pending" };
}

/** Freezes all that the machine may read, so that a write to it throws. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value) || value instanceof Set) return value;
  Object.freeze(value);
  for (const part of Object.values(value)) deepFreeze(part);
  return value;
}

describe("whatever comes, in whatever order", () => {
  it("a final state never changes, nor does a final run, but by a retry", () => {
    always((before, { run }, move) => {
      if (move.type === "retried") return;
      for (const [ordinal, { state }] of before.tasks.entries())
        if (isFinal(state)) expect(stateAt(run, ordinal)).toEqual(state);
      // Whom it tells that it has ended is all that may change.
      if (before.finishedAt !== null)
        expect({ ...run, waiters: null, notification: null }).toEqual({ ...before, waiters: null, notification: null });
    });
  });

  it("a task leaves `pending` only once all of its upstream tasks are final and its run_if holds, or can not hold any more", () => {
    always((before, { run }) => {
      for (const [ordinal, entry] of run.tasks.entries()) {
        if (stateAt(before, ordinal).status !== "pending") continue;
        const { status } = entry.state;
        if (["queued", "running", "each", "succeeded", "failed"].includes(status))
          expect(mayStart(run, entry)).toBe(true);
        if (status === "skipped") expect(maySkip(run, entry)).toBe(true);
        if (status === "pending" && ordinal > 0) expect(verdictOn(run, entry)).toBe("wait");
      }
    });
  });

  it("a task that is pending waits for one that is not final, and a run that is not final is due at some time", () => {
    always((_, { run }) => {
      for (const { task, state } of run.tasks) {
        if (state.status === "pending")
          expect(task.upstream.some((parent) => !isFinal(stateAt(run, parent)))).toBe(true);
      }
      expect(Number.isFinite(nextWakeAt(run))).toBe(true);
      expect(run.finishedAt !== null).toBe(run.open === 0);
    });
  });

  it("items are as many at a time as allowed, and counted; a task with items ends after them, once", () => {
    always((before, { run }, move) => {
      for (const [ordinal, { task, state, each }] of run.tasks.entries()) {
        if (task.each === undefined || each === undefined) continue;
        const items = itemsOf(run, each).map((item) => item.state);
        const counted = (status: TaskState["status"]): number => items.filter((item) => item.status === status).length;
        for (const status of ["pending", "running", "succeeded", "failed", "cancelled"] as const)
          expect([status, each[status]]).toEqual([status, counted(status)]);
        expect(underWay(each)).toBe(counted("running") + counted("queued") + counted("retrying") + counted("waiting"));
        expect(underWay(each)).toBeLessThanOrEqual(task.each.maxParallel);
        for (const [index, item] of items.entries()) {
          if (index < each.cursor) expect(item.status).not.toBe("pending");
          const was =
            before.tasks[ordinal]?.each === undefined ? null : before.items[each.first - run.tasks.length + index];
          if (was !== null && was !== undefined && isFinal(was.state))
            if (move.type !== "retried" || was.state.status === "succeeded") expect(item).toEqual(was.state);
        }
        if (state.status === "queued" || state.status === "running" || state.status === "succeeded")
          expect(each.succeeded + (task.each.onError === "continue" ? each.failed : 0)).toBe(each.total);
        if (state.status === "failed" && state.reason === "item_failed")
          expect([each.failed > 0, underWay(each)]).toEqual([true, 0]);
      }
    });
  });

  it("a task that has not run leaves `pending` once: a join starts once", () => {
    always((before, { run, last }, move) => {
      for (const { ordinal, state } of last.change?.tasks ?? []) {
        if (stateAt(before, ordinal).status !== "pending" && move.type !== "retried")
          expect(state.status).not.toBe("pending");
      }
      for (const { attempts } of run.tasks) {
        expect(attempts.map(({ attempt }) => attempt)).toEqual(attempts.map((_attempt, index) => index + 1));
        expect(attempts.filter(({ status }) => status === "running").length).toBeLessThanOrEqual(1);
        expect(attempts.filter(({ status }) => status === "succeeded").length).toBeLessThanOrEqual(1);
      }
    });
  });

  it("only the current attempt and token settle a task, whatever comes in whatever order", () => {
    always((before, { run }, move) => {
      for (const [ordinal, { state }] of run.tasks.entries()) {
        const was = stateAt(before, ordinal);
        if (state.status !== "succeeded" || was.status === "succeeded") continue;
        // Of an empty array.
        if (run.tasks[ordinal]?.task.each !== undefined && was.status !== "running") continue;
        expect(was.status).toBe("running");
        expect(["settle", "garbage"]).toContain(move.type);
        if (move.type === "garbage")
          expect(move).toMatchObject(
            was.status === "running" ? { ordinal, attempt: was.attempt, token: was.token } : {},
          );
      }
    });
  });

  it("tokens grow strictly, and none is handed out twice but to the holder that has it", () => {
    always((before, { last, run }, move) => {
      if (move.type === "time") return;
      const fresh = last.leases.filter(({ token }) => token > before.lastToken);
      expect(fresh.map(({ token }) => token)).toEqual(fresh.map((_lease, index) => before.lastToken + 1 + index));
      if (move.type !== "begin") expect(fresh).toHaveLength(last.leases.length);
      expect(run.lastToken).toBe(before.lastToken + fresh.length);
      for (const { ordinal, attempt, token } of last.leases)
        expect(stateAt(run, ordinal)).toMatchObject({ status: "running", attempt, token });
    });
  });

  it("a failed task has thrown as often as its policy allows, or for good", () => {
    always((_, { run }) => {
      for (const { task, attempts, retriedAfter } of run.tasks) {
        const counted = attempts.slice(retriedAfter);
        const thrown = counted.filter(({ status }) => status === "failed" || status === "timed_out").length;
        expect(thrown).toBeLessThanOrEqual(task.retries.limit + 1);
      }
    });
  });

  it("a change makes the run another, and without one it stays as it was", () => {
    always((before, { last, run }, { type }) => {
      if (last.change === null || type === "time") expect(run).toEqual(before);
      else expect(run).not.toEqual(before);
    });
  });

  it("a retry changes nothing before the run is final, then runs all that failed or was cancelled, and never what succeeded", () => {
    always((before, { run, last }, move) => {
      if (move.type !== "retried") return;
      if (before.finishedAt === null) expect(last.change).toBeNull();
      if (last.change === null) return;
      for (const [ordinal, { state }] of before.tasks.entries()) {
        if (state.status === "succeeded") expect(stateAt(run, ordinal)).toEqual(state);
        if (state.status === "failed" || state.status === "cancelled")
          expect(last.change.tasks.map((change) => change.ordinal)).toContain(ordinal);
      }
      // What reads no array, or an empty one, has ended again with that.
      expect(run.finishedAt === null).toBe(run.open > 0);
      expect(run).toMatchObject({ startedAt: before.startedAt, lastToken: before.lastToken });
    });
  });

  it("deciding changes neither the run nor the event that it is given, and decides the same again", () => {
    fc.assert(
      fc.property(anyGraph(MOST), fc.array(anyMove(MOST), { maxLength: 60 }), (graph, moves) => {
        const play = new Play(graph);
        const granted: GrantedLease[] = [];
        for (const move of moves) {
          const event = eventOf(move, granted);
          if (event === null) continue;
          const frozen = deepFreeze(structuredClone(play.run));
          const decided = advance(frozen, deepFreeze(event), play.now);
          expect(frozen.active).toEqual(play.run.active);
          expect(play.event(event)).toEqual(decided);
          granted.push(...decided.leases);
        }
      }),
      { numRuns: 100 },
    );
  });

  it("a run that drivers keep working on ends, every task final", () => {
    fc.assert(
      fc.property(
        anyGraph(MOST),
        fc.array(anyMove(MOST), { maxLength: 60 }),
        fc.infiniteStream(fc.nat(9)),
        (graph, moves, dice) => {
          const play = new Play(graph);
          for (const move of moves) playMove(play, move);
          for (let step = 0; play.run.open > 0; step += 1) {
            expect(step).toBeLessThan(2_000);
            const leases = [...play.event({ type: "claimed", claim: FRESH_DRIVER }).leases];
            for (const ordinal of play.run.active)
              leases.push(...play.event({ type: "begun", ordinal, holder: "z" }).leases);
            for (const lease of leases) {
              const die = dice.next().value ?? 0;
              const outcome = die === 0 ? failed() : die < 3 ? succeeded() : passedArray(die);
              play.event({ type: "settled", attempts: [{ ...lease, outcome, children: [], logs: null }], claim: null });
            }
            if (play.run.open > 0) play.wakeWhenDue();
          }
          expect(play.run.tasks.every(({ state }) => isFinal(state))).toBe(true);
          for (const { state, each } of play.run.tasks)
            if (state.status === "succeeded" && each !== undefined)
              expect(each.succeeded + each.failed).toBe(each.total);
        },
      ),
      { numRuns: 200 },
    );
  });
});
