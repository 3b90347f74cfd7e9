/**
 * Writes the metrics of `/metrics`. Counters come from the catalog's totals, and never fall when
 * runs are deleted or retried.
 */
import { type Counts, DURATION_BOUNDS_MS, sumOfMetrics } from "../../domain/run/metrics.ts";
import { binsOf, OUTCOMES, SERVING_BOUNDS_MS } from "../../domain/recommendations/statistics.ts";
import { ATTEMPT_STATUSES } from "../../domain/statuses.ts";
import type { MetricsAnswer } from "../../objects/catalog/catalog-rpc.ts";
import type { ScheduleStatus } from "../../objects/schedules/schedules-rpc.ts";
import { type QueueBacklog, scheduleLagMs } from "./backlog.ts";
import type { EndpointCounts } from "./recommendations.ts";
import { type HistogramSample, type Sample, family, histogram } from "./prometheus.ts";

/** The measured values, read by the handler. */
export interface MetricsSources {
  readonly runs: readonly MetricsAnswer[];
  readonly queues: readonly QueueBacklog[];
  readonly schedules: readonly ScheduleStatus[];
  readonly deadLetters: number;
  readonly recommendations: readonly EndpointCounts[];
  /** Current time in epoch milliseconds. */
  readonly now: number;
}

/** Upper bounds of the buckets of a histogram. */
const BOUNDS_SECONDS = DURATION_BOUNDS_MS.map(seconds);

/** Writes all families in the Prometheus text format. */
export function writeMetrics({
  runs,
  queues,
  schedules,
  deadLetters,
  recommendations,
  now,
}: MetricsSources): string {
  return [
    runFamilies(runs),
    attemptFamilies(sumOfMetrics(runs.map(({ metrics }) => metrics)).tasks),
    queueFamilies(queues, now),
    scheduleFamilies(schedules, now),
    family("peach_dead_letters", "gauge", "Dead letters that nobody has redriven or deleted.", [
      { labels: {}, value: deadLetters },
    ]),
    recommendationFamilies(recommendations),
  ].join("");
}

/** Writes families of recommendation endpoints, by endpoint and component. */
function recommendationFamilies(endpoints: readonly EndpointCounts[]): string {
  const requests: Sample[] = [];
  const clicks: Sample[] = [];
  const durations: HistogramSample[] = [];
  for (const { endpoint, counts: all } of endpoints)
    for (const { component, counts } of all) {
      const labels = { endpoint, component };
      for (const outcome of OUTCOMES) {
        const value = counts[outcome];
        if (value !== undefined) requests.push({ labels: { ...labels, outcome }, value });
      }
      if (counts["click"] !== undefined) clicks.push({ labels, value: counts["click"] });
      const bins = binsOf(counts);
      if (bins.some((bin) => bin > 0))
        durations.push({ labels, bins, sum: seconds(counts["ms"] ?? 0) });
    }
  return [
    family(
      "peach_recommendations_total",
      "counter",
      "Requests of recommendation endpoints, by component and outcome.",
      requests,
    ),
    histogram(
      "peach_recommendation_seconds",
      "How long requests of recommendation endpoints took, by component.",
      SERVING_BOUNDS_MS.map(seconds),
      durations,
    ),
    family(
      "peach_recommendation_clicks_total",
      "counter",
      "Clicks that countClick has counted, by what had answered.",
      clicks,
    ),
  ].join("");
}

/** Writes families of runs, by root task. */
function runFamilies(answers: readonly MetricsAnswer[]): string {
  const byTask = Map.groupBy(answers, ({ task }) => task);
  const ended: Sample[] = [];
  const open: Sample[] = [];
  const late: Sample[] = [];
  const durations: HistogramSample[] = [];
  const delays: HistogramSample[] = [];
  for (const [task, parts] of byTask) {
    const { runs } = sumOfMetrics(parts.map(({ metrics }) => metrics));
    for (const [name, value] of Object.entries(runs)) {
      const [kind, status = "", source = ""] = name.split(" ");
      if (kind === "ended") ended.push({ labels: { task, status, source }, value });
      if (kind === "late") late.push({ labels: { task }, value });
    }
    for (const status of ["queued", "running"] as const)
      open.push({
        labels: { task, status },
        value: parts.reduce((sum, part) => sum + part.open[status], 0),
      });
    durations.push(observed({ task }, runs, "duration "));
    delays.push(observed({ task }, runs, "delay "));
  }
  return [
    family(
      "peach_runs_total",
      "counter",
      "Runs that have ended, by root task; a retried run ends again.",
      ended,
    ),
    family("peach_runs_open", "gauge", "Runs that are not final, by root task.", open),
    family(
      "peach_runs_late_total",
      "counter",
      "Runs that were not final by `late_after`, by root task; a retried run may be late again.",
      late,
    ),
    histogram(
      "peach_run_duration_seconds",
      "Time at work in the last round of a run: no waits, and attempts side by side once.",
      BOUNDS_SECONDS,
      durations,
    ),
    histogram(
      "peach_run_start_delay_seconds",
      "From a trigger to the first attempt.",
      BOUNDS_SECONDS,
      delays,
    ),
  ].join("");
}

/** Writes families of attempts, by task. */
function attemptFamilies(tasks: Readonly<Record<string, Counts>>): string {
  const attempts: Sample[] = [];
  const durations: HistogramSample[] = [];
  for (const [task, counts] of Object.entries(tasks)) {
    for (const status of ATTEMPT_STATUSES) {
      const value = counts[status];
      if (value !== undefined) attempts.push({ labels: { task, status }, value });
    }
    durations.push(observed({ task }, counts, ""));
  }
  return [
    family(
      "peach_attempts_total",
      "counter",
      "Attempts that have ended, of runs that have, by task.",
      attempts,
    ),
    histogram(
      "peach_attempt_duration_seconds",
      "How long attempts took, by task.",
      BOUNDS_SECONDS,
      durations,
    ),
  ].join("");
}

/** Writes families of the queues. Values that the platform does not report are left out. */
function queueFamilies(queues: readonly QueueBacklog[], now: number): string {
  const samples = (valueOf: (queue: QueueBacklog) => number | null): Sample[] =>
    queues.flatMap((queue) => {
      const value = valueOf(queue);
      return value === null ? [] : [{ labels: { queue: queue.name }, value }];
    });
  return [
    family(
      "peach_queue_backlog_messages",
      "gauge",
      "Messages that wait.",
      samples(({ count }) => count),
    ),
    family(
      "peach_queue_backlog_bytes",
      "gauge",
      "Bytes of the messages that wait.",
      samples(({ bytes }) => bytes),
    ),
    family(
      "peach_queue_oldest_message_age_seconds",
      "gauge",
      "How long the oldest message has waited.",
      samples(({ count, oldestAt }) =>
        oldestAt === null ? (count === 0 ? 0 : null) : seconds(Math.max(0, now - oldestAt)),
      ),
    ),
  ].join("");
}

/** Writes families of schedules. */
function scheduleFamilies(schedules: readonly ScheduleStatus[], now: number): string {
  const started = schedules.flatMap(
    ({ definition: { task, cron, timezone }, state: { lastRun } }): Sample[] =>
      lastRun === null
        ? []
        : [
            {
              labels: { task, cron, timezone },
              value: seconds(Math.max(0, lastRun.startedAt - lastRun.dueAt)),
            },
          ],
  );
  return [
    family(
      "peach_schedules_behind_seconds",
      "gauge",
      "How late the latest due time is that nobody has looked at.",
      [{ labels: {}, value: seconds(scheduleLagMs(schedules, now)) }],
    ),
    family(
      "peach_schedule_start_lag_seconds",
      "gauge",
      "From the due time to the start, of the run that a schedule started last.",
      started,
    ),
  ].join("");
}

/** Builds a histogram sample from the catalog's counts, whose keys have this prefix. */
function observed(
  labels: Readonly<Record<string, string>>,
  counts: Counts,
  prefix: string,
): HistogramSample {
  const bins = Array.from(
    { length: DURATION_BOUNDS_MS.length + 1 },
    (_, bin) => counts[`${prefix}${bin}`] ?? 0,
  );
  return { labels, bins, sum: seconds(counts[`${prefix}ms`] ?? 0) };
}

/** Prometheus counts time in seconds. */
function seconds(milliseconds: number): number {
  return milliseconds / 1_000;
}
