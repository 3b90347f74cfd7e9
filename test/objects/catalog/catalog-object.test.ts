/** One object of the catalog, and what is put together from several: the runs are made up, the objects are real. */
import { driven } from "../../support/driven-object.ts";
import { env } from "../../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  countRuns,
  failureGroups,
  findRuns,
  recordRun,
  runChanges,
  runMetrics,
  runStatistics,
} from "../../../src/objects/catalog/catalog-client.ts";
import type { RecordAnswer } from "../../../src/objects/catalog/catalog-rpc.ts";
import type { RunFilter, RunPlace, RunSummary } from "../../../src/domain/run/summary.ts";
import { RUN_STATUSES } from "../../../src/domain/statuses.ts";
import { TRIGGER_SOURCES } from "../../../src/domain/trigger.ts";
import { numberedRunId, RETENTION_MS, summaryOf } from "../../support/summaries.ts";

const START = Date.UTC(2027, 0, 1);
const HOUR_MS = 3_600_000;

/** Each test has a task of its own. */
let task = "";
let tests = 0;
const object = () => driven(env.CATALOG.getByName(task));
const run = (number: number, status: Parameters<typeof summaryOf>[1], given: Partial<RunSummary> = {}) =>
  summaryOf(numberedRunId(number), status, { task, ...given });
const record = (summary: RunSummary, keep = false) => recordRun(env, summary, keep);
const list = (filter: RunFilter = {}, after: RunPlace | null = null, limit = 200) =>
  findRuns(env, { task, ...filter }, after, limit);

async function statuses(): Promise<Record<string, string>> {
  const { runs } = await list();
  return Object.fromEntries(runs.map(({ id, status }) => [id, status]));
}

function rows(table: "runs" | "days"): Promise<number> {
  return object().inside(({ storage }) =>
    Number(storage.sql.exec(`SELECT count(*) AS rows FROM ${table}`).one()["rows"]),
  );
}

beforeEach(() => {
  vi.setSystemTime(START);
  tests += 1;
  task = `kept_${tests}`;
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a run that tells how it stands", () => {
  it("a run that tells how it stands is listed at once, and kept with its end; before, only if it asks for that", async () => {
    expect(await record(run(1, "queued"))).toBe(false);
    expect(await record(run(1, "running"))).toBe(false);
    expect(await record(run(2, "running"), true)).toBe(true);
    expect(await statuses()).toEqual({ [numberedRunId(1)]: "running", [numberedRunId(2)]: "running" });
    await object().evict();
    expect(await statuses()).toEqual({ [numberedRunId(2)]: "running" });
    expect(await record(run(1, "succeeded"))).toBe(true);
    expect(await record(run(2, "failed"))).toBe(true);
    await object().evict();
    expect(await statuses()).toEqual({ [numberedRunId(1)]: "succeeded", [numberedRunId(2)]: "failed" });
  });

  it("a run that tells how it stands is not taken back by what it has told before, whenever that comes", async () => {
    await record(run(1, "succeeded"));
    expect(await record(run(1, "queued"))).toBe(true);
    expect(await record(run(1, "running"), true)).toBe(true);
    expect(await record(run(1, "succeeded"))).toBe(true);
    expect(await statuses()).toEqual({ [numberedRunId(1)]: "succeeded" });
    expect((await countRuns(env, { task })).succeeded).toBe(1);
  });

  describe("and cannot be read any more, as its object says,", () => {
    const open = (number: number, status: "queued" | "running" = "running"): RunSummary =>
      run(number, status, { createdAt: START });
    const notice = (number: number): RunSummary => ({
      ...open(number, "queued"),
      revision: -1,
      problem: "awaits_deploy",
      foundAt: Date.now(),
    });
    const problems = async (): Promise<unknown[]> => (await list()).runs.map(({ problem }) => problem);

    it("a run that tells how it stands and cannot be read any more, as its object says, is listed with that, until it tells of itself again", async () => {
      await record(open(1), true);
      vi.setSystemTime(START + 10_000);
      await record(notice(1), true);
      expect((await list()).runs).toMatchObject([{ status: "running", problem: "awaits_deploy" }]);
      expect((await list()).runs[0]).not.toHaveProperty("foundAt");
      await record(open(1), true);
      expect(await problems()).toEqual([undefined]);
    });

    it("a run that tells how it stands and cannot be read any more, as its object says, is not listed with it where the notice is late: the run has told of itself since, with news or without", async () => {
      for (const keep of [true, false]) {
        const number = keep ? 1 : 2;
        await record(open(number), keep);
        vi.setSystemTime(Date.now() + 10_000);
        const late = notice(number);
        vi.setSystemTime(Date.now() + 5_000);
        await record(open(number), keep);
        await record(late, true);
        expect(await problems()).toEqual(keep ? [undefined] : [undefined, undefined]);
      }
    });

    it("a run that tells how it stands and cannot be read any more, as its object says, is not listed with it again where the notice comes twice, also at the next life of the catalog", async () => {
      await record(open(1), true);
      vi.setSystemTime(START + 10_000);
      const doubled = notice(1);
      await record(doubled, true);
      vi.setSystemTime(START + 15_000);
      await record(open(1), true);
      await object().evict();
      await record(doubled, true);
      expect(await problems()).toEqual([undefined]);
    });
  });

  it("a run that tells how it stands costs one row if it ends soon", async () => {
    await record(run(1, "succeeded"));
    // The first of a task is told to the directory.
    await vi.waitFor(async () => expect((await runMetrics(env)).map((one) => one.task)).toContain(task), 10_000);
    const written = await object().inside(async ({ storage }) => {
      const exec = vi.spyOn(Object.getPrototypeOf(storage.sql), "exec");
      await record(run(2, "queued"));
      await record(run(2, "running"));
      await record(run(2, "succeeded"));
      const cursors = exec.mock.results.map(({ value }) => (value instanceof Object ? value : {}));
      exec.mockRestore();
      return cursors.reduce((sum, cursor) => sum + ("rowsWritten" in cursor ? Number(cursor.rowsWritten) : 0), 0);
    });
    expect(written).toBe(1);
  });
});

describe("a list", () => {
  it(
    "a list shows each of 10,000 runs once, page by page, while others are created and end",
    { timeout: 120_000 },
    async () => {
      const existing = 10_000;
      await object().inside(async (_, catalog) => {
        const record = (number: number): Promise<RecordAnswer> =>
          catalog.record(run(number, "succeeded", { createdAt: START - Math.floor(number / 3) }), true);
        await Promise.all(Array.from({ length: existing }, (_, number) => record(number)));
      });
      const seen: string[] = [];
      let after: RunPlace | null = null;
      let created = existing;
      const startedAt = performance.now();
      do {
        const page = await list({}, after);
        seen.push(...page.runs.map(({ id }) => id));
        after = page.end;
        await record(run(created, "queued", { createdAt: START + created }));
        await record(run(created - 1, "succeeded", { createdAt: START + created - 1 }));
        created += 1;
      } while (after !== null);
      console.info(`${seen.length} runs in pages of 200: ${Math.round(performance.now() - startedAt)} ms in all`);
      const listed = new Set(seen);
      expect(listed.size).toBe(seen.length);
      const missed = Array.from({ length: existing }, (_, number) => numberedRunId(number)).filter(
        (id) => !listed.has(id),
      );
      expect(missed).toEqual([]);
    },
  );

  it("a list finds by status, source and time what is asked for, and counts it, also after an eviction", async () => {
    const made: RunSummary[] = [];
    const recorded: Promise<boolean>[] = [];
    for (let number = 0; number < 300; number += 1) {
      const status = RUN_STATUSES[(number * 7) % RUN_STATUSES.length] ?? "queued";
      const source = TRIGGER_SOURCES[number % TRIGGER_SOURCES.length] ?? "api";
      const summary = run(number, status, { source, createdAt: START - number * 97_000 });
      made.push(summary);
      recorded.push(record(summary, number % 2 === 0));
    }
    await Promise.all(recorded);
    await object().wake();
    const asked: RunFilter[] = [
      { statuses: ["failed"] },
      { statuses: ["failed", "cancelled"], sources: ["api", "r2"] },
      { statuses: ["queued", "running"] },
      { sources: ["lab"], createdAfter: START - 20_000_000 },
      { statuses: ["succeeded"], createdAfter: START - 17_000_000, createdBefore: START - 3_000_000 },
      { createdBefore: START - 28_000_000 },
      { createdAfter: START - 100_000, createdBefore: START - 97_000 },
    ];
    for (const isFirst of [true, false]) {
      for (const filter of asked) {
        // What was in memory is gone after the eviction.
        const there = made.filter(({ finishedAt }, number) => isFirst || finishedAt !== null || number % 2 === 0);
        const wanted = there.filter(
          ({ status, source, createdAt }) =>
            (filter.statuses?.includes(status) ?? true) &&
            (filter.sources?.includes(source) ?? true) &&
            createdAt >= (filter.createdAfter ?? 0) &&
            createdAt < (filter.createdBefore ?? Number.MAX_SAFE_INTEGER),
        );
        const found: string[] = [];
        let after: RunPlace | null = null;
        do {
          const page = await list(filter, after, 7);
          found.push(...page.runs.map(({ id }) => id));
          after = page.end;
        } while (after !== null);
        expect(found).toEqual(wanted.map(({ id }) => id));
        const counts = await countRuns(env, { task, ...filter });
        expect(counts).toEqual(
          Object.fromEntries(
            RUN_STATUSES.map((status) => [status, wanted.filter((summary) => summary.status === status).length]),
          ),
        );
      }
      await object().evict();
    }
  });
});

describe("retention", () => {
  it("retention leaves nothing of a run, and hides it from the moment it is due", async () => {
    await record(run(1, "succeeded"));
    await record(run(2, "failed", { createdAt: START + HOUR_MS }));
    vi.setSystemTime(START + 110 + RETENTION_MS);
    expect(await statuses()).toEqual({ [numberedRunId(2)]: "failed" });
    await object().wake();
    expect(await rows("runs")).toBe(1);
    vi.setSystemTime(START + 2 * HOUR_MS + RETENTION_MS);
    expect(await object().wake()).toBe(true);
    expect([await rows("runs"), await rows("days"), await object().alarmAt()]).toEqual([0, 0, null]);
    expect(await countRuns(env, { task })).toMatchObject({ succeeded: 0, failed: 0 });
  });

  it("retention does not bring back a run that tells late how it has ended", async () => {
    await record(run(1, "succeeded"));
    vi.setSystemTime(START + HOUR_MS + RETENTION_MS);
    await object().wake();
    expect(await record(run(1, "succeeded", { createdAt: START }))).toBe(true);
    expect(await rows("runs")).toBe(0);
  });

  it("retention keeps a run that tells that it is kept longer", async () => {
    await record(run(1, "succeeded"));
    await record(run(1, "succeeded", { forgetAt: START + RETENTION_MS + 48 * HOUR_MS }));
    vi.setSystemTime(START + HOUR_MS + RETENTION_MS);
    await object().wake();
    expect(await statuses()).toEqual({ [numberedRunId(1)]: "succeeded" });
    vi.setSystemTime(START + 49 * HOUR_MS + RETENTION_MS);
    await object().wake();
    expect(await rows("runs")).toBe(0);
  });

  it("retention wakes the object at most once an hour", async () => {
    await record(run(1, "succeeded"));
    const first = await object().alarmAt();
    expect(first).toBe(START + HOUR_MS);
    await record(run(2, "succeeded"));
    await object().evict();
    vi.setSystemTime(START + HOUR_MS / 2);
    await record(run(3, "succeeded"));
    expect(await object().alarmAt()).toBe(first);
  });
});

describe("what runs have counted", () => {
  async function ended(): Promise<Record<string, number>> {
    const metrics = (await runMetrics(env)).find((one) => one.task === task);
    return { ...metrics?.metrics.runs };
  }

  it("what runs have counted is the same after an eviction, after the watermark has moved, and when the runs are deleted", async () => {
    for (const number of [1, 2, 3]) await record(run(number, "succeeded"));
    await record(run(4, "failed"));
    const counted = { "ended succeeded api": 3, "ended failed api": 1, "duration 4": 4, "duration ms": 400 };
    await vi.waitFor(async () => expect(await ended()).toMatchObject(counted), 10_000);
    await object().evict();
    expect(await ended()).toMatchObject(counted);
    vi.setSystemTime(START + HOUR_MS);
    await object().wake();
    await object().evict();
    expect(await ended()).toMatchObject(counted);
    vi.setSystemTime(START + 2 * HOUR_MS + RETENTION_MS);
    await object().wake();
    await object().evict();
    expect(await rows("runs")).toBe(0);
    expect(await ended()).toMatchObject(counted);
  });

  it("what runs have counted never goes down when a run is retried, before and after the watermark has moved", async () => {
    const attempts = { [task]: { failed: 1, succeeded: 1, "4": 2, ms: 200 } };
    await record(run(1, "failed", { attempts: { [task]: { failed: 1, "4": 1, ms: 100 } } }));
    await vi.waitFor(async () => expect(await ended()).toMatchObject({ "ended failed api": 1 }), 10_000);
    await record(run(1, "running", { createdAt: START, revision: 3 }));
    expect(await ended()).toMatchObject({ "ended failed api": 1, "duration 4": 1 });
    await object().evict();
    expect(await ended()).toMatchObject({ "ended failed api": 1, "duration 4": 1 });
    vi.setSystemTime(START + HOUR_MS);
    await object().wake();
    const createdAt = START;
    await record(run(1, "succeeded", { createdAt, revision: 4, attempts, finishedAt: START + HOUR_MS }));
    const counted = { "ended failed api": 1, "ended succeeded api": 1, "duration 4": 1, "duration 15": 1 };
    expect(await ended()).toMatchObject(counted);
    await object().evict();
    expect(await ended()).toMatchObject(counted);
    const metrics = (await runMetrics(env)).find((one) => one.task === task);
    expect(metrics?.metrics.tasks).toEqual(attempts);
  });
});

describe("changes", () => {
  it("changes are told from a time on, the earliest first, also after an eviction", async () => {
    await record(run(1, "queued"));
    const { until } = await runChanges(env, task, null, 10);
    await record(run(2, "succeeded"));
    await record(run(1, "succeeded"));
    const told = async (since: number): Promise<string[]> =>
      (await runChanges(env, task, since, 10)).changes.map(({ summary }) => `${summary.id} ${summary.status}`);
    const expected = [`${numberedRunId(2)} succeeded`, `${numberedRunId(1)} succeeded`];
    expect(await told(until)).toEqual(expected);
    await object().evict();
    vi.setSystemTime(START + 2_000);
    expect(await told(until)).toEqual(expected);
    const later = await runChanges(env, task, until, 1);
    expect(later.changes).toHaveLength(1);
    expect(await told(later.until)).toEqual(expected.slice(1));
    expect(await told((await runChanges(env, task, until, 10)).until)).toEqual([]);
  });
});

describe("a busy task", () => {
  it(
    "a busy task is spread over several objects from a time on, and is listed and counted as one",
    { timeout: 60_000 },
    async () => {
      const burst = 1_001;
      await object().inside(async (_, catalog) => {
        const record = (number: number): Promise<RecordAnswer> =>
          catalog.record(run(number, "succeeded", { createdAt: START + number }), true);
        await Promise.all(Array.from({ length: burst }, (_, number) => record(number)));
      });
      const later = START + 120_000;
      vi.setSystemTime(later);
      for (let number = burst; number < burst + 40; number += 1) await record(run(number, "succeeded"));
      expect(await rows("runs")).toBeLessThan(burst + 30);
      // What was begun before stays where it is.
      await record(run(0, "failed", { createdAt: START, revision: 4 }));
      expect((await countRuns(env, { task })).succeeded).toBe(burst + 39);
      const seen: string[] = [];
      let after: RunPlace | null = null;
      do {
        const page = await list({}, after);
        seen.push(...page.runs.map(({ id }) => id));
        after = page.end;
      } while (after !== null);
      expect(seen).toHaveLength(burst + 40);
      expect(new Set(seen).size).toBe(burst + 40);
    },
  );
});

describe("what failed and what waits", () => {
  const failed = (number: number, message: string, given: Partial<RunSummary> = {}) =>
    run(number, "failed", { failure: { task: "encode", name: "Error", message }, confVersion: "v2", ...given });

  it("what failed is grouped without its values, with the last good run before, and found and counted by its group", async () => {
    const hours = (number: number) => START - number * HOUR_MS;
    for (const summary of [
      run(1, "succeeded", { createdAt: hours(9), confVersion: "v1" }),
      failed(2, "disk 17 is full", { createdAt: hours(5) }),
      failed(3, "disk 4 is full", { createdAt: hours(3) }),
      failed(4, "no such film", { createdAt: hours(2) }),
      failed(5, "disk 4 is full", { createdAt: hours(40) }),
      run(6, "succeeded", { createdAt: hours(1), confVersion: "v2" }),
    ])
      await record(summary);
    expect(await failureGroups(env, task, hours(24))).toMatchObject([
      {
        task: "encode",
        message: "disk # is full",
        count: 2,
        first: hours(5) + 110,
        last: hours(3) + 110,
        confVersions: ["v2"],
        example: { id: numberedRunId(3), message: "disk 4 is full" },
        pipelines: { [task]: 2 },
        lastGood: { id: numberedRunId(1), confVersion: "v1" },
      },
      { message: "no such film", count: 1 },
    ]);
    const ids = async (filter: RunFilter): Promise<string[]> => (await list(filter)).runs.map(({ id }) => id);
    const ofGroup = { failure: "Error: disk # is full", createdAfter: hours(24) };
    expect(await ids(ofGroup)).toEqual([numberedRunId(3), numberedRunId(2)]);
    expect(await ids({ error: "NO SUCH" })).toEqual([numberedRunId(4)]);
    expect(await ids({ failedTask: "decode" })).toEqual([]);
    expect(await ids({ ...ofGroup, statuses: ["succeeded"] })).toEqual([]);
    expect(await countRuns(env, { task, ...ofGroup })).toMatchObject({ failed: 2, succeeded: 0 });
  });

  it("what waits is listed until a later report of the same status says that nothing does, also behind a thousand runs that wait for nothing", async () => {
    const waiting = [{ task: "approve", for: "completion", until: START + HOUR_MS }] as const;
    await record(run(1, "running", { waiting, toldAt: START, createdAt: START - 2 * HOUR_MS }), true);
    await record(run(2, "running", { waiting, toldAt: START }));
    for (let number = 10; number < 620; number += 1) await record(run(number, "running"), number % 300 === 0);
    await record(run(3, "succeeded"));
    const waits = async () => (await list({ waiting: true })).runs.map(({ id }) => id);
    expect(await waits()).toEqual([numberedRunId(2), numberedRunId(1)]);
    await record(run(2, "running", { toldAt: START - 1 }));
    expect(await waits()).toEqual([numberedRunId(2), numberedRunId(1)]);
    await record(run(2, "running", { toldAt: START + 1 }));
    expect(await waits()).toEqual([numberedRunId(1)]);
    expect((await list({ waiting: true, statuses: ["succeeded"] })).runs.map(({ id }) => id)).toEqual([
      numberedRunId(3),
      numberedRunId(1),
    ]);
    const statistics = await runStatistics(env, task, { since: START - HOUR_MS, until: START + 1, intervalMs: 60_000 });
    expect(statistics.get(task)).toMatchObject({ waiting: { completion: 1, run: 0, time: 0 }, before: { running: 1 } });
    expect(statistics.get(task)?.intervals[START]).toMatchObject({ running: 611, succeeded: 1 });
  });
});
