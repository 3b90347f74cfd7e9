/** Command lines about runs against a server that answers as the test says, and documents of runs. */
import type { RunDocument, RunSummary, TaskOfRun } from "../../src/client/client.ts";
import { serve, type Answer } from "../client/scripted-server.ts";
import { commandLine, type Circumstances } from "../scripts/command-line.ts";

/** A task of a run document, with one attempt. */
export function task(name: string, status: TaskOfRun["status"], more: Partial<TaskOfRun> = {}): TaskOfRun {
  const error =
    status === "failed" ? { name: "RangeError", message: "no\u001b[31m such\nlanguage", stack: null } : null;
  const attempt = { attempt: 1, status: "succeeded", finished_at: "2026-11-22T10:00:02.000Z", error } as const;
  return {
    task: name,
    status,
    reason: null,
    upstream: [],
    downstream: [],
    attempts: status === "pending" ? [] : [{ ...attempt, started_at: "2026-11-22T10:00:01.000Z" }],
    progress: null,
    output: null,
    waiting_for: null,
    ...more,
  };
}

/** A run document with these tasks. */
export function run(status: RunDocument["status"], tasks: readonly TaskOfRun[]): RunDocument {
  return {
    run_id: "run_1",
    task: "transcribe",
    status,
    trigger: { source: "lab", by: "anna", parent: null, replay_of: null },
    tags: [],
    late: false,
    created_at: "2026-11-22T10:00:00.500Z",
    started_at: "2026-11-22T10:00:01.000Z",
    finished_at: status === "running" ? null : "2026-11-22T10:00:03.000Z",
    duration_ms: status === "running" ? null : 2_500,
    work_ms: 2_500,
    waited_ms: 0,
    rounds: 1,
    history: [{ what: "triggered", at: "2026-11-22T10:00:00.500Z", by: "anna" }],
    conf_version: "abc",
    tasks,
    children: [{ run_id: "run_2", task: "archive" }],
  };
}

export const FAILED = run("failed", [
  task("transcribe", "succeeded", { output: { kind: "json", size: 2_048, content_type: "application/json" } }),
  task("recommend", "failed", { upstream: ["transcribe"], reason: "error" }),
  task("store", "skipped", { upstream: ["recommend"], reason: "upstream_failed", attempts: [] }),
]);

export const SUMMARY: RunSummary = {
  run_id: "run_1",
  task: "transcribe",
  status: "failed",
  source: "r2",
  by: "uploads/audio/a very long name of an object.mp3",
  parent: null,
  created_at: "2026-11-22T10:00:00.500Z",
  started_at: null,
  finished_at: null,
  duration_ms: 61_000,
  failed_tasks: ["recommend"],
  error: { task: "recommend", name: "Error", message: "no model" },
};

/** Runs a command line against a server that gives these answers. */
export async function peach(line: string | readonly string[], answers: readonly Answer[], given: Circumstances = {}) {
  const { url, asked } = await serve(...answers);
  const args = typeof line === "string" ? line.split(" ") : line;
  const env = { PEACH_URL: url, PEACH_API_TOKEN: "t", ...given.env };
  return {
    ...(await commandLine(args, { ...given, env })),
    calls: asked.map(({ method, path }) => `${method} ${path}`),
    asked_of_server: asked,
  };
}
