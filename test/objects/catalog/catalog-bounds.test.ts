/** What keeps a catalog small and its lists true: runs that died unheard, bursts, and tasks with millions of runs. */
import { driven } from "../../support/driven-object.ts";
import { env } from "../../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { countRuns, findRuns, recordRun } from "../../../src/objects/catalog/catalog-client.ts";
import type { CatalogRpc, ListAnswer, RecordAnswer } from "../../../src/objects/catalog/catalog-rpc.ts";
import { CatalogStore } from "../../../src/objects/catalog/store.ts";
import { BUCKET_MS, bucketOf, BUCKETS_A_DAY, BucketedCounts } from "../../../src/objects/catalog/run-counts.ts";
import type { RunPlace, RunSummary } from "../../../src/domain/run/summary.ts";
import { numberedRunId, RETENTION_MS, summaryOf } from "../../support/summaries.ts";

const START = Date.UTC(2027, 0, 1);
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Each test has a task of its own. */
let task = "";
let tests = 0;
const object = () => driven(env.CATALOG.getByName(task));
const run = (number: number, status: Parameters<typeof summaryOf>[1], given: Partial<RunSummary> = {}) =>
  summaryOf(numberedRunId(number), status, { task, ...given });

async function listed(): Promise<readonly string[]> {
  return (await findRuns(env, { task }, null, 200)).runs.map(({ id }) => id);
}

function inStore<T>(use: (store: CatalogStore) => T): Promise<T> {
  return object().inside(({ storage }) => use(new CatalogStore(storage, task)));
}

beforeEach(() => {
  vi.setSystemTime(START);
  tests += 1;
  task = `bounded_${tests}`;
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a run that is not final and is not heard of any more", () => {
  it("a run that is not final and is not heard of any more is not listed as running for ever: after an hour it is left out", async () => {
    await recordRun(env, run(1, "running"), false);
    await recordRun(env, run(2, "succeeded"), false);
    vi.setSystemTime(START + HOUR_MS - MINUTE_MS);
    await object().wake();
    expect((await listed()).toSorted()).toEqual([numberedRunId(1), numberedRunId(2)].toSorted());
    vi.setSystemTime(START + HOUR_MS + MINUTE_MS);
    await recordRun(env, run(3, "running"), false);
    await object().wake();
    expect((await listed()).toSorted()).toEqual([numberedRunId(2), numberedRunId(3)].toSorted());
    expect(await countRuns(env, { task })).toMatchObject({ running: 1, succeeded: 1 });
  });
});

describe("runs that have all just begun", () => {
  it(
    "runs that have all just begun stay in memory up to 20,000: one more is kept at once, and survives the object",
    { timeout: 120_000 },
    async () => {
      const most = 20_000;
      const created = (number: number): number => START + number;
      const answers = await object().inside(async (_, catalog) => {
        const record = (number: number): Promise<RecordAnswer> =>
          catalog.record(run(number, "running", { createdAt: created(number) }), false);
        return Promise.all(ordinals(0, most).map(record));
      });
      // The task is busy: from a minute on its runs are spread. Those here were created before.
      expect(answers.filter((answer) => answer === true)).toEqual([]);
      expect(await recordRun(env, run(most, "running", { createdAt: START - 1 }), false)).toBe(true);
      await object().evict();
      expect(await listed()).toEqual([numberedRunId(most)]);
    },
  );
});

describe("a task with more than three million runs", () => {
  it("a task with more than three million runs is spread over more objects, so that none outgrows its 10 GB", async () => {
    await recordRun(env, run(1, "succeeded", { createdAt: START - 3 * 86_400_000 }), false);
    // Its counts, as they are after three million runs of one day.
    await inStore((store) => {
      const bucket = bucketOf(START - 2 * 86_400_000);
      const counts = new BucketedCounts();
      const runs = { status: "succeeded", source: "api", runs: 3_000_001 } as const;
      counts.add([{ bucket, ...runs, forgetFrom: START + RETENTION_MS, changedAt: START }]);
      store.putDay(Math.floor(bucket / BUCKETS_A_DAY), counts.writeDay(Math.floor(bucket / BUCKETS_A_DAY)));
      store.putState("watermark", (bucket + 1) * BUCKET_MS);
    });
    await object().evict();
    await object().wake();
    const later = START + 2 * MINUTE_MS;
    vi.setSystemTime(later);
    for (const number of ordinals(10, 50)) await recordRun(env, run(number, "succeeded", { createdAt: later }), false);
    const inFirst = await inStore((store) => [...store.each(later, later + 1)].length);
    expect(inFirst).toBeGreaterThan(0);
    expect(inFirst).toBeLessThan(30);
    expect((await findRuns(env, { task, createdAfter: later }, null, 200)).runs).toHaveLength(40);
  });
});

describe("pages of a task that is spread", () => {
  /** Two objects that have every other run; one of them looks through three runs at most before it answers with what it has found. */
  function spread(all: readonly RunSummary[]): Env {
    const part = (shard: number): Pick<CatalogRpc, "list"> => ({
      async list(_filter, after, limit): Promise<ListAnswer> {
        const mine = all.filter((_, index) => index % 2 === shard);
        const begin = after === null ? 0 : mine.findIndex((one) => isAfter(after, one));
        const left = begin === -1 ? [] : mine.slice(begin);
        const seen = shard === 0 ? left.slice(0, 3) : left;
        const runs = seen.filter(({ status }) => status === "failed").slice(0, limit);
        const last = runs.length === limit ? runs.at(-1) : seen.at(-1);
        const isEnd = runs.length < limit && seen.length === left.length;
        return { runs, end: isEnd || last === undefined ? null : last, shards: shard === 0 ? 2 : 1 };
      },
    });
    const CATALOG = { getByName: (name: string) => part(name === task ? 0 : 1) };
    // oxlint-disable-next-line typescript/consistent-type-assertions
    return { ...env, CATALOG } as unknown as Env;
  }

  it("pages of a task that is spread show each run once and in order, also where one object has not looked as far as the other", async () => {
    const all = ordinals(0, 40).map((number) =>
      // The first object has its failed runs far down, the second has them all along.
      run(number, number % 2 === 1 || number > 30 ? "failed" : "succeeded", { createdAt: START - number }),
    );
    const bindings = spread(all);
    const seen: string[] = [];
    let after: RunPlace | null = null;
    do {
      const page = await findRuns(bindings, { task, statuses: ["failed"] }, after, 5);
      seen.push(...page.runs.map(({ id }) => id));
      after = page.end;
    } while (after !== null);
    expect(seen).toEqual(all.filter(({ status }) => status === "failed").map(({ id }) => id));
  });
});

describe("what is kept of a run", () => {
  it("what is kept of a run is not written over by what it has told before", async () => {
    const kept = await inStore((store) => {
      const rows = [run(1, "failed", { revision: 3 }), run(1, "running", { revision: 2 })];
      for (const summary of rows) store.put({ summary, changedAt: START, earlier: {} });
      return store.read(run(1, "failed"))?.summary.status;
    });
    expect(kept).toBe("failed");
  });
});

function ordinals(from: number, until: number): number[] {
  return Array.from({ length: until - from }, (_, index) => from + index);
}

function isAfter(place: RunPlace, one: RunPlace): boolean {
  return one.createdAt < place.createdAt || (one.createdAt === place.createdAt && one.id < place.id);
}
