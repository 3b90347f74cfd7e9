/**
 * The run machine: a pure function from state and event to a change, leases and effects. The run
 * object loads the state, calls the machine, commits the change and performs the effects. No I/O,
 * no clock, no randomness. The machine never throws on input and never mutates `run`. A full
 * description with drawings is in `docs/design/run-machine.md`.
 *
 *                run_if allows          claim, begin            settle
 *     pending ──────────────▶ queued ──────────────────▶ running ──────▶ succeeded, failed
 *        │                     ▲  ▲                       │ │ │
 *        │ run_if forbids      │  └─── lost, given back ──┘ │ │
 *        ▼                     ├── retryAt ── retrying ◀───┘ │ threw, lost again
 *     skipped                  └── result ─── waiting ◀──────┘ suspended, external
 *
 *     any open state ── cancelled, preempted ──▶ cancelled
 *
 * Further transitions: an external task in `waiting` ends with its completion (external-task.ts).
 * Three lost workers of its own, or a day of losses, fail a task (losses.ts). Blocked tasks stay
 * `queued` (limit-gate.ts, undeployed.ts). An `each` task passes through `each` (mapped-task.ts).
 *
 * Failed and lost attempts count since the last progress: a recorded step, or a wait for another
 * run. A task without progress has at most `retries.limit + 1` failed attempts; progress renews the
 * budget.
 *
 * Final states change by the event `retried` only, and only in a final run (retry-in-place.ts).
 *
 * Every open state except `pending` has a due time (`dueAt`), and every pending task has an open
 * upstream task. So a run always has a next step, and `nextWakeAt` gives the alarm.
 *
 * Only the attempt with the current token settles a task (invariant 3). Tokens increase over the
 * whole run, so an old lease never matches. Late, repeated or reordered input is rejected with a
 * reason.
 */
import { failuresAmong, sinceProgress, sinceRetry } from "./blame.ts";
import { Decision } from "./transition.ts";
import {
  beginWait,
  completedRecords,
  expiredRecord,
  standingOfCompletion,
} from "./external-task.ts";
import {
  answerHold,
  askAgainFor,
  holdPaused,
  resumeTask,
  settleLate,
} from "./limit-gate-events.ts";
import { afterLoss, learnLate } from "./losses.ts";
import { recordStep } from "./steps.ts";
import { askAgain, resume, suspend } from "./suspension.ts";
import {
  cancelChildren,
  cancelLateChildren,
  noteChild,
  notePaid,
  notePark,
  payAgain,
  payParked,
} from "./outbox-events.ts";
import { owedAt } from "./outbox.ts";
import type { QueueProgress } from "../queue-progress.ts";
import { driversAtWork, sendAgainFor, sendAgainForItems } from "./resending.ts";
import { noteFound, noteParentKnows, noteTold, noteWatcher, tellAgain } from "./waiter-events.ts";
import { askForDeploy, giveBack, heedDeployment } from "./undeployed.ts";
import { fractionOf, retryDelayMs } from "./retry-delay.ts";
import { retryInPlace } from "./retry-in-place.ts";
import { dueAt, isFinal } from "./task-state.ts";
import { entryOf, type Run } from "./state.ts";
import type { AttemptError, AttemptRecord } from "./attempt.ts";
import type { FailReason, TaskState } from "./task-state.ts";
import type {
  Advance,
  DriverClaim,
  Completion,
  RunEvent,
  SettledAttempt,
} from "./machine-events.ts";

/** Longest delay of a `RetryAfterError`, equal to the longest delay of a retry policy. 30 days. */
const RETRY_AFTER_MAX_MS = 2_592_000_000;

/** Failures before a task fails for good, even with progress in between. */
const MOST_FAILURES = 1_000;

/** Due tasks per wake; the rest follow in the next. Bounds the size of a journal entry. */
const WAKE_BATCH = 1_000;

/**
 * Decides the transition of `event` at `now` (epoch milliseconds). `queue`: known progress of the
 * queue.
 */
export function advance(
  run: Run,
  event: RunEvent,
  now: number,
  queue: QueueProgress | null = null,
): Advance {
  const decision = new Decision(run, now, queue);
  switch (event.type) {
    case "accepted":
      if (run.active.size > 0 || run.open < run.tasks.length) {
        decision.ignore("already_accepted");
        break;
      }
      if ((event.delayMs ?? 0) > 0) decision.delay(0, event.delayMs ?? 0);
      else decision.start(0);
      if (event.claim !== null) grant(decision, event.claim);
      break;
    case "postponed":
      if (!decision.isDelayed(0)) {
        decision.ignore("already_started");
        break;
      }
      decision.postpone(event);
      if (event.by !== undefined) noteFound(decision, event.by);
      break;
    case "claimed":
      grant(decision, event.claim);
      break;
    case "settled":
      for (const attempt of event.attempts) settle(decision, attempt);
      if (event.claim !== null) grant(decision, event.claim);
      break;
    case "begun":
      if (event.onTrial === true && decision.stateOf(event.ordinal)?.status === "retrying")
        decision.makeReady(event.ordinal);
      holdPaused(decision, event.paused);
      heedDeployment(decision, event, event.ordinal);
      decision.grantOne(event.ordinal, event.holder);
      break;
    case "woken":
      wake(decision, event.silent ?? []);
      break;
    case "cancelled":
      cancel(decision, event.children === true);
      break;
    case "completed":
      complete(decision, event.completion);
      break;
    case "retried":
      retryInPlace(decision);
      break;
    case "stepped":
      recordStep(decision, event.lease, {
        name: event.name,
        result: event.result,
        finishedAt: now,
      });
      break;
    case "awaited":
      resume(decision, event.runs);
      break;
    case "watched":
      noteWatcher(decision, event.by);
      break;
    case "found":
      noteFound(decision, event.by);
      break;
    case "parent_knows":
      noteParentKnows(decision);
      break;
    case "triggered":
      noteChild(decision, event.child);
      break;
    case "told":
      noteTold(decision, event.watchers, event.revision);
      break;
    case "paid":
      notePaid(decision, event.id, event.next);
      break;
    case "parked":
      notePark(decision, event.id);
      break;
    case "redriven":
      payParked(decision, event.id);
      break;
    case "permitted":
    case "refused":
    case "displaced":
      answerHold(decision, event);
      break;
    case "resumed":
      resumeTask(decision, event.task);
      break;
  }
  return decision.conclude();
}

/**
 * Returns the next alarm without a call; for a final run without pending deliveries, the end of its
 * retention.
 */
export function nextWakeAt(run: Run): number {
  const owing = owedAt(run);
  if (run.finishedAt !== null) {
    const telling = run.telling?.tellAt ?? Number.POSITIVE_INFINITY;
    return isKeptForOthers(run) ? Math.min(telling, owing) : run.finishedAt + run.graph.retentionMs;
  }
  let next = owing;
  for (const ordinal of run.active) {
    const entry = entryOf(run, ordinal);
    if (entry !== undefined) next = Math.min(next, dueAt(entry.state) ?? Number.POSITIVE_INFINITY);
  }
  return next;
}

/**
 * Tests whether a wake now checks for a sent message. The check needs the progress of the queue.
 */
export function looksForMessage(run: Run, now: number): boolean {
  for (const ordinal of run.active) {
    const state = entryOf(run, ordinal)?.state;
    const isSent =
      state?.status === "each" || (state?.status === "queued" && state.hold === undefined);
    if (isSent && state.dispatches > 0 && (state.redispatchAt ?? Number.POSITIVE_INFINITY) <= now)
      return true;
  }
  return false;
}

/** Tests whether a final run outlives its retention because of an unacknowledged delivery. */
export function isKeptForOthers(run: Run): boolean {
  return run.telling !== null || owedAt(run) < Number.POSITIVE_INFINITY;
}

function grant(decision: Decision, claim: DriverClaim): void {
  holdPaused(decision, claim.paused);
  heedDeployment(decision, claim);
  decision.grant(claim);
}

function settle(decision: Decision, settled: SettledAttempt): void {
  const state = decision.stateOf(settled.ordinal);
  if (state === null) return decision.ignore("no_such_task");
  if (
    state.status !== "running" ||
    state.attempt !== settled.attempt ||
    state.token !== settled.token
  )
    return tooLate(decision, settled);
  decision.notes.children(settled.children);
  const { outcome, ordinal } = settled;
  switch (outcome.type) {
    case "succeeded":
      decision.end(
        ordinal,
        { status: "succeeded", finishedAt: decision.now, passed: outcome.passed },
        closed(decision, settled, "succeeded", null),
      );
      break;
    case "failed":
      afterFailure(decision, ordinal, closed(decision, settled, "failed", outcome.error), outcome);
      break;
    case "timed_out":
      afterFailure(decision, ordinal, closed(decision, settled, "timed_out", outcome.error), {
        retryable: true,
        retryAfterMs: null,
        reason: "error",
      });
      break;
    case "lost":
      afterLoss(decision, ordinal, closed(decision, settled, "lost", outcome.error), {
        ...outcome,
        isTold: true,
      });
      break;
    case "undeployed":
      giveBack(
        decision,
        ordinal,
        closed(decision, settled, "lost", outcome.error),
        outcome.deployment,
      );
      break;
    case "waiting":
      beginWait(decision, ordinal, closed(decision, settled, "running", null));
      break;
    case "suspended":
      suspend(decision, ordinal, outcome.awaits, closed(decision, settled, "suspended", null));
      break;
  }
}

/**
 * Handles a late settle: releases a kept slot and corrects the blame. Children of a cancelled or
 * completed attempt become known only now.
 */
function tooLate(decision: Decision, settled: SettledAttempt): void {
  const { ordinal, attempt, children } = settled;
  settleLate(decision, settled);
  learnLate(decision, settled);
  const record = decision.entry(ordinal).attempts[attempt - 1];
  if (record?.status !== "cancelled" && record?.completedBy === undefined) return;
  decision.notes.children(children);
  cancelLateChildren(decision);
}

/** Record of an attempt ended now. */
function closed(
  decision: Decision,
  settled: SettledAttempt,
  status: AttemptRecord["status"],
  error: AttemptError | null,
): AttemptRecord {
  const record = decision.openAttempt(settled.ordinal, settled.attempt);
  const kept = decision.entry(settled.ordinal).item === undefined ? error : shortened(error);
  const finishedAt = Math.max(record.startedAt, decision.now);
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
function complete(decision: Decision, completion: Completion): void {
  const { ordinal, attempt, token, outcome } = completion;
  if (standingOfCompletion(decision.run, ordinal, attempt, token) !== "open")
    return decision.ignore("not_open");
  const { ended, named } = completedRecords(decision, completion);
  const state = decision.stateOf(ordinal);
  if (named !== null && state !== null) decision.set(ordinal, state, named);
  if (outcome.type === "succeeded")
    decision.end(
      ordinal,
      { status: "succeeded", finishedAt: decision.now, passed: outcome.passed },
      ended,
    );
  else
    afterFailure(decision, ordinal, ended, {
      retryable: true,
      retryAfterMs: null,
      reason: "error",
    });
}

function afterFailure(
  decision: Decision,
  ordinal: number,
  attempt: AttemptRecord,
  failure: {
    readonly retryable: boolean;
    readonly retryAfterMs: number | null;
    readonly reason: FailReason;
  },
): void {
  const entry = decision.entry(ordinal);
  const { task } = entry;
  const failures = 1 + failuresAmong(sinceProgress(entry));
  const isSpent =
    failures > task.retries.limit || failuresAmong(sinceRetry(entry)) >= MOST_FAILURES;
  if (!failure.retryable || isSpent || decision.isStopping(ordinal)) {
    decision.end(
      ordinal,
      { status: "failed", finishedAt: decision.now, reason: failure.reason },
      attempt,
    );
    return;
  }
  const fraction = fractionOf(`${decision.run.id}/${ordinal}/${attempt.attempt}`);
  const delayMs =
    askedDelayMs(failure.retryAfterMs) ?? retryDelayMs(task.retries, failures, fraction);
  if (delayMs <= 0) decision.makeReady(ordinal, attempt);
  else decision.set(ordinal, { status: "retrying", retryAt: decision.now + delayMs }, attempt);
}

/**
 * Requested retry delay within bounds; null without one. An alarm too far away would stop the run.
 */
function askedDelayMs(retryAfterMs: number | null): number | null {
  return retryAfterMs === null || Number.isNaN(retryAfterMs)
    ? null
    : Math.min(RETRY_AFTER_MAX_MS, retryAfterMs);
}

function wake(decision: Decision, silent: readonly number[]): void {
  const { run, now } = decision;
  const paying = payAgain(decision);
  if (run.finishedAt !== null) return tellAgain(decision);
  let looked = Number(paying);
  const atWork = driversAtWork(run);
  const dead = new Set(silent);
  const missed: { token: number; startedAt: number }[] = [];
  for (const ordinal of run.active) {
    const { state, attempts } = decision.entry(ordinal);
    const isSilent = state.status === "running" && dead.has(state.token);
    if (!isSilent && (dueAt(state) ?? Number.POSITIVE_INFINITY) > now) continue;
    // An earlier due task may have decided this one too, as items of a task do together.
    if (decision.stateOf(ordinal) !== state) continue;
    wakeTask(decision, ordinal, state, atWork);
    if (state.status === "running" && state.holder === undefined)
      missed.push({ token: state.token, startedAt: attempts[state.attempt - 1]?.startedAt ?? now });
    looked += 1;
    if (looked === WAKE_BATCH) break;
  }
  const [longest] = missed.toSorted((one, other) => one.startedAt - other.startedAt);
  if (longest !== undefined) decision.effect({ type: "note_death", ...longest });
  if (looked === 0) decision.ignore("not_due");
}

function wakeTask(decision: Decision, ordinal: number, state: TaskState, atWork: number): void {
  switch (state.status) {
    case "queued":
      if (state.hold === undefined) sendAgainFor(decision, ordinal, state, atWork);
      else if (state.hold.for === "deploy") askForDeploy(decision, ordinal, state.hold.since);
      else askAgainFor(decision, ordinal, state);
      break;
    case "retrying":
      decision.makeReady(ordinal);
      break;
    case "each":
      sendAgainForItems(decision, ordinal, state, atWork);
      break;
    case "waiting":
      if (state.for === "run") askAgain(decision, ordinal, state);
      else {
        const failure = { retryable: true, retryAfterMs: null, reason: "error" } as const;
        afterFailure(decision, ordinal, expiredRecord(decision, ordinal, state.attempt), failure);
      }
      break;
    case "running": {
      const error = {
        name: "WorkerLostError",
        message: "the attempt's worker died, or did not answer before its lease ran out",
        stack: null,
      };
      const record = decision.openAttempt(ordinal, state.attempt);
      const attempt = { ...record, status: "lost", finishedAt: decision.now, error } as const;
      afterLoss(decision, ordinal, attempt, { to: "worker", isTold: false });
      break;
    }
    case "pending":
    case "succeeded":
    case "failed":
    case "skipped":
    case "cancelled":
      break;
  }
}

function cancel(decision: Decision, children: boolean): void {
  const { run, now } = decision;
  if (children) cancelChildren(decision);
  if (run.open === 0) return decision.ignore("run_final");
  for (const [ordinal, { state }] of run.tasks.entries()) {
    if (isFinal(state)) continue;
    if (state.status === "running" || (state.status === "waiting" && state.for === "completion")) {
      const record = decision.openAttempt(ordinal, state.attempt);
      decision.cancelTask(ordinal, {
        ...record,
        status: "cancelled",
        finishedAt: Math.max(record.startedAt, now),
      });
    } else decision.cancelTask(ordinal);
  }
  decision.markCancelled();
}
