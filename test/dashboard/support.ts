/** Builders of what the API answers. */
import type { RunSummary } from "../../src/contract/run-lists.ts";
import type { Attempt, TaskOfRun } from "../../src/contract/run.ts";

const BASE = Date.parse("2026-11-22T10:00:00.000Z");

/** This many milliseconds after ten o'clock, in ISO 8601. */
export function at(ms: number): string {
  return new Date(BASE + ms).toISOString();
}

/** The same as milliseconds since 1970. */
export function time(ms: number): number {
  return BASE + ms;
}

export function attempt(from: number, to: number | null, given: Partial<Attempt> = {}): Attempt {
  const status = to === null ? "running" : "succeeded";
  return { attempt: 1, status, started_at: at(from), finished_at: to === null ? null : at(to), error: null, ...given };
}

export function task(name: string, given: Partial<TaskOfRun> = {}): TaskOfRun {
  return {
    task: name,
    status: "succeeded",
    reason: null,
    upstream: [],
    downstream: [],
    attempts: [],
    progress: null,
    output: null,
    waiting_for: null,
    ...given,
  };
}

export function summary(given: Partial<RunSummary> = {}): RunSummary {
  return {
    run_id: "run_1",
    task: "encode",
    status: "succeeded",
    source: "api",
    by: "desk",
    parent: null,
    created_at: at(0),
    started_at: at(0),
    finished_at: at(1_000),
    duration_ms: 1_000,
    failed_tasks: [],
    error: null,
    ...given,
  };
}
