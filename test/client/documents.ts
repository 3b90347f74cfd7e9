/** Documents as the API answers them; the scripted server holds each against what the API says of it. */
import type { DeployedTask, RunDocument, RunSummary } from "../../src/client/client.ts";

export const ACCEPTED = {
  run_id: "run_1",
  task: "t",
  status: "queued",
  deduplicated: false,
  url: "http://127.0.0.1/api/v1/runs/run_1",
} as const;

export const TASK = {
  task: "a",
  status: "running",
  reason: null,
  upstream: [],
  downstream: [],
  attempts: [],
  progress: null,
  output: null,
  waiting_for: null,
} as const;

export const RUN: RunDocument = {
  run_id: "run_1",
  task: "a",
  status: "running",
  trigger: { source: "api", by: "api", parent: null, replay_of: null },
  tags: [],
  late: false,
  created_at: "2026-11-22T00:00:00.000Z",
  started_at: "2026-11-22T00:00:01.000Z",
  finished_at: null,
  duration_ms: null,
  work_ms: 0,
  waited_ms: 0,
  rounds: 1,
  history: [{ what: "triggered", at: "2026-11-22T00:00:00.000Z", by: "api" }],
  conf_version: "1",
  tasks: [TASK, { ...TASK, task: "b", status: "pending" }],
  children: [{ run_id: "run_2", task: "c" }],
};

export const FINAL: RunDocument = {
  ...RUN,
  status: "succeeded",
  finished_at: "2026-11-22T00:00:02.000Z",
  duration_ms: 2_000,
  tasks: [
    { ...TASK, status: "succeeded" },
    { ...TASK, task: "b", status: "succeeded" },
  ],
};

export function summary(given: Partial<RunSummary>): RunSummary {
  return {
    run_id: "run_1",
    task: "a",
    status: "queued",
    source: "api",
    by: "api",
    parent: null,
    created_at: "2026-11-22T00:00:00.000Z",
    started_at: null,
    finished_at: null,
    duration_ms: null,
    failed_tasks: [],
    error: null,
    ...given,
  };
}

export const DEPLOYED_TASK: DeployedTask = {
  task: "t",
  method: "t",
  description: null,
  upstream: [],
  downstream: [],
  on: { r2: [], events: [] },
  schedules: [],
  retries: { limit: 0, delay_ms: 1_000, backoff: "exponential", max_delay_ms: 300_000, jitter: true },
  timeout_ms: 25_000,
  run_if: "all_success",
  each: null,
  concurrency: null,
  rate_limit: null,
  priority: null,
  debounce: null,
  external: false,
  dispatch: "queue",
  callable: true,
  paused: { by: "api", at: "2026-11-22T00:00:00.000Z" },
  input_schema: null,
  output_schema: null,
};
