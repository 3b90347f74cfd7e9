import { describe, expect, it } from "vitest";
import {
  byPlace,
  durationOfSummary,
  isDetailed,
  matches,
  type RunFilter,
  type RunSummary,
  summarize,
} from "../../../src/domain/run/summary.ts";
import { failed, Play, RUN_ID, succeeded } from "../../support/run-play.ts";
import { numberedRunId, summaryOf } from "../../support/summaries.ts";

const RUN = numberedRunId(1);
const WAITING = [{ task: "approve", for: "completion", until: 0 }] as const;
const FAILURE = { task: "load", name: "TypeError", message: "No row 17" };

describe("a filter of runs", () => {
  it.each<[string, RunFilter, Partial<RunSummary>, boolean]>([
    ["nothing", {}, {}, true],
    ["nothing of a late run", {}, { late: true }, true],
    ["its status", { statuses: ["failed", "succeeded"] }, {}, true],
    ["another status", { statuses: ["failed"] }, {}, false],
    ["what waits", { waiting: true }, { waiting: WAITING }, true],
    ["what waits, where nothing does", { waiting: true }, {}, false],
    ["its status or what waits", { waiting: true, statuses: ["succeeded"] }, {}, true],
    ["another status or what waits", { waiting: true, statuses: ["failed"] }, { waiting: WAITING }, true],
    ["its source", { sources: ["schedule", "api"] }, {}, true],
    ["another source", { sources: ["schedule"] }, {}, false],
    ["its tags", { tags: ["a", "b"] }, { tags: ["b", "c", "a"] }, true],
    ["one tag too many", { tags: ["a", "b"] }, { tags: ["a"] }, false],
    ["a tag, where there is none", { tags: ["a"] }, {}, false],
    ["late runs", { late: true }, { late: true }, true],
    ["late runs, where it is in time", { late: true }, {}, false],
    ["runs in time", { late: false }, {}, true],
    ["runs in time, where it is late", { late: false }, { late: true }, false],
    ["runs from its millisecond on", { createdAfter: 5_000 }, { createdAt: 5_000 }, true],
    ["runs from a later millisecond on", { createdAfter: 5_001 }, { createdAt: 5_000 }, false],
    ["runs before its millisecond", { createdBefore: 5_000 }, { createdAt: 5_000 }, false],
    ["runs before a later millisecond", { createdBefore: 5_001 }, { createdAt: 5_000 }, true],
    ["the task that failed", { failedTask: "load" }, { failure: FAILURE }, true],
    ["another task that failed", { failedTask: "store" }, { failure: FAILURE }, false],
    ["a task that failed, where none did", { failedTask: "load" }, {}, false],
    ["a text of its failure, in another case", { error: "typeerror: NO ROW" }, { failure: FAILURE }, true],
    ["another text", { error: "no table" }, { failure: FAILURE }, false],
    ["its group of failures", { failure: "TypeError: No row #" }, { failure: FAILURE }, true],
    ["another group of failures", { failure: "TypeError: No table #" }, { failure: FAILURE }, false],
    ["its task and another text", { failedTask: "load", error: "no table" }, { failure: FAILURE }, false],
  ])("a filter of runs asks for %s", (_, filter, given, isMatched) => {
    expect(matches(filter, summaryOf(RUN, "succeeded", given))).toBe(isMatched);
  });

  it("a filter of runs needs their details unless it asks for status, source and time alone", () => {
    const plain = { statuses: ["failed"], sources: ["api"], createdAfter: 1, createdBefore: 2 } as const;
    const detailed: RunFilter[] = [
      { waiting: true },
      { tags: ["a"] },
      { late: false },
      { failedTask: "a" },
      { error: "a" },
      { failure: "a" },
    ];
    expect([{}, plain, ...detailed].map(isDetailed)).toEqual([false, false, ...detailed.map(() => true)]);
  });
});

it("runs stand in a list with the newest first, and within a millisecond with the greatest id first", () => {
  const places = [
    { createdAt: 1, id: "run_z" },
    { createdAt: 2, id: "run_a" },
    { createdAt: 2, id: "run_c" },
    { createdAt: 2, id: "run_b" },
  ];
  expect(places.toSorted(byPlace).map(({ id }) => id)).toEqual(["run_c", "run_b", "run_a", "run_z"]);
  expect(byPlace({ createdAt: 2, id: "run_a" }, { createdAt: 2, id: "run_a" })).toBe(0);
});

it("the duration in a summary is the time at work, or in reports of older code the time from start to end", () => {
  const times = { startedAt: 10, finishedAt: 110 };
  expect(durationOfSummary({ ...times, durationMs: 60 })).toBe(60);
  expect(durationOfSummary(times)).toBe(100);
  expect(durationOfSummary({ startedAt: 10, finishedAt: 5 })).toBe(0);
  expect([durationOfSummary({ ...times, startedAt: null }), durationOfSummary({ ...times, finishedAt: null })]).toEqual(
    [null, null],
  );
});

it("a summary of an open run tells where it comes from, and nothing of its end", () => {
  const parent = { runId: RUN, task: "parent", isChild: true } as const;
  const origin = { source: "task", by: "parent", parent, tags: ["a"] } as const;
  const play = new Play("load > store", {}, { genesis: { origin } });
  play.claim();
  expect(summarize(play.run)).toStrictEqual({
    id: RUN_ID,
    task: "load",
    revision: 1,
    status: "running",
    source: "task",
    by: "parent",
    parent: { runId: RUN, task: "parent" },
    tags: ["a"],
    createdAt: play.now,
    startedAt: play.now,
    finishedAt: null,
    forgetAt: null,
    failedTasks: [],
    confVersion: play.run.graph.confVersion,
    attempts: {},
  });
});

it("a summary of a final run tells its end, and how long it is kept: for its retention, or for what waits beyond", () => {
  const play = new Play("load");
  play.claim();
  play.now += 40;
  play.settle("load", succeeded());
  expect(summarize(play.run)).toStrictEqual({
    id: RUN_ID,
    task: "load",
    revision: 2,
    status: "succeeded",
    source: "api",
    by: "test",
    parent: null,
    createdAt: play.now - 40,
    startedAt: play.now - 40,
    finishedAt: play.now,
    durationMs: 40,
    forgetAt: play.now + 86_400_000,
    failedTasks: [],
    confVersion: play.run.graph.confVersion,
    attempts: { load: { succeeded: 1, "3": 1, ms: 40 } },
  });
  expect(summarize(play.run, play.now + 5).forgetAt).toBe(play.now + 5);
});

it("a summary tells what waits outside of the run, and no failure before the run has failed", () => {
  const play = new Play("a > approve broken", { approve: { external: true }, broken: { retries: 0 } });
  play.claim();
  play.settle("a", succeeded());
  play.claim();
  play.settle("approve", { type: "waiting" });
  play.settle("broken", failed());
  const open = summarize(play.run);
  expect(open.waiting).toMatchObject([{ task: "approve" }]);
  expect([open.status, open.failedTasks, open.failure]).toEqual(["running", [], undefined]);
});

it("a summary names the first twenty tasks that have failed, and the failure of the first", () => {
  const names = Array.from({ length: 21 }, (_, at) => `t${at}`);
  const settings = Object.fromEntries(names.map((name) => [name, { retries: 0 }]));
  const play = new Play(`a > ${names.join(" ")}`, settings);
  play.claim();
  play.settle("a", succeeded());
  for (let granted = play.claim(); granted.length > 0; granted = play.claim())
    for (const name of granted) play.settle(name, failed());
  expect(summarize(play.run)).toMatchObject({
    status: "failed",
    failedTasks: names.slice(0, 20),
    failure: { task: "t0", name: "Error", message: "boom" },
  });
});
