import { describe, expect, it } from "vitest";
import { FRESH_DRIVER, passedArray, Play, succeeded } from "../../support/run-play.ts";

const FIRST = { ...FRESH_DRIVER, call: "driver/1" };
const SECOND = { ...FRESH_DRIVER, call: "driver/2" };

describe("a call of a driver that is made again, since its answer was lost", () => {
  it("a call of a driver that is made again, since its answer was lost, gets the leases that it got, and nothing that has become ready since", () => {
    const play = new Play("root > a b");
    play.claim();
    play.settle("root", succeeded());
    const { leases } = play.event({ type: "claimed", claim: { ...FIRST, holding: 5 } });
    expect(leases.map(({ ordinal }) => play.nameOf(ordinal))).toEqual(["a"]);
    const again = play.event({ type: "claimed", claim: { ...FIRST, holding: 5 } });
    expect(again).toEqual({ change: null, effects: [], leases, rejections: [] });
    expect(play.claim()).toEqual(["b"]);
  });

  it("a call of a driver that is made again, since its answer was lost, gets the next task of a chain again when it settles again: nothing stands still", () => {
    const play = new Play("a > b, b > c");
    play.event({ type: "claimed", claim: FIRST });
    const settled = { ...play.leaseOf("a"), outcome: succeeded(), children: [], logs: null };
    const { leases } = play.event({ type: "settled", attempts: [settled], claim: SECOND });
    expect(leases).toEqual([{ ordinal: 1, attempt: 1, token: 2 }]);
    const again = play.event({ type: "settled", attempts: [settled], claim: SECOND });
    expect(again).toEqual({ change: null, effects: [], leases, rejections: ["stale_lease"] });
    expect(play.run.lastToken).toBe(2);
  });

  it("a call of a driver that is made again, since its answer was lost, gets only what is not over: another attempt of the task is not its own", () => {
    const play = new Play("root > a b");
    play.claim();
    play.settle("root", succeeded());
    play.event({ type: "claimed", claim: FIRST });
    play.settle("a", succeeded());
    expect(play.claim(FIRST)).toEqual(["b"]);
    play.settle("b", succeeded());
    expect(play.claim(FIRST)).toEqual([]);
  });

  it("a call of a driver that is made again, since its answer was lost, gets new work if it got none before", () => {
    const play = new Play("a", { a: { retries: 1 } }, { delayMs: 1_000 });
    expect(play.claim(FIRST)).toEqual([]);
    play.now += 1_000;
    play.wake();
    expect(play.claim(FIRST)).toEqual(["a"]);
  });

  it("a call of a driver that is made again, since its answer was lost, gets the items that it got, also of a run that was read back from its journal", () => {
    const each = { maxParallel: 1_000, onError: "fail" } as const;
    const play = new Play("a > b", { b: { each } }, { claim: FRESH_DRIVER });
    play.settle("a", passedArray(10));
    expect(play.claim({ ...FIRST, items: 4 })).toEqual(["b[0]", "b[1]", "b[2]", "b[3]"]);
    expect(play.claim({ ...FIRST, items: 4 })).toEqual(["b[0]", "b[1]", "b[2]", "b[3]"]);
    expect(play.claim({ ...SECOND, items: 4 })).toEqual(["b[4]", "b[5]", "b[6]", "b[7]"]);
  });

  it("a call of a driver that is made again, since its answer was lost, gets the first lease again when it accepts again", () => {
    const play = new Play("a", {}, { claim: FIRST });
    expect(play.last.leases).toHaveLength(1);
    expect(play.claim(FIRST)).toEqual(["a"]);
  });
});
