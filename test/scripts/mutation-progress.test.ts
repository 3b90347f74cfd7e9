import { describe, expect, it } from "vitest";
import { Progress } from "../../scripts/mutate/progress.ts";

const FILE = "test/x.test.ts";
const START = Date.UTC(2027, 0, 2);

/** What a test tells when it begins with a change, or has noticed one. */
function told(change: { trying: string } | { noticed: string }): string {
  return JSON.stringify({ file: FILE, title: "adds", timeout: 10_000, ...change });
}

/** What a test tells at its end. */
function result(came: { noticed?: string[]; untried?: string[]; fails?: "always" | "afterwards" }): string {
  const { noticed = [], untried = [] } = came;
  return JSON.stringify({ file: FILE, title: "adds", id: "1", reached: ["a", "b"], ...came, noticed, untried });
}

function after(...lines: string[]): Progress {
  const progress = new Progress(["a", "b"]);
  for (const line of lines) progress.add(line, START);
  return progress;
}

const END = JSON.stringify({ ended: FILE });

describe("the runs of a mutation check", () => {
  it("the runs of a mutation check end with the first that leaves nothing over", () => {
    const progress = after(told({ trying: "a" }), told({ noticed: "a" }), result({ noticed: ["a"] }), END);
    expect(progress.nextRun()).toBe(true);
    expect([...progress.noticed]).toEqual([["a", `${FILE}: adds`]]);
    expect([...progress.reached]).toEqual(["a", "b"]);
    expect([...progress.ended]).toEqual([FILE]);
  });

  it("the runs of a mutation check count a change as noticed with which a test has no end, and go on without it", () => {
    const progress = after(told({ trying: "a" }), told({ noticed: "a" }), told({ trying: "b" }));
    expect(progress.giveUp(START + 30_000)).toBe(false);
    expect([...progress.noticed.keys()]).toEqual(["a"]);
    expect(progress.giveUp(START + 30_001)).toBe(true);
    expect([...progress.noticed.keys()]).toEqual(["a", "b"]);
    expect([...progress.ended]).toEqual([]);
  });

  it("the runs of a mutation check count no change where the test that has no end runs as the code is", () => {
    const progress = after(told({ trying: "a" }), told({ noticed: "a" }));
    expect(progress.giveUp(START + 30_001)).toBe(true);
    expect([...progress.noticed.keys()]).toEqual(["a"]);
  });

  it("the runs of a mutation check wait for a test that has ended with nothing", () => {
    const progress = after(told({ trying: "a" }), result({}), END);
    expect(progress.giveUp(START + 30_001)).toBe(false);
  });

  it("the runs of a mutation check begin a file anew that was left spoilt, with what its tests have not tried", () => {
    const progress = after(result({ noticed: ["a"], untried: ["b"], fails: "afterwards" }), END);
    expect(progress.nextRun()).toBe(false);
    expect([...progress.ended]).toEqual([]);
    expect(progress.untried).toEqual({ "1": ["b"] });
    progress.add(result({}), START);
    progress.add(END, START);
    expect(progress.nextRun()).toBe(true);
  });

  it("the runs of a mutation check begin a file anew that could not be loaded, and name it", () => {
    const progress = after(JSON.stringify({ unloaded: FILE }));
    expect(progress.nextRun()).toBe(false);
    expect([...progress.ended]).toEqual([]);
    expect([...progress.failing]).toEqual([`${FILE}: could not be loaded`]);
    progress.add(result({ noticed: ["a", "b"] }), START);
    progress.add(END, START);
    expect(progress.nextRun()).toBe(true);
  });

  it("the runs of a mutation check give a test that has no time for all of its changes one more run", () => {
    const progress = after(result({ untried: ["b"] }), END);
    expect(progress.nextRun()).toBe(false);
    progress.add(result({ untried: ["b"] }), START);
    progress.add(END, START);
    expect(progress.nextRun()).toBe(true);
  });

  it("the runs of a mutation check go on for no change that another test has noticed meanwhile", () => {
    const other = { file: "test/y.test.ts", title: "subtracts", id: "2", reached: ["b"], noticed: ["b"], untried: [] };
    const progress = after(result({ untried: ["b"] }), END, JSON.stringify(other));
    expect(progress.nextRun()).toBe(true);
  });

  it("the runs of a mutation check name the tests that fail as the code is", () => {
    expect([...after(result({ fails: "always" })).failing]).toEqual([`${FILE}: adds`]);
  });
});
