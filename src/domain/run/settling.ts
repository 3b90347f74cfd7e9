/**
 * Ends of attempts: settled by a worker, completed from outside, or failed. A failure is retried
 * within the budget of the task.
 */
import { endTask, makeReady } from "./cascade.ts";
import { failuresAmong, sinceProgress, sinceRetry } from "./blame.ts";
import type { Transition } from "./transition.ts";
import { beginWait, completedRecords, completionStatusOf } from "./external-task.ts";
import { releaseLate } from "./limit-gate-events.ts";
import { afterLoss, learnLate } from "./losses.ts";
import { suspend } from "./suspension.ts";
import { cancelLateChildren } from "./outbox.ts";
import { giveBack } from "./undeployed.ts";
import { fractionOf, retryDelayMs } from "./retry-delay.ts";
import type { AttemptError, AttemptRecord } from "./attempt.ts";
import type { Completion, FailedOutcome, SettledAttempt } from "./machine-events.ts";
import type { TaskState } from "./task-state.ts";

/** Longest delay of a `RetryAfterError`, equal to the longest delay of a retry policy. 30 days. */
const RETRY_AFTER_MAX_MS = 2_592_000_000;

/** Failures before a task fails for good, even with progress in between. */
const MOST_FAILURES = 1_000;

/** A failure that is retried as the policy of the task says. */
const USUAL_FAILURE = { retryable: true, retryAfterMs: null, reason: "error" } as const;

type SucceededState = Extract<TaskState, { readonly status: "succeeded" }>;

export function settle(transition: Transition, settled: SettledAttempt): void {
  const state = transition.stateOf(settled.ordinal);
  if (state === null) return transition.reject("no_such_task");
  if (
    state.status !== "running" ||
    state.attempt !== settled.attempt ||
    state.token !== settled.token
  )
    return tooLate(transition, settled);
  transition.builder.children(settled.children);
  const { outcome, ordinal } = settled;
  const end = (status: AttemptRecord["status"], error: AttemptError | null = null): AttemptRecord =>
    closed(transition, settled, status, error);
  switch (outcome.type) {
    case "succeeded":
      endTask(transition, ordinal, success(transition, outcome), end("succeeded"));
      break;
    case "failed":
      afterFailure(transition, ordinal, end("failed", outcome.error), outcome);
      break;
    case "timed_out":
      afterFailure(transition, ordinal, end("timed_out", outcome.error), USUAL_FAILURE);
      break;
    case "lost":
      afterLoss(transition, ordinal, end("lost", outcome.error), { ...outcome, isTold: true });
      break;
    case "undeployed":
      giveBack(transition, ordinal, end("lost", outcome.error), outcome.deployment);
      break;
    case "waiting":
      beginWait(transition, ordinal, end("running"));
      break;
    case "suspended":
      suspend(transition, ordinal, outcome.awaits, end("suspended"));
      break;
  }
}

function success({ now }: Transition, { passed }: Pick<SucceededState, "passed">): SucceededState {
  return { status: "succeeded", finishedAt: now, passed };
}

/**
 * Handles a late settle: releases a kept slot and corrects the blame. Children of a cancelled or
 * completed attempt become known only now.
 */
function tooLate(transition: Transition, settled: SettledAttempt): void {
  const { ordinal, attempt, children } = settled;
  releaseLate(transition, settled);
  learnLate(transition, settled);
  const record = transition.entry(ordinal).attempts[attempt - 1];
  if (record?.status !== "cancelled" && record?.completedBy === undefined) return;
  transition.builder.children(children);
  cancelLateChildren(transition);
}

/** Record of an attempt ended now. */
function closed(
  transition: Transition,
  settled: SettledAttempt,
  status: AttemptRecord["status"],
  error: AttemptError | null,
): AttemptRecord {
  const record = transition.openAttempt(settled.ordinal, settled.attempt);
  const kept = transition.entry(settled.ordinal).item === undefined ? error : shortened(error);
  const finishedAt = Math.max(record.startedAt, transition.now);
  const { logs, progress } = settled;
  return {
    ...record,
    status,
    finishedAt,
    error: kept,
    logs,
    ...(progress !== undefined && { progress }),
  };
}

/** Shortens item errors: ten thousand must fit into memory, and those of one settle into a row. */
function shortened(error: AttemptError | null): AttemptError | null {
  if (error === null) return null;
  const { name, message, stack } = error;
  return { name, message: message.slice(0, 500), stack: stack?.slice(0, 500) ?? null };
}

/** Ends an external attempt. A reported failure is retried like any failure. */
export function complete(transition: Transition, completion: Completion): void {
  const { ordinal, attempt, token, outcome } = completion;
  if (completionStatusOf(transition.run, ordinal, attempt, token) !== "open")
    return transition.reject("not_open");
  const { ended, named } = completedRecords(transition, completion);
  const state = transition.stateOf(ordinal);
  if (named !== null && state !== null) transition.set(ordinal, state, named);
  transition.note(completion.ordinal, {
    what: "completed",
    at: transition.now,
    by: completion.by ?? null,
  });
  if (outcome.type === "succeeded")
    endTask(transition, ordinal, success(transition, outcome), ended);
  else afterFailure(transition, ordinal, ended, USUAL_FAILURE);
}

export function afterFailure(
  transition: Transition,
  ordinal: number,
  attempt: AttemptRecord,
  failure: Omit<FailedOutcome, "type" | "error">,
): void {
  const entry = transition.entry(ordinal);
  const { task } = entry;
  const failures = 1 + failuresAmong(sinceProgress(entry));
  const isSpent =
    failures > task.retries.limit || failuresAmong(sinceRetry(entry)) >= MOST_FAILURES;
  if (!failure.retryable || isSpent || transition.isStopping(ordinal)) {
    const { reason } = failure;
    endTask(transition, ordinal, { status: "failed", finishedAt: transition.now, reason }, attempt);
    return;
  }
  const fraction = fractionOf(`${transition.run.id}/${ordinal}/${attempt.attempt}`);
  const delayMs =
    askedDelayMs(failure.retryAfterMs) ?? retryDelayMs(task.retries, failures, fraction);
  if (delayMs <= 0) makeReady(transition, ordinal, attempt);
  else transition.set(ordinal, { status: "retrying", retryAt: transition.now + delayMs }, attempt);
}

/**
 * Requested retry delay within bounds; null without one. An alarm too far away would stop the run.
 */
function askedDelayMs(retryAfterMs: number | null): number | null {
  return retryAfterMs === null || Number.isNaN(retryAfterMs)
    ? null
    : Math.min(RETRY_AFTER_MAX_MS, retryAfterMs);
}
