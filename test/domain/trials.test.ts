import { describe, expect, it } from "vitest";
import { askTrial, strikeOff, type Docket, type Trial } from "../../src/domain/trials.ts";

const NOW = 1_000_000;
const SUSPECT: Trial = { livedMs: 5_000, drawnMs: 7_000, mostMs: 15_000, leaseMs: 130_000 };
const SHORT: Trial = { ...SUSPECT, livedMs: 100 };
const DUE: Trial = { ...SUSPECT, drawnMs: 0, mostMs: 0 };

/** The questions of so many suspects, one after the other; who may begin. */
function ask(questions: readonly (readonly [victim: string, trial: Trial, atMs: number])[]): [string[], Docket] {
  const begun: string[] = [];
  let docket: Docket = [];
  for (const [victim, trial, atMs] of questions) {
    const asked = askTrial(docket, victim, trial, NOW + atMs);
    docket = asked.docket;
    if (asked.mayBegin) begun.push(victim);
  }
  return [begun, docket];
}

describe("a suspect that asks for its trial", () => {
  it("a suspect that asks for its trial may begin if no other one is tried or waits, and again if it asks once more, since the answer was lost", () => {
    expect(
      ask([
        ["a", SUSPECT, 0],
        ["a", SUSPECT, 10],
      ])[0],
    ).toEqual(["a", "a"]);
  });

  it("a suspect that asks for its trial waits while another one is tried, until that one has ended or died", () => {
    const [begun, docket] = ask([
      ["a", SUSPECT, 0],
      ["b", SHORT, 10],
    ]);
    expect(begun).toEqual(["a"]);
    expect(askTrial(strikeOff(docket, "a"), "b", SHORT, NOW + 20).mayBegin).toBe(true);
  });

  it("a suspect that asks for its trial waits for another one for a minute, or for as long as an attempt of that one may take", () => {
    expect(
      ask([
        ["a", SUSPECT, 0],
        ["b", SHORT, 59_999],
        ["b", SHORT, 60_000],
      ])[0],
    ).toEqual(["a", "b"]);
    const brief = { ...SUSPECT, leaseMs: 35_000 };
    expect(
      ask([
        ["a", brief, 0],
        ["b", SHORT, 34_999],
        ["b", SHORT, 35_000],
      ])[0],
    ).toEqual(["a", "b"]);
  });

  it("a suspect that asks for its trial lets those go first whose attempts have lived for a shorter time, then those that came first", () => {
    const [, docket] = ask([
      ["tried", SUSPECT, 0],
      ["long", SUSPECT, 1],
      ["other long", SUSPECT, 2],
      ["short", SHORT, 3],
    ]);
    const free = strikeOff(docket, "tried");
    expect(askTrial(free, "long", SUSPECT, NOW + 4).mayBegin).toBe(false);
    expect(askTrial(free, "short", SHORT, NOW + 4).mayBegin).toBe(true);
    const rest = strikeOff(free, "short");
    expect(askTrial(rest, "other long", SUSPECT, NOW + 5).mayBegin).toBe(false);
    expect(askTrial(rest, "long", SUSPECT, NOW + 5).mayBegin).toBe(true);
  });

  it("a suspect that asks for its trial does not wait for one that asks no more", () => {
    const [, docket] = ask([
      ["tried", SUSPECT, 0],
      ["short", SHORT, 1],
      ["long", SUSPECT, 2],
    ]);
    const free = strikeOff(docket, "tried");
    expect(askTrial(free, "long", SUSPECT, NOW + 15_000).mayBegin).toBe(false);
    expect(askTrial(free, "long", SUSPECT, NOW + 15_001).mayBegin).toBe(true);
  });

  it("a suspect that asks for its trial begins in any case once its pause is over, and nobody is tried beside it", () => {
    const [begun, docket] = ask([
      ["a", SUSPECT, 0],
      ["b", DUE, 10],
    ]);
    expect(begun).toEqual(["a", "b"]);
    expect(askTrial(strikeOff(docket, "a"), "c", SHORT, NOW + 20).mayBegin).toBe(false);
  });

  it("a suspect that asks for its trial begins after its pause, and is not on the docket, where a hundred others are there", () => {
    const crowd = Array.from({ length: 100 }, (_, nth) => [`suspect ${nth}`, SUSPECT, 0] as const);
    const [, docket] = ask(crowd);
    expect(askTrial(docket, "one more", SHORT, NOW)).toEqual({ docket, mayBegin: false });
    expect(askTrial(docket, "one more", DUE, NOW)).toEqual({ docket, mayBegin: true });
  });
});
