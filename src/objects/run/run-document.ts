/** The public document of a run: `GET /api/v1/runs/{id}`. */
import { iso } from "../../contract/iso-time.ts";
import { itemsOf } from "../../domain/run/mapped-task.ts";
import { isBlockedBy, limitOf } from "../../domain/run/limit-gate.ts";
import { isNoneLacking } from "../../domain/lacking-methods.ts";
import { shownKey, type BlockedBy } from "../../domain/limits/limit.ts";
import type { AttemptRecord, Progress } from "../../domain/run/attempt.ts";
import type { Run, TaskEntry } from "../../domain/run/state.ts";
import type { TaskState } from "../../domain/run/task-state.ts";
import { isLate } from "../../domain/run/lateness.ts";
import { historyOf } from "../../domain/run/run-history.ts";
import { durationOf, roundsOf, timesOf } from "../../domain/run/run-times.ts";
import { awaitedBy } from "../../domain/run/suspension.ts";
import type { TaskStatus } from "../../domain/statuses.ts";
import type { AttemptDocument, RunDocument, TaskDocument } from "./run-documents-rpc.ts";

/** Returns the progress of a running attempt, which is not part of the run. */
export type LiveProgress = (ordinal: number) => Progress | null;

/**
 * Describes the whole run at `now` (epoch milliseconds), which is the end of what still goes on.
 * `live` returns the progress of running attempts.
 */
export function describeRun(run: Run, live: LiveProgress, now: number): RunDocument {
  const { origin } = run;
  return {
    run_id: run.id,
    task: run.tasks[0]?.task.name ?? "",
    trigger: {
      source: origin.source,
      by: origin.by,
      ...(origin.actor !== undefined && {
        actor: { kind: origin.actor.kind, name: origin.actor.name },
      }),
      parent:
        origin.parent === null ? null : { run_id: origin.parent.runId, task: origin.parent.task },
      replay_of:
        origin.replayOf === undefined
          ? null
          : { run_id: origin.replayOf.runId, from: origin.replayOf.from },
      ...(origin.traceparent !== undefined && { traceparent: origin.traceparent }),
      ...(origin.event !== undefined && { event: origin.event }),
    },
    tags: origin.tags ?? [],
    created_at: iso(run.createdAt),
    ...describeState(run),
    ...describeTimes(run, now),
    conf_version: run.graph.confVersion,
    tasks: run.tasks.map((entry, ordinal) => describeTask(run, entry, live(ordinal))),
    children: run.children.map(({ runId, task }) => ({ run_id: runId, task })),
  };
}

/** Describes the status of the run as a whole. */
export function describeState(
  run: Run,
): Pick<RunDocument, "status" | "started_at" | "finished_at" | "duration_ms"> {
  const { status, startedAt, finishedAt } = run;
  return {
    status,
    started_at: iso(startedAt),
    finished_at: iso(finishedAt),
    duration_ms: durationOf(run),
  };
}

/** Describes what the run has done so far: times at work and of waits, rounds, actions on it. */
export function describeTimes(
  run: Run,
  now: number,
): Pick<RunDocument, "late" | "work_ms" | "waited_ms" | "rounds" | "history"> {
  const { workMs, waitedMs } = timesOf(run, run.finishedAt ?? now);
  return {
    late: isLate(run),
    work_ms: workMs,
    waited_ms: waitedMs,
    rounds: roundsOf(run),
    ...describeHistory(run),
  };
}

/** Describes the actions on the run. Reads no attempts. */
export function describeHistory(run: Run): Pick<RunDocument, "history"> {
  return { history: historyOf(run).map((entry) => ({ ...entry, at: iso(entry.at) })) };
}

/** Describes one task. `progress`: the last report of the running attempt. */
export function describeTask(run: Run, entry: TaskEntry, progress: Progress | null): TaskDocument {
  const { task, state, attempts, steps, each } = entry;
  const name = (ordinal: number): string => run.tasks[ordinal]?.task.name ?? "";
  return {
    task: task.name,
    status: statusOf(state),
    reason: reasonOf(state),
    upstream: task.upstream.map(name),
    downstream: task.downstream.map(name),
    attempts: attempts.map(describeAttempt),
    progress: describeProgress(
      progress ?? attempts.findLast((each) => each.progress !== undefined)?.progress,
    ),
    output: describeOutput(state),
    ...describePassedTo(state),
    waiting_for: describeWaiting(run, entry),
    ...(state.status === "retrying" && { next_attempt_at: iso(state.retryAt) }),
    ...(entry.retriedAfter > 0 && { retried_after: entry.retriedAfter }),
    ...(task.external === true && { external: true }),
    ...(steps !== undefined && {
      steps: steps.map(({ name, finishedAt }) => ({ name, finished_at: iso(finishedAt) })),
    }),
    ...(task.each !== undefined && { each: describeEach(each) }),
  };
}

/** Counts nothing before the items are known. */
function describeEach(each: TaskEntry["each"]): NonNullable<TaskDocument["each"]> {
  const { total = 0, succeeded = 0, failed = 0, running = 0 } = each ?? {};
  return { total, succeeded, failed, running };
}

/** Progress as the document tells it; null before the first report. */
function describeProgress(progress: Progress | undefined): TaskDocument["progress"] {
  return progress === undefined ? null : { ...progress, at: iso(progress.at) };
}

/** The reason of the wait of a task. */
function describeWaiting(run: Run, entry: TaskEntry): TaskDocument["waiting_for"] {
  const { state } = entry;
  if (state.status === "waiting") {
    if (state.for === "completion") return { for: "completion", until: iso(state.expiresAt) };
    const [first] = awaitedBy(entry);
    return first === undefined ? null : { for: "run", run_id: first.runId, task: first.task };
  }
  const { for: what, since } = holdShownOf(run, entry) ?? {};
  if (what === undefined || since === undefined) return null;
  if (what === "deploy") {
    const { method } = entry.task;
    return { for: what, method, since: iso(since), until: iso(since + run.graph.retentionMs) };
  }
  const key = what === "pause" ? null : shownKey(limitOf(run, entry, what).key);
  return { for: what, key, since: iso(since) };
}

/** Returns the block of a task; for a mapped task, the block of an item if a deploy is missing. */
function holdShownOf(run: Run, { state, each }: TaskEntry): BlockedBy | undefined {
  if (state.status === "queued") return state.blockedBy;
  // Scans up to ten thousand items only if a method is missing somewhere.
  if (state.status !== "each" || each === undefined || isNoneLacking(run.lacking)) return undefined;
  const waiting = itemsOf(run, each).find((item) => isBlockedBy(item.state, "deploy"))?.state;
  return waiting?.status === "queued" ? waiting.blockedBy : undefined;
}

function statusOf({ status }: TaskState): TaskStatus {
  return status === "each" ? "running" : status;
}

/** Returns the public status of a task. */
export function taskStatusOf(entry: TaskEntry | undefined): TaskStatus {
  return entry === undefined ? "pending" : statusOf(entry.state);
}

function reasonOf(state: TaskState): string | null {
  switch (state.status) {
    case "failed":
    case "skipped":
      return state.reason;
    case "cancelled":
      return state.reason ?? null;
    case "pending":
    case "queued":
    case "running":
    case "retrying":
    case "waiting":
    case "each":
    case "succeeded":
      return null;
  }
}

/** Names the children that have an output of their own, if there are any. */
function describePassedTo(state: TaskState): Pick<TaskDocument, "passed_to"> {
  const children = state.status === "succeeded" ? Object.keys(state.passed.to ?? {}) : [];
  return children.length === 0 ? {} : { passed_to: children };
}

/** Describes the output without the payload; null without an output. */
export function describeOutput(state: TaskState): TaskDocument["output"] {
  if (state.status !== "succeeded") return null;
  const { kind, size, contentType } = state.passed.output;
  return { kind, size, content_type: contentType };
}

/** Describes an attempt without its logs. */
export function describeAttempt(record: AttemptRecord): AttemptDocument {
  const { attempt, status, error, logs } = record;
  return {
    attempt,
    status,
    started_at: iso(record.startedAt),
    finished_at: iso(record.finishedAt),
    error,
    ...(logs !== null && logs.lines > 0 && { log_lines: logs.lines }),
  };
}
