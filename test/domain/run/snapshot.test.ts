import { fc } from "../../support/property.ts";
import { describe, expect, it } from "vitest";
import { applyChange } from "../../../src/domain/run/apply-change.ts";
import type { PayloadLimitKeys } from "../../../src/domain/limits/limit.ts";
import type { Run } from "../../../src/domain/run/state.ts";
import { runOf, stateOf } from "../../../src/domain/run/snapshot.ts";
import { anyGraph, anyMove, playMove } from "../../support/random-run.ts";
import { FRESH_DRIVER, passedArray, Play } from "../../support/run-play.ts";

const same = (keys: PayloadLimitKeys): PayloadLimitKeys => keys;

function writtenAndRead(run: Run): Run {
  return runOf(JSON.parse(JSON.stringify(stateOf(run, same))), same);
}

describe("the record of a run as it is", () => {
  it("the record of a run as it is is the run, whatever has happened to it, and goes on like it", () => {
    fc.assert(
      fc.property(
        anyGraph(12),
        fc.array(anyMove(12), { maxLength: 60 }),
        fc.array(anyMove(12), { maxLength: 20 }),
        (graph, before, after) => {
          const play = new Play(graph);
          for (const move of before) playMove(play, move);
          const read = writtenAndRead(play.run);
          expect(read).toEqual(play.run);
          expect([...read.active]).toEqual([...play.run.active]);
          const known = play.changes.length;
          for (const move of after) playMove(play, move);
          for (const change of play.changes.slice(known)) applyChange(read, change);
          expect(read).toEqual(play.run);
          expect([...read.active]).toEqual([...play.run.active]);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("the record of a run as it is says once what ten thousand items have in common", () => {
    const limits = {
      concurrency: { limit: 10_000, strategy: "queue", key: null },
      rateLimit: null,
      priority: 0,
    } as const;
    const play = new Play("a > b", { b: { limits, each: { maxParallel: 10_000, onError: "fail" } } });
    play.event({ type: "claimed", claim: FRESH_DRIVER });
    play.settle("a", passedArray(10_000));
    while (play.itemsOf("b").includes("pending")) play.wakeWhenDue();
    expect(play.itemsOf("b").every((status) => status === "queued")).toBe(true);
    const text = JSON.stringify(stateOf(play.run, same));
    // The ordinals of what is active; all else is some kilobytes.
    expect(text.length).toBeLessThan(65_000);
    expect(runOf(JSON.parse(text), same)).toEqual(play.run);
  });
});
