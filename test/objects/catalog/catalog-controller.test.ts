/** The decisions of a catalog object over its real tables: the clock, the alarm and the directory are made up. */
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { RunSummary } from "../../../src/domain/run/summary.ts";
import { CatalogController } from "../../../src/objects/catalog/catalog-controller.ts";
import { CatalogStore } from "../../../src/objects/catalog/store.ts";
import { env } from "../../support/env.ts";
import { numberedRunId, RETENTION_MS, summaryOf } from "../../support/summaries.ts";

const START = Date.UTC(2027, 0, 1);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** What the controller has asked of the platform. */
class MadeUpHost {
  at = START;
  readonly alarms: number[] = [];
  readonly failures: string[] = [];
  registrations = 0;
  isDirectoryAway = false;
  #work: Promise<void> = Promise.resolve();

  now(): number {
    return this.at;
  }

  setAlarm(at: number): void {
    this.alarms.push(at);
  }

  async register(): Promise<void> {
    this.registrations += 1;
    if (this.isDirectoryAway) throw new Error("the directory is away");
  }

  waitUntil(work: Promise<void>): void {
    this.#work = Promise.all([this.#work, work]).then(() => undefined);
  }

  failed(what: string): void {
    this.failures.push(what);
  }

  async worked(): Promise<void> {
    await this.#work;
  }
}

interface Kit {
  readonly host: MadeUpHost;
  readonly store: CatalogStore;
  /** A controller of this shard over the same tables, as after a reset. */
  readonly begin: (shard?: number) => CatalogController;
  readonly breakTables: () => void;
}

let tests = 0;

function withCatalog(use: (kit: Kit) => Promise<void> | void): Promise<void> {
  tests += 1;
  const task = `decided_${tests}`;
  return runInDurableObject(env.CATALOG.getByName(task), async (_, { storage }) => {
    const host = new MadeUpHost();
    const store = new CatalogStore(storage, task);
    await use({
      host,
      store,
      begin: (shard = 0) => new CatalogController(new CatalogStore(storage, task), { task, shard }, host, null),
      breakTables: () => void storage.sql.exec("DROP TABLE runs"),
    });
  });
}

function run(number: number, status: RunSummary["status"], given: Partial<RunSummary> = {}): RunSummary {
  return summaryOf(numberedRunId(number), status, { createdAt: START, ...given });
}

describe("the task of a catalog", () => {
  it("the task of a catalog is registered once, with the first report, also over resets", () =>
    withCatalog(async ({ host, begin }) => {
      const catalog = begin();
      expect(host.registrations).toBe(0);
      catalog.record(run(1, "queued"), false);
      catalog.record(run(2, "queued"), false);
      await host.worked();
      begin().record(run(3, "queued"), false);
      await host.worked();
      expect([host.registrations, host.failures]).toEqual([1, []]);
    }));

  it("the task of a catalog is registered again with the next report where the directory was away", () =>
    withCatalog(async ({ host, begin }) => {
      const catalog = begin();
      host.isDirectoryAway = true;
      catalog.record(run(1, "queued"), false);
      await host.worked();
      expect(host.failures).toEqual(["to register a catalog"]);
      host.isDirectoryAway = false;
      catalog.record(run(2, "queued"), false);
      await host.worked();
      catalog.record(run(3, "queued"), false);
      await host.worked();
      expect(host.registrations).toBe(2);
    }));

  it("the task of a catalog is registered by its first object alone", () =>
    withCatalog(async ({ host, begin }) => {
      begin(1).record(run(1, "queued"), true);
      await host.worked();
      expect(host.registrations).toBe(0);
    }));
});

describe("the alarm of a catalog", () => {
  it.each([
    ["to be forgotten in ten seconds: in a minute", 10_000, MINUTE],
    ["to be forgotten in half an hour: then", HOUR / 2, HOUR / 2],
    ["to be forgotten in a month: in an hour, to count it", RETENTION_MS, HOUR],
  ])("the alarm of a catalog is set with a run that is %s", (_, forgottenIn, alarmIn) =>
    withCatalog(({ host, begin }) => {
      begin().record(run(1, "succeeded", { forgetAt: START + forgottenIn }), false);
      expect(host.alarms).toEqual([START + alarmIn]);
    }),
  );

  it("the alarm of a catalog is not set for a run that is in memory alone", () =>
    withCatalog(({ host, begin }) => {
      begin().record(run(1, "running"), false);
      expect(host.alarms).toEqual([]);
    }));

  it("the alarm of a catalog comes for what expires next, and an hour later at most while there are runs to count", () =>
    withCatalog(({ host, begin }) => {
      const catalog = begin();
      catalog.record(run(1, "succeeded", { forgetAt: START + RETENTION_MS }), false);
      host.at = START + 5_000;
      catalog.alarm(START);
      // Above the watermark, which is ten seconds behind.
      expect(host.alarms.at(-1)).toBe(host.at + HOUR);
      host.at = START + HOUR;
      catalog.alarm(host.at);
      expect(host.alarms.at(-1)).toBe(START + RETENTION_MS);
      host.at = START + RETENTION_MS;
      catalog.alarm(host.at);
      expect([catalog.count({}).counts.succeeded, host.alarms.length]).toEqual([0, 3]);
    }));

  it("the alarm of a catalog that fails is told, and comes again in a minute", () =>
    withCatalog(({ host, begin, breakTables }) => {
      const catalog = begin();
      catalog.record(run(1, "succeeded"), false);
      breakTables();
      catalog.alarm(START + HOUR);
      expect([host.failures, host.alarms.at(-1)]).toEqual([["the alarm of a catalog"], START + MINUTE]);
    }));
});

describe("the changes of a catalog", () => {
  it("the changes of a catalog have a time each, later than all that was told before", () =>
    withCatalog(({ host, begin }) => {
      const catalog = begin();
      host.at += 2_000;
      for (const number of [1, 2, 3]) catalog.record(run(number, "queued"), false);
      const { until } = catalog.changes(null, 10);
      expect(until).toBe(START + 2_002);
      catalog.record(run(4, "queued"), false);
      // The clock is set back: what comes now is later all the same.
      host.at = START;
      catalog.record(run(5, "queued"), false);
      const told = catalog.changes(until, 10);
      expect(told.changes.map(({ summary }) => summary.id)).toEqual([numberedRunId(4), numberedRunId(5)]);
      expect(told.until).toBe(START + 2_004);
    }));

  it("the changes of a catalog are told a few at a time, up to the last that was told", () =>
    withCatalog(({ host, begin }) => {
      const catalog = begin();
      host.at += 2_000;
      const { until: from } = catalog.changes(null, 10);
      for (const number of [1, 2, 3]) catalog.record(run(number, "queued"), false);
      const first = catalog.changes(from, 2);
      expect(first.changes).toHaveLength(2);
      expect(catalog.changes(first.until, 2).changes.map(({ summary }) => summary.id)).toEqual([numberedRunId(3)]);
    }));
});

describe("a stored summary", () => {
  const least = run(1, "queued", { startedAt: null });

  it.each<[string, RunSummary, { readonly durationMs?: undefined }]>([
    ["with the least", least, {}],
    [
      "with all there is",
      run(2, "failed", {
        parent: { runId: numberedRunId(9), task: "parent" },
        tags: ["a"],
        late: true,
        durationMs: 7,
        failure: { task: "load", name: "Error", message: "boom" },
        confVersion: "v1",
        problem: "run_unreadable",
      }),
      {},
    ],
    [
      "of what waits",
      run(4, "running", { waiting: [{ task: "approve", for: "completion", until: START + 1 }], toldAt: START }),
      {},
    ],
    [
      "whose duration is that from start to end, which is not stored twice",
      run(3, "succeeded", { durationMs: 100 }),
      { durationMs: undefined },
    ],
  ])("a stored summary comes back as it was told: %s", (_, summary, but) =>
    withCatalog(({ store }) => {
      store.put({ summary, changedAt: START, earlier: {} });
      const kept = store.read(summary);
      expect(JSON.parse(JSON.stringify(kept?.summary))).toEqual(
        JSON.parse(JSON.stringify({ ...summary, ...but, task: kept?.summary.task })),
      );
      expect([kept?.changedAt, kept?.earlier]).toEqual([START, {}]);
    }),
  );
});
