import { fc } from "../../support/property.ts";
import { describe, expect, it } from "vitest";
import { encodeChange, decodeChange, type EncodedChange } from "../../../src/domain/run/journal-codec.ts";
import { applyChange } from "../../../src/domain/run/apply-change.ts";
import { newRun, type Run } from "../../../src/domain/run/state.ts";
import { type RunChange } from "../../../src/domain/run/run-change.ts";
import type { Outcome } from "../../../src/domain/run/machine-events.ts";
import { anyGraph, anyMove, playMove } from "../../support/random-run.ts";
import { failed, FRESH_DRIVER, genesisOf, graphOf, passedArray, Play } from "../../support/run-play.ts";

const SETTINGS = { b: { each: { maxParallel: 10_000, onError: "continue" } } } as const;

/** The item passed JSON that lies beside the entry. */
function passed(offset: number): Outcome {
  const output = { kind: "json", size: 4, contentType: "application/json", at: "run", seq: 9, offset } as const;
  return { type: "succeeded", passed: { output, to: null } };
}

/** The run as it is read from the journal. */
function replayed(genesis: Run, changes: readonly RunChange[]): Run {
  const run = newRun(genesis);
  for (const change of changes) {
    const written: EncodedChange = JSON.parse(JSON.stringify(encodeChange(change, run.tasks.length)));
    applyChange(run, decodeChange(written, run));
  }
  return run;
}

describe("a change in the journal", () => {
  it("a change in the journal says what it was, whatever was decided", () => {
    fc.assert(
      fc.property(anyGraph(12), fc.array(anyMove(12), { maxLength: 80 }), (graph, moves) => {
        const play = new Play(graph);
        for (const move of moves) playMove(play, move);
        expect(replayed(newRun(genesisOf(graph, 1_000_000)), play.changes)).toEqual(play.run);
      }),
      { numRuns: 200 },
    );
  });

  it("a change in the journal has 20 bytes for the lease of an item, and 30 for its result", () => {
    const play = new Play("a > b", SETTINGS, { claim: FRESH_DRIVER });
    play.settle("a", passedArray(10_000));
    const bytes = (): number => JSON.stringify(encodeChange(play.last.change ?? { tasks: [] }, 2)).length;
    const leases = play.event({ type: "claimed", claim: { ...FRESH_DRIVER, items: 10_000 } }).leases;
    expect(bytes()).toBeLessThan(200_000);
    const attempts = leases.map((lease, index) => ({ ...lease, outcome: passed(index * 4), children: [], logs: null }));
    play.event({ type: "settled", attempts, claim: null });
    expect(bytes()).toBeLessThan(300_000);
    expect(replayed(newRun(genesisOf(graphOf("a > b", SETTINGS), 1_000_000)), play.changes)).toEqual(play.run);
  });

  it("a change in the journal leaves out nothing that is out of the ordinary", () => {
    const play = new Play("a > b", SETTINGS, { claim: FRESH_DRIVER });
    play.settle("a", passedArray(3));
    play.claim();
    const logs = { seq: 9, offset: 0, size: 10, lines: 1, dropped: 0 };
    play.event({
      type: "settled",
      attempts: [
        { ...play.leaseOf("b[0]"), outcome: passed(0), children: [], logs },
        { ...play.leaseOf("b[1]"), outcome: failed(), children: [], logs: null },
        { ...play.leaseOf("b[2]"), outcome: passedArray(7), children: [], logs: null },
      ],
      claim: null,
    });
    expect(play.last.change).not.toBeNull();
    expect(encodeChange(play.last.change ?? { tasks: [] }, 2)).toEqual(play.last.change);
  });
});
