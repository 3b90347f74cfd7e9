import { env } from "../../support/env.ts";
import { describe, expect, it, vi } from "vitest";
import { recordRun } from "../../../src/objects/catalog/catalog-client.ts";
import type { RunSummary } from "../../../src/domain/run/summary.ts";
import { newScheduleState } from "../../../src/domain/schedules/due-times.ts";
import { writeMetrics } from "../../../src/http/api/metrics-text.ts";
import { family } from "../../../src/http/api/prometheus.ts";
import { schedule } from "../../objects/schedules/clock.ts";
import { edge } from "../../support/edge.ts";
import { acceptance, HandDrivenRun, only } from "../../support/hand-driven.ts";
import { succeeded, threw } from "../../support/settlements.ts";
import { planOf, taskPlan } from "../../support/plan.ts";
import { labelsWithout, parsePrometheusText, type MetricFamily } from "../../support/prometheus-text.ts";
import { numberedRunId, summaryOf } from "../../support/summaries.ts";

const RETRIES = { limit: 1, delayMs: 0, backoff: "constant", maxDelayMs: 0, jitter: false } as const;

function planWith(task: string) {
  return planOf([taskPlan(task, { method: "scripted", retries: RETRIES })]);
}

async function scrape(): Promise<Map<string, MetricFamily>> {
  const response = await edge(planWith("any"))("/api/v1/metrics");
  expect(response.status).toBe(200);
  expect(response.headers.get("Content-Type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  return parsePrometheusText(await response.text());
}

/** The samples of a family that have these labels, by the others. */
function valuesOf(families: Map<string, MetricFamily>, name: string, task: string): Record<string, number> {
  const samples = families.get(name.replace(/_(bucket|sum|count)$/, ""))?.samples ?? [];
  return Object.fromEntries(
    samples
      .filter((sample) => sample.name === name && sample.labels["task"] === task)
      .map(({ labels, value }) => [Object.values(labelsWithout(labels, "task")).join(" "), value]),
  );
}

describe("GET /metrics", () => {
  it("GET /metrics counts runs and attempts by task and status, and how long they took", async () => {
    const task = "measured";
    const [good, bad, open] = await Promise.all(
      [1, 2, 3].map(() => HandDrivenRun.accept(acceptance(planWith(task), task))),
    );
    if (good === undefined || bad === undefined || open === undefined) throw new Error("three runs were accepted");
    const again = await good.run.settle(threw(only(good.answer.grant), { retryable: true }));
    await good.run.settle(succeeded(only(again)));
    await bad.run.settle(threw(only(bad.answer.grant)));
    await vi.waitFor(async () => {
      const families = await scrape();
      expect(valuesOf(families, "peach_runs_total", task)).toEqual({ "succeeded api": 1, "failed api": 1 });
      expect(valuesOf(families, "peach_runs_open", task)).toEqual({ queued: 0, running: 1 });
      expect(valuesOf(families, "peach_attempts_total", task)).toEqual({ succeeded: 1, failed: 2 });
      for (const name of ["peach_run_duration_seconds", "peach_run_start_delay_seconds"])
        expect(valuesOf(families, `${name}_count`, task)).toEqual({ "": 2 });
      expect(valuesOf(families, "peach_attempt_duration_seconds_count", task)).toEqual({ "": 3 });
    }, 10_000);
    await open.run.call((run) => run.cancel());
  });

  it("GET /metrics tells how long the queues are, how late schedules are, and how many dead letters there are", async () => {
    const families = await scrape();
    const queues = families.get("peach_queue_backlog_messages")?.samples.map(({ labels }) => labels["queue"]) ?? [];
    for (const queue of queues) expect(["peach-runs", "peach-r2-events", "peach-dead-letters"]).toContain(queue);
    expect(families.get("peach_schedules_behind_seconds")?.samples).toMatchObject([{ value: 0 }]);
    expect(families.get("peach_dead_letters")?.samples).toMatchObject([{ value: 0 }]);
    expect(families.get("peach_schedule_start_lag_seconds")?.type).toBe("gauge");
  });

  it("GET /metrics tells in seconds how late the last run of a schedule began, and how long the oldest message waits", () => {
    const now = Date.UTC(2027, 0, 1);
    const lastRun = { runId: numberedRunId(1), dueAt: now - 60_000, startedAt: now - 57_500 };
    const state = { ...newScheduleState(now), lastRun };
    const status = { definition: schedule({ task: "late" }), state, paused: false, waitingFor: null };
    const queue = { name: "peach-runs", count: 1, bytes: 10, oldestAt: now - 90_000 };
    const text = writeMetrics({
      runs: [],
      queues: [queue],
      schedules: [status],
      deadLetters: 0,
      recommendations: [],
      now,
    });
    const families = parsePrometheusText(text);
    expect(families.get("peach_schedule_start_lag_seconds")?.samples).toMatchObject([
      { labels: { task: "late" }, value: 2.5 },
    ]);
    expect(families.get("peach_queue_oldest_message_age_seconds")?.samples).toMatchObject([{ value: 90 }]);
  });

  it("GET /metrics tells of recommendations what was asked, how long it took in seconds, and what was clicked", () => {
    const counts = [
      { component: "shelf", counts: { served: 3, 0: 2, 1: 1, ms: 12, click: 1 }, run: null },
      { component: "fallback", counts: { click: 2 }, run: null },
    ];
    const recommendations = [{ endpoint: "home", counts }];
    const sources = { runs: [], queues: [], schedules: [], deadLetters: 0, recommendations, now: 0 };
    const families = parsePrometheusText(writeMetrics(sources));
    const samples = (family: string, sample = family) =>
      families
        .get(family)
        ?.samples.filter(({ name }) => name === sample)
        .map(({ labels, value }) => [labels["component"], value]);
    expect(samples("peach_recommendations_total")).toEqual([["shelf", 3]]);
    expect(samples("peach_recommendation_seconds", "peach_recommendation_seconds_count")).toEqual([["shelf", 3]]);
    expect(samples("peach_recommendation_seconds", "peach_recommendation_seconds_sum")).toEqual([["shelf", 0.012]]);
    expect(samples("peach_recommendation_clicks_total")).toEqual([
      ["shelf", 1],
      ["fallback", 2],
    ]);
  });

  it("GET /metrics puts durations into the bins that they belong to", async () => {
    const task = "binned";
    const createdAt = Date.now() - 100_000;
    const took = async (number: number, ms: number): Promise<void> => {
      const given: Partial<RunSummary> = { task, createdAt, startedAt: createdAt, finishedAt: createdAt + ms };
      await recordRun(env, summaryOf(numberedRunId(number), "succeeded", given), true);
    };
    for (const [number, ms] of [5, 6, 1_000, 60_000].entries()) await took(number, ms);
    await vi.waitFor(async () => {
      const families = await scrape();
      expect(valuesOf(families, "peach_run_duration_seconds_bucket", task)).toMatchObject({
        "0.005": 1,
        "0.01": 2,
        "0.5": 2,
        "1": 3,
        "60": 4,
        "+Inf": 4,
      });
      expect(valuesOf(families, "peach_run_duration_seconds_sum", task)).toEqual({ "": 61.011 });
    }, 10_000);
  });
});

describe("the text format", () => {
  it("the text format escapes what labels hold", () => {
    const value = 'a "quoted" \\ line\nand another';
    const text = family("m", "gauge", "Help.\nMore.", [{ labels: { label: value }, value: 1.5 }]);
    expect(parsePrometheusText(text).get("m")?.samples).toEqual([{ name: "m", labels: { label: value }, value: 1.5 }]);
  });

  it.each([
    ["a sample outside of its family", "# HELP a x\n# TYPE a gauge\nb 1\n"],
    ["a sample twice", '# HELP a x\n# TYPE a gauge\na{l="1"} 1\na{l="1"} 2\n'],
    ["a label that is not escaped", '# HELP a x\n# TYPE a gauge\na{l="""} 1\n'],
    [
      "a histogram that goes down",
      '# HELP a x\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
    ],
  ])("the text format is read by a reader that refuses %s", (_, text) => {
    expect(() => parsePrometheusText(text)).toThrow(/./);
  });
});
