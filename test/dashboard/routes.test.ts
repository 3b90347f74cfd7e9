import { describe, expect, it } from "vitest";
import {
  filtersFromQuery,
  filtersToApi,
  filtersToQuery,
  matchesFilters,
  NO_FILTERS,
  parseRoute,
  recommendationsPath,
  type RunFilters,
  runPath,
  runsPath,
  triggersPath,
} from "../../src/dashboard/routes.ts";
import { summary, time } from "./support.ts";

describe("a path", () => {
  it.each([
    ["/dashboard", { page: "now" }],
    ["/dashboard/", { page: "now" }],
    ["/dashboard/pipelines/a%20b", { page: "pipeline", name: "a b" }],
    ["/dashboard/compare", { page: "compare" }],
    ["/dashboard/pipelines", { page: "not-found", path: "/dashboard/pipelines" }],
    ["/dashboard/runs", { page: "runs" }],
    ["/dashboard/runs/run_1", { page: "run", runId: "run_1" }],
    ["/dashboard/triggers", { page: "triggers", section: "tasks", name: null }],
    ["/dashboard/triggers/events/a%2Fb", { page: "triggers", section: "events", name: "a/b" }],
    ["/dashboard/recommendations", { page: "recommendations", name: null }],
    ["/dashboard/recommendations/for%20you", { page: "recommendations", name: "for you" }],
    ["/dashboard/health", { page: "health" }],
    ["/dashboard/nothing", { page: "not-found", path: "/dashboard/nothing" }],
    ["/dashboard/limits/x", { page: "not-found", path: "/dashboard/limits/x" }],
    ["/dashboard/triggers/x", { page: "not-found", path: "/dashboard/triggers/x" }],
    ["/dashboard/runs/a/b/c", { page: "not-found", path: "/dashboard/runs/a/b/c" }],
    ["/dashboard/runs/%", { page: "run", runId: "%" }],
  ])("%s is a page", (path, route) => {
    expect(parseRoute(path)).toEqual(route);
  });

  it("a path leads back to what it was made of, however it is called", () => {
    const name = "a/ö?#&";
    const pathOf = (href: string): string => new URL(href, "http://x").pathname;
    expect(parseRoute(pathOf(triggersPath("endpoints", name)))).toMatchObject({ section: "endpoints", name });
    expect(parseRoute(pathOf(recommendationsPath(name)))).toEqual({ page: "recommendations", name });
    expect(parseRoute(pathOf(runPath(name, "t")))).toEqual({ page: "run", runId: name });
  });
});

describe("the filters of a list", () => {
  const ALL: RunFilters = {
    task: "a & b",
    statuses: ["running", "failed"],
    source: "r2",
    span: "24h",
    from: "2026-11-30T10:00:00.000Z",
    to: "2026-11-30T11:00:00.000Z",
    idempotencyKey: "k=1",
    failedTask: "encode",
    error: "no space",
    failure: "Error: disk # is full",
    tags: ["lang:de", "a, b"],
    late: false,
    payload: ["film.id=7", "a=b&c"],
  };

  it("the filters of a list come out of the address as they went in", () => {
    expect(filtersFromQuery(new URLSearchParams(filtersToQuery(ALL)))).toEqual(ALL);
    expect(filtersToQuery(NO_FILTERS)).toBe("");
    expect(runsPath()).toBe("/dashboard/runs");
  });

  it("the filters of a list leave out what they do not know", () => {
    const query = new URLSearchParams("status=done,failed&source=fax&span=1y&task=&key=");
    expect(filtersFromQuery(query)).toEqual({ ...NO_FILTERS, statuses: ["failed"] });
  });

  it("the filters of a list are the query of the API", () => {
    const query = new URLSearchParams(filtersToApi(ALL, Date.parse("2026-11-22T10:00:00Z")));
    expect(Object.fromEntries(query)).toEqual({
      task: "a & b",
      status: "running,failed",
      source: "r2",
      created_after: "2026-11-30T10:00:00.000Z",
      created_before: "2026-11-30T11:00:00.000Z",
      idempotency_key: "k=1",
      failed_task: "encode",
      error: "no space",
      failure: "Error: disk # is full",
      late: "false",
      tag: "a, b",
    });
    expect(query.getAll("tag")).toEqual(["lang:de", "a, b"]);
    const ofSpan = new URLSearchParams(
      filtersToApi({ ...NO_FILTERS, span: "24h" }, Date.parse("2026-11-22T10:00:00Z")),
    );
    expect(Object.fromEntries(ofSpan)).toEqual({ created_after: "2026-11-21T10:00:00.000Z" });
  });

  it("the filters of a list say which run belongs into the list", () => {
    const run = summary({ task: "encode", status: "failed", source: "r2" });
    const fits = (filters: Partial<RunFilters>): boolean =>
      matchesFilters(run, { ...NO_FILTERS, ...filters }, time(7_200_000));
    expect(fits({})).toBe(true);
    expect(fits({ task: "encode", statuses: ["failed"], source: "r2", span: "24h" })).toBe(true);
    expect(fits({ task: "other" })).toBe(false);
    expect(fits({ tags: ["lang:de"] })).toBe(false);
    const tagged = summary({ tags: ["lang:de", "vip"] });
    const hasTags = (tags: readonly string[]): boolean =>
      matchesFilters(tagged, { ...NO_FILTERS, tags }, time(7_200_000));
    expect([hasTags(["vip", "lang:de"]), hasTags(["vip", "lang"])]).toEqual([true, false]);
    const late = summary({ late: true });
    for (const [one, wanted, fit] of [
      [late, true, true],
      [late, false, false],
      [run, true, false],
      [run, false, true],
    ] as const)
      expect(matchesFilters(one, { ...NO_FILTERS, late: wanted }, time(7_200_000))).toBe(fit);
    expect(fits({ statuses: ["running"] })).toBe(false);
    expect(fits({ source: "api" })).toBe(false);
    expect(fits({ span: "1h" })).toBe(false);
    expect(fits({ idempotencyKey: "k" })).toBe(false);
    expect(fits({ statuses: ["waiting"] })).toBe(false);
    expect(fits({ error: "e" })).toBe(false);
    expect(fits({ payload: ["a=b"] })).toBe(false);
    const waiting = { ...summary({ task: "encode", status: "running" }), waiting: [] };
    expect(matchesFilters(waiting, { ...NO_FILTERS, statuses: ["waiting"] }, time(0))).toBe(true);
  });
});
