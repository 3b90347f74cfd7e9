/** What a catalog object answers, beside the same question asked of a plain list: before its runs are counted, after, and after a reset. */
import { runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import type { RunFilter, RunPlace, RunSummary } from "../../../src/domain/run/summary.ts";
import { CatalogController } from "../../../src/objects/catalog/catalog-controller.ts";
import { CatalogStore } from "../../../src/objects/catalog/store.ts";
import { env } from "../../support/env.ts";
import { numberedRunId, summaryOf } from "../../support/summaries.ts";

const START = Date.UTC(2027, 0, 1);
const MINUTE = 60_000;
const QUARTER = 15 * MINUTE;
const NOW = START + 240 * MINUTE;
const DAY = 1_440 * MINUTE;
const STATUSES = ["succeeded", "failed", "running", "cancelled", "queued"] as const;
const SOURCES = ["api", "schedule", "event"] as const;

/** Runs of three hours, of every status and source; every other open one is in memory alone. */
const RUNS: readonly RunSummary[] = Array.from({ length: 120 }, (_, number) => {
  const status = STATUSES[number % 5] ?? "queued";
  return summaryOf(numberedRunId(number), status, {
    createdAt: START + Math.floor(number / 2) * 180_000,
    source: SOURCES[number % 3] ?? "api",
    ...(number % 4 === 0 && { tags: ["even", `of ${number % 8}`] }),
    ...(number % 7 === 0 && { late: true }),
    ...(status === "failed" && {
      failure: { task: number % 2 === 0 ? "load" : "store", name: "Error", message: `row ${number}` },
    }),
  });
});

function isKept({ status, late }: RunSummary, number: number): boolean {
  return (status !== "running" && status !== "queued") || late === true || number % 2 === 0;
}

type Wanted = (run: RunSummary) => boolean;

/** Filters, each with what it means. */
const FILTERS: readonly (readonly [string, RunFilter, Wanted])[] = [
  ["all", {}, () => true],
  ["one status", { statuses: ["succeeded"] }, ({ status }) => status === "succeeded"],
  [
    "rare statuses",
    { statuses: ["failed", "cancelled"] },
    ({ status }) => status === "failed" || status === "cancelled",
  ],
  ["open ones", { statuses: ["queued", "running"] }, ({ status }) => status === "queued" || status === "running"],
  ["a source", { sources: ["event"] }, ({ source }) => source === "event"],
  [
    "a status of two sources",
    { statuses: ["running"], sources: ["api", "event"] },
    ({ status, source }) => status === "running" && source !== "schedule",
  ],
  ["from a quarter of an hour on", { createdAfter: START + QUARTER }, ({ createdAt }) => createdAt >= START + QUARTER],
  ["before a quarter of an hour", { createdBefore: START + QUARTER }, ({ createdAt }) => createdAt < START + QUARTER],
  [
    "whole quarters",
    { createdAfter: START + QUARTER, createdBefore: START + 3 * QUARTER, statuses: ["succeeded"] },
    ({ createdAt, status }) =>
      createdAt >= START + QUARTER && createdAt < START + 3 * QUARTER && status === "succeeded",
  ],
  [
    "parts of quarters",
    { createdAfter: START + 18 * MINUTE, createdBefore: START + 48 * MINUTE, sources: ["api"] },
    ({ createdAt, source }) => createdAt >= START + 18 * MINUTE && createdAt < START + 48 * MINUTE && source === "api",
  ],
  [
    "a part of one quarter",
    { createdAfter: START + 18 * MINUTE, createdBefore: START + 21 * MINUTE },
    ({ createdAt }) => createdAt >= START + 18 * MINUTE && createdAt < START + 21 * MINUTE,
  ],
  ["tags", { tags: ["even", "of 4"] }, ({ tags }) => tags?.includes("of 4") === true],
  ["late ones", { late: true }, ({ late }) => late === true],
  [
    "those in time that failed",
    { late: false, statuses: ["failed"] },
    ({ late, status }) => late !== true && status === "failed",
  ],
  ["a failed task", { failedTask: "store" }, ({ failure }) => failure?.task === "store"],
];

function newestFirst(one: RunSummary, other: RunSummary): number {
  if (one.createdAt !== other.createdAt) return other.createdAt - one.createdAt;
  return one.id > other.id ? -1 : 1;
}

function idsOf(catalog: CatalogController, filter: RunFilter, limit: number): string[] {
  const ids: string[] = [];
  let after: RunPlace | null = null;
  let pages = 0;
  do {
    const page = catalog.list(filter, after, limit);
    expect(page.runs.length).toBeLessThanOrEqual(limit);
    ids.push(...page.runs.map(({ id }) => id));
    after = page.end;
    pages += 1;
  } while (after !== null && pages < 1_000);
  return ids;
}

/** Asks for these runs and their counts, and compares with the answers of a plain list. */
function expectAnswers(catalog: CatalogController, runs: readonly RunSummary[], filter: RunFilter): void {
  const wanted = runs.toSorted(newestFirst);
  for (const limit of [1_000, 7]) expect(idsOf(catalog, filter, limit)).toEqual(wanted.map(({ id }) => id));
  const counts = STATUSES.map((status) => [status, wanted.filter((run) => run.status === status).length]);
  expect(catalog.count(filter).counts).toEqual(Object.fromEntries(counts));
}

function withCatalog(
  task: string,
  use: (kit: {
    readonly begin: () => CatalogController;
    readonly host: { at: number; readonly alarms: number[] };
  }) => void,
): Promise<void> {
  return runInDurableObject(env.CATALOG.getByName(task), (_, { storage }) => {
    const host = { at: NOW, alarms: Array.of<number>() };
    use({
      host,
      begin: () =>
        new CatalogController(
          new CatalogStore(storage, "busy"),
          { task: "busy", shard: 0 },
          {
            now: () => host.at,
            setAlarm: (at) => void host.alarms.push(at),
            register: async () => undefined,
            waitUntil: () => undefined,
            failed: (what, error) => {
              throw new Error(what, { cause: error });
            },
          },
          null,
        ),
    });
  });
}

it.each(FILTERS)(
  "a catalog lists and counts %s, page by page: as reported, once it has counted its runs, and after a reset",
  (name, filter, isWanted) =>
    withCatalog(`asked ${name}`, ({ begin }) => {
      const catalog = begin();
      for (const [number, run] of RUNS.entries()) catalog.record(run, isKept(run, number));
      expectAnswers(catalog, RUNS.filter(isWanted), filter);
      catalog.alarm(NOW);
      expectAnswers(catalog, RUNS.filter(isWanted), filter);
      const kept = RUNS.filter(isKept);
      expect(kept.length).toBeLessThan(RUNS.length);
      expectAnswers(begin(), kept.filter(isWanted), filter);
    }),
);

it("a catalog tells changes a few at a time, each run with its last one, from memory and from its tables", () =>
  withCatalog("changed", ({ begin, host }) => {
    const catalog = begin();
    host.at += 2_000;
    for (const run of RUNS.slice(0, 60))
      catalog.record({ ...run, revision: 0, status: "queued", finishedAt: null, forgetAt: null }, true);
    const { until: from } = catalog.changes(null, 10);
    const changed = RUNS.slice(10, 40);
    for (const run of changed) catalog.record({ ...run, revision: 5 }, true);
    const told = (one: CatalogController, limit: number): string[] => {
      const ids: string[] = [];
      for (let since = from, before = -1; since !== before;) {
        const { changes, until } = one.changes(since, limit);
        ids.push(...changes.map(({ summary }) => summary.id));
        before = changes.length < limit ? until : since;
        since = until;
      }
      return ids;
    };
    const ids = changed.map(({ id }) => id);
    for (const limit of [100, 7]) expect(told(catalog, limit)).toEqual(ids);
    for (const limit of [100, 7]) expect(told(begin(), limit)).toEqual(ids);
  }));

it("a catalog counts the end of a run once that is reported again, kept longer or late", () =>
  withCatalog("counted_once", ({ begin }) => {
    const catalog = begin();
    const ended = summaryOf(numberedRunId(1), "succeeded", { createdAt: START });
    catalog.record(ended, true);
    catalog.record({ ...ended, forgetAt: (ended.forgetAt ?? 0) + DAY }, true);
    const late = summaryOf(numberedRunId(2), "running", { createdAt: START, late: true });
    catalog.record(late, true);
    catalog.record({ ...late, revision: late.revision + 1 }, true);
    const { runs } = catalog.metrics().metrics;
    expect([runs["ended succeeded api"], runs["late"]]).toEqual([1, 1]);
    expect(begin().metrics().metrics.runs).toEqual(runs);
  }));

it("a catalog forgets two hundred quarters of an hour at once, and the rest a second later", () =>
  withCatalog("forgetting", ({ begin, host }) => {
    const catalog = begin();
    for (let number = 0; number < 201; number += 1)
      catalog.record(
        summaryOf(numberedRunId(number), "succeeded", { createdAt: START - number * QUARTER, forgetAt: NOW + 10 }),
        true,
      );
    // An open run is never due.
    catalog.record(summaryOf(numberedRunId(999), "running", { createdAt: START }), true);
    catalog.alarm(NOW);
    host.at = NOW + 10;
    catalog.alarm(host.at);
    expect([catalog.count({}).counts.succeeded, host.alarms.at(-1)]).toEqual([1, host.at + 1_000]);
    host.at += 1_000;
    const before = host.alarms.length;
    catalog.alarm(host.at);
    expect(catalog.count({}).counts).toMatchObject({ succeeded: 0, running: 1 });
    expect(host.alarms.slice(before).filter((at) => at < host.at + 60 * MINUTE)).toEqual([]);
  }));

it("a catalog finds what failed behind hundreds of other failures, with the last success of older code", () =>
  withCatalog("far_down", ({ begin }) => {
    const catalog = begin();
    const failed = (number: number, task: string) =>
      summaryOf(numberedRunId(number), "failed", {
        createdAt: START + number,
        failure: { task, name: "Error", message: "boom" },
      });
    catalog.record(summaryOf(numberedRunId(0), "succeeded", { createdAt: START }), true);
    catalog.record(failed(1, "load"), true);
    for (let number = 2; number < 530; number += 1) catalog.record(failed(number, "store"), true);
    expect(idsOf(catalog, { failedTask: "load" }, 10)).toEqual([numberedRunId(1)]);
    const [, group] = catalog.failures(START).groups;
    expect(group?.lastGood).toStrictEqual({ id: numberedRunId(0), createdAt: START, confVersion: null });
  }));

it("a catalog tells no change where a run reports the same again", () =>
  withCatalog("unchanged", ({ begin, host }) => {
    const catalog = begin();
    host.at += 2_000;
    const { until } = catalog.changes(null, 10);
    const run = summaryOf(numberedRunId(1), "succeeded", { createdAt: START });
    for (let times = 0; times < 3; times += 1) expect(catalog.record(run, true)).toBe(true);
    expect(catalog.changes(until, 10).changes).toHaveLength(1);
  }));
