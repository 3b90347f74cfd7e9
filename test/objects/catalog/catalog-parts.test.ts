import { afterEach, describe, expect, it, vi } from "vitest";
import type { RunSummary } from "../../../src/domain/run/summary.ts";
import type { WaitingKind } from "../../../src/domain/run/waiting.ts";
import { recordRun, runStatistics } from "../../../src/objects/catalog/catalog-client.ts";
import { FailureGroups, joinGroups } from "../../../src/objects/catalog/failure-groups.ts";
import { LateNotices } from "../../../src/objects/catalog/late-notices.ts";
import { RecentChanges } from "../../../src/objects/catalog/recent-changes.ts";
import { BUCKET_MS, BucketedCounts, bucketOf, NO_RUNS } from "../../../src/objects/catalog/run-counts.ts";
import { addStatistics } from "../../../src/objects/catalog/run-statistics.ts";
import { shardFor, shardsOf, splitFurther } from "../../../src/objects/catalog/shard-map.ts";
import { env } from "../../support/env.ts";
import { numberedRunId, summaryOf } from "../../support/summaries.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;

afterEach(() => {
  vi.useRealTimers();
});

describe("the shards of a task", () => {
  const map = [
    { since: 1_000, shards: 4 },
    { since: 2_000, shards: 16 },
  ];
  const shardAt = (createdAt: number): Set<number> =>
    new Set(Array.from({ length: 400 }, (_, number) => shardFor(map, { createdAt, id: numberedRunId(number) })));

  it("the shards of a task are one before the first split, and from a split on as many as it makes", () => {
    expect([0, 999, 1_000, 1_999, 2_000].map((at) => shardAt(at).size)).toEqual([1, 1, 4, 4, 16]);
    expect([...shardAt(999)]).toEqual([0]);
    expect([...shardAt(9_000)].toSorted((one, other) => one - other)).toEqual(
      Array.from({ length: 16 }, (_, at) => at),
    );
    expect([shardsOf([]), shardsOf(map)]).toEqual([1, 16]);
  });

  it("the shards of a task become four times as many after all answers that were given before are over", () => {
    expect(splitFurther([], 5_000)).toEqual([{ since: 5_000 + MINUTE + 1, shards: 4 }]);
    expect(splitFurther(map, 5_000)).toEqual([...map, { since: 5_000 + MINUTE + 1, shards: 64 }]);
  });

  it("the shards of a task are not split before the last split holds, nor beyond 64", () => {
    expect([1_999, 2_000].map((now) => splitFurther(map, now)?.length ?? null)).toEqual([null, 3]);
    expect(splitFurther([...map, { since: 3_000, shards: 64 }], 5_000)).toBeNull();
  });
});

describe("a notice that a run cannot be read", () => {
  const notice = (foundAt: number | undefined, number = 1) =>
    summaryOf(numberedRunId(number), "running", {
      problem: "run_unreadable",
      ...(foundAt !== undefined && { foundAt }),
    });

  it.each([
    ["a second after it, for clocks differ", 11_000, false],
    ["more than a second after it", 11_001, true],
    ["just now", 20_000, true],
    ["in the future, as a clock that was set back has it", 20_001, false],
  ])("a notice that a run cannot be read is late where the run has told of itself %s", (_, at, isLate) => {
    expect(new LateNotices().isLate(notice(10_000), at, 20_000)).toBe(isLate);
    const notices = new LateNotices();
    notices.reported(numberedRunId(1), at);
    expect(notices.isLate(notice(10_000), 0, 20_000)).toBe(isLate);
    expect(notices.isLate(notice(10_000, 2), 0, 20_000)).toBe(false);
  });

  it("a notice that a run cannot be read and has no time is never late", () => {
    expect(new LateNotices().isLate(notice(undefined), 20_000, 20_000)).toBe(false);
  });

  it("a notice that a run cannot be read is held against the last thousand runs that have told of themselves", () => {
    const notices = new LateNotices();
    const report = (number: number): void => notices.reported(numberedRunId(number), 15_000);
    const isLate = (number: number): boolean => notices.isLate(notice(10_000, number), 0, 20_000);
    for (let number = 0; number < 1_000; number += 1) report(number);
    expect([isLate(0), isLate(1)]).toEqual([true, true]);
    report(0);
    report(1_000);
    expect([isLate(0), isLate(1), isLate(2), isLate(1_000)]).toEqual([true, false, true, true]);
  });
});

describe("the latest changes", () => {
  const change = (changedAt: number) => ({ summary: summaryOf(numberedRunId(changedAt), "queued"), changedAt });
  const times = (changes: ReturnType<RecentChanges["after"]>) => changes?.map(({ changedAt }) => changedAt) ?? null;

  it("the latest changes are told from a time on, the earliest first, so many at once", () => {
    const recent = new RecentChanges(10);
    for (const at of [11, 12, 13]) recent.push(change(at));
    expect(times(recent.after(10, 9))).toEqual([11, 12, 13]);
    expect(times(recent.after(12, 9))).toEqual([13]);
    expect(times(recent.after(13, 9))).toEqual([]);
    expect(times(recent.after(10, 2))).toEqual([11, 12]);
  });

  it("the latest changes are not known from before the object began, nor from before the oldest that it keeps", () => {
    const recent = new RecentChanges(0);
    for (let at = 1; at < 4_000; at += 1) recent.push(change(at));
    expect(times(recent.after(0, 1))).toEqual([1]);
    expect(recent.after(-1, 1)).toBeNull();
    recent.push(change(4_000));
    expect(recent.after(1_999, 1)).toBeNull();
    expect(times(recent.after(2_000, 1))).toEqual([2_001]);
  });
});

describe("runs counted by quarters of an hour", () => {
  const count = (bucket: number, given: object = {}) => ({
    bucket,
    status: "failed" as const,
    source: "api" as const,
    runs: 2,
    forgetFrom: 900,
    changedAt: 100,
    ...given,
  });

  it("runs counted by quarters of an hour belong to that in which they were created", () => {
    expect([0, BUCKET_MS - 1, BUCKET_MS].map(bucketOf)).toEqual([0, 0, 1]);
  });

  it("runs counted by quarters of an hour are told by status, of the sources and statuses asked for", () => {
    const counts = new BucketedCounts();
    counts.add([count(1), count(1, { source: "schedule", runs: 3 }), count(1, { status: "queued", runs: 5 })]);
    expect(counts.runsIn(1, {})).toEqual({ all: 10, wanted: 10 });
    expect(counts.runsIn(1, { statuses: ["failed", "running"] })).toEqual({ all: 10, wanted: 5 });
    expect(counts.runsIn(1, { statuses: ["failed"], sources: ["schedule"] })).toEqual({ all: 10, wanted: 3 });
    expect(counts.countsIn(1, {})).toEqual({ ...NO_RUNS, failed: 5, queued: 5 });
    expect(counts.countsIn(1, { sources: ["api"] })).toEqual({ ...NO_RUNS, failed: 2, queued: 5 });
    expect([counts.runsIn(2, {}), counts.countsIn(2, {})]).toEqual([{ all: 0, wanted: 0 }, NO_RUNS]);
  });

  it("runs counted by quarters of an hour are taken back, and a quarter without any is gone", () => {
    const counts = new BucketedCounts();
    counts.add([count(1), count(2)]);
    counts.add([count(1, { runs: 1 })], -1);
    expect([[...counts.buckets()], counts.runsIn(1, {}).all]).toEqual([[1, 2], 1]);
    counts.add([count(1, { runs: 1 })], -1);
    expect([...counts.buckets()]).toEqual([2]);
  });

  it("runs counted by quarters of an hour know when the first is to be forgotten, and when the last has changed", () => {
    const counts = new BucketedCounts();
    counts.add([count(1), count(1, { forgetFrom: 500, changedAt: 300 }), count(1, { forgetFrom: 800 })]);
    expect([counts.forgetFrom(1), counts.changedAt(1)]).toEqual([500, 300]);
    counts.add([count(1, { forgetFrom: 1, changedAt: 999 })], -1);
    expect([counts.forgetFrom(1), counts.changedAt(1)]).toEqual([500, 300]);
    counts.setForgetFrom(1, 700);
    counts.setForgetFrom(2, 700);
    expect([counts.forgetFrom(1), counts.forgetFrom(2), counts.changedAt(2)]).toEqual([700, Infinity, -Infinity]);
  });

  it("runs counted by quarters of an hour are written and read by the day", () => {
    const counts = new BucketedCounts();
    counts.add([count(95), count(96, { forgetFrom: Infinity }), count(191, { status: "queued" }), count(192)]);
    const read = new BucketedCounts();
    read.readDay(counts.writeDay(1) ?? "");
    expect([...read.buckets()]).toEqual([96, 191]);
    expect([read.countsIn(96, {}), read.countsIn(191, {})]).toEqual([
      { ...NO_RUNS, failed: 2 },
      { ...NO_RUNS, queued: 2 },
    ]);
    expect([read.forgetFrom(96), read.forgetFrom(191), read.changedAt(96)]).toEqual([Infinity, 900, 100]);
    expect(counts.writeDay(3)).toBeNull();
    read.add([count(96)]);
    expect(read.forgetFrom(96)).toBe(900);
  });

  it("runs counted by quarters of an hour are told without those of a status of newer code", () => {
    const counts = new BucketedCounts();
    counts.readDay('{"96":{"counts":{"dreaming api":7,"failed api":1},"forgetFrom":900,"changedAt":100}}');
    expect(counts.countsIn(96, {})).toEqual({ ...NO_RUNS, failed: 1 });
  });
});

describe("groups of failed runs", () => {
  const failed = (number: number, finishedAt: number, message: string, given: object = {}) =>
    summaryOf(numberedRunId(number), "failed", {
      createdAt: finishedAt - 10,
      finishedAt,
      failure: { task: "load", name: "Error", message },
      ...given,
    });
  const groupsOf = (...runs: readonly ReturnType<typeof failed>[]) => {
    const groups = new FailureGroups();
    for (const run of runs) groups.add(run);
    return groups.all;
  };

  it("groups of failed runs are those of one task, error and message without its values", () => {
    const [group, ...others] = groupsOf(
      failed(3, 30, "no row 3", { confVersion: "new", task: "b" }),
      failed(2, 20, "no row 2", { confVersion: "new" }),
      failed(1, 10, "no row 1", { confVersion: "old" }),
    );
    expect(others).toEqual([]);
    expect(group).toEqual({
      task: "load",
      name: "Error",
      message: "no row #",
      count: 3,
      first: 10,
      last: 30,
      confVersions: ["old", "new"],
      example: { id: numberedRunId(3), createdAt: 20, confVersion: "new", message: "no row 3" },
      pipelines: { busy: 2, b: 1 },
      lastGood: null,
    });
    expect(groupsOf(failed(1, 10, "no row"), failed(2, 20, "no table")).length).toBe(2);
  });

  it("groups of failed runs name a run of older code by the task that failed, or else by its root", () => {
    const older = { failure: undefined, confVersion: undefined };
    const groups = groupsOf(
      failed(1, 10, "", { ...older, failedTasks: ["store", "load"] }),
      failed(2, 20, "", { ...older, failedTasks: [] }),
    );
    const told = groups.map(({ task, name, confVersions, example }) => [task, name, confVersions, example.confVersion]);
    expect(told).toEqual([
      ["store", "failed", [], null],
      ["busy", "failed", [], null],
    ]);
  });

  it("groups of failed runs are joined over objects: the largest first, with the newest example and the newest success", () => {
    const good = (createdAt: number) => ({ id: numberedRunId(createdAt), createdAt, confVersion: null });
    const [small = null] = groupsOf(failed(9, 90, "alone"));
    const [one = null] = groupsOf(failed(1, 10, "no row 1"));
    const [other = null] = groupsOf(failed(2, 20, "no row 2"));
    if (small === null || one === null || other === null) throw new Error("there is no group");
    const joined = joinGroups([small, { ...one, lastGood: good(5) }, { ...other, lastGood: good(8) }]);
    expect(joined.map(({ count, message }) => [count, message])).toEqual([
      [2, "no row #"],
      [1, "alone"],
    ]);
    expect(joined[0]).toMatchObject({ first: 10, last: 20, example: { id: numberedRunId(2) }, lastGood: good(8) });
    expect(joinGroups([{ ...other, lastGood: good(8) }, one])[0]).toMatchObject({
      first: 10,
      example: { id: numberedRunId(2) },
      lastGood: good(8),
    });
  });
});

it("statistics of two objects are added, interval by interval", () => {
  const one = {
    intervals: { 0: { ...NO_RUNS, failed: 1 }, [DAY]: { ...NO_RUNS, queued: 1 } },
    before: { ...NO_RUNS, succeeded: 3 },
    waiting: { completion: 1, run: 2, time: 3 },
  };
  const other = {
    intervals: { [DAY]: { ...NO_RUNS, queued: 4 }, [2 * DAY]: { ...NO_RUNS, running: 2 } },
    before: { ...NO_RUNS, succeeded: 1, running: 1 },
    waiting: { completion: 10, run: 20, time: 30 },
  };
  expect(addStatistics(one, other)).toEqual({
    intervals: {
      0: { ...NO_RUNS, failed: 1 },
      [DAY]: { ...NO_RUNS, queued: 5 },
      [2 * DAY]: { ...NO_RUNS, running: 2 },
    },
    before: { ...NO_RUNS, succeeded: 4, running: 1 },
    waiting: { completion: 11, run: 22, time: 33 },
  });
});

describe("the statistics of a task", () => {
  const START = Date.UTC(2027, 0, 1);
  const HOUR = 3_600_000;
  const at = (createdAt: number, given: Partial<RunSummary> = {}) =>
    summaryOf(numberedRunId(createdAt % DAY), given.status ?? "succeeded", { task: "counted", createdAt, ...given });

  it("the statistics of a task count its runs by interval, those before the span, and what waits", async () => {
    vi.setSystemTime(START + 3 * HOUR);
    for (const createdAt of [
      START - 2 * HOUR - 1,
      START - 2 * HOUR,
      START - 1,
      START,
      START + 15 * MINUTE,
      START + HOUR,
      START + 2 * HOUR,
    ])
      await recordRun(env, at(createdAt), true);
    const waits = (kind: WaitingKind) => ({ task: "t", for: kind, until: START + DAY });
    const open = { status: "running", toldAt: START } as const;
    await recordRun(env, at(START + 10 * MINUTE, { ...open, waiting: [waits("run"), waits("run")] }), false);
    await recordRun(env, at(START + 2 * HOUR + 1, { ...open, waiting: [waits("time"), waits("run")] }), false);
    const told = async (since: number, until: number, intervalMs: number) =>
      (await runStatistics(env, "counted", { since, until, intervalMs })).get("counted");

    const [succeeded, running] = [
      { ...NO_RUNS, succeeded: 1 },
      { ...NO_RUNS, running: 1 },
    ];
    expect(await told(START, START + 2 * HOUR, HOUR)).toEqual({
      intervals: { [START]: { ...NO_RUNS, succeeded: 2, running: 1 }, [START + HOUR]: succeeded },
      before: { ...NO_RUNS, succeeded: 2 },
      waiting: { completion: 0, run: 2, time: 1 },
    });
    // Short intervals are counted to the millisecond.
    expect((await told(START, START + 20 * MINUTE, 5 * MINUTE))?.intervals).toEqual({
      [START]: succeeded,
      [START + 10 * MINUTE]: running,
      [START + 15 * MINUTE]: succeeded,
    });
    // Of long ones, the quarter of an hour counts whole in which the span begins.
    expect((await told(START + 20 * MINUTE, START + HOUR, HOUR))?.intervals).toEqual({ [START]: succeeded });
  });
});
