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
import { cancelTask, delayTask, endTask, makeReady, postponeRoot, startTask } from "./cascade.ts";
import { conclude } from "./conclude.ts";
import { grantToDriver, grantToExecutor } from "./leasing.ts";
import { failuresAmong, sinceProgress, sinceRetry } from "./blame.ts";
import { Transition } from "./transition.ts";
import { beginWait, completedRecords, expiredRecord, completionStatusOf } from "./external-task.ts";
import {
  applyLimitAnswer,
  repeatRequest,
  blockPaused,
  resumeTask,
  releaseLate,
} from "./limit-gate-events.ts";
import { afterLoss, learnLate } from "./losses.ts";
import { recordStep } from "./steps.ts";
import { askAgain, resume, suspend } from "./suspension.ts";
import {
  cancelChildren,
  cancelLateChildren,
  addChild,
  acknowledgeEntry,
  parkEntry,
  redeliverDue,
  redriveEntry,
} from "./outbox.ts";
import { nextDeliveryAt } from "./outbox-entry.ts";
import type { QueueProgress } from "../queue-progress.ts";
import { driversAtWork, sendAgainFor, sendAgainForItems } from "./resending.ts";
import {
  addFinder,
  recordParentKnows,
  acknowledgeNotification,
  addWaiter,
  notifyAgain,
} from "./waiters.ts";
import { askForDeploy, giveBack, matchDeployment } from "./undeployed.ts";
import { fractionOf, retryDelayMs } from "./retry-delay.ts";
import { retryInPlace } from "./retry-in-place.ts";
import { dueAt, isFinal } from "./task-state.ts";
import { entryOf, type Run } from "./state.ts";
import type { AttemptError, AttemptRecord } from "./attempt.ts";
import type { FailReason, TaskState } from "./task-state.ts";
import type {
  TransitionResult,
  DriverClaim,
  Completion,
  MachineEvent,
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
  event: MachineEvent,
  now: number,
  queue: QueueProgress | null = null,
): TransitionResult {
  const transition = new Transition(run, now, queue);
  switch (event.type) {
    case "accepted":
      if (run.active.size > 0 || run.open < run.tasks.length) {
        transition.reject("already_accepted");
        break;
      }
      if ((event.delayMs ?? 0) > 0) delayTask(transition, 0, event.delayMs ?? 0);
      else startTask(transition, 0);
      if (event.claim !== null) grant(transition, event.claim);
      break;
    case "postponed":
      if (!transition.isDelayed(0)) {
        transition.reject("already_started");
        break;
      }
      postponeRoot(transition, event);
      if (event.by !== undefined) addFinder(transition, event.by);
      break;
    case "claimed":
      grant(transition, event.claim);
      break;
    case "settled":
      for (const attempt of event.attempts) settle(transition, attempt);
      if (event.claim !== null) grant(transition, event.claim);
      break;
    case "begun":
      if (event.onTrial === true && transition.stateOf(event.ordinal)?.status === "retrying")
        makeReady(transition, event.ordinal);
      blockPaused(transition, event.paused);
      matchDeployment(transition, event, event.ordinal);
      grantToExecutor(transition, event.ordinal, event.holder);
      break;
    case "woken":
      wake(transition, event.silent ?? []);
      break;
    case "cancelled":
      cancel(transition, event.children === true);
      break;
    case "completed":
      complete(transition, event.completion);
      break;
    case "retried":
      retryInPlace(transition);
      break;
    case "stepped":
      recordStep(transition, event.lease, {
        name: event.name,
        result: event.result,
        finishedAt: now,
      });
      break;
    case "awaited":
      resume(transition, event.runs);
      break;
    case "subscribed":
      addWaiter(transition, event.by);
      break;
    case "found":
      addFinder(transition, event.by);
      break;
    case "parent_knows":
      recordParentKnows(transition);
      break;
    case "triggered":
      addChild(transition, event.child);
      break;
    case "waiters_acknowledged":
      acknowledgeNotification(transition, event.waiters, event.revision);
      break;
    case "entry_acknowledged":
      acknowledgeEntry(transition, event.id, event.next);
      break;
    case "entry_parked":
      parkEntry(transition, event.id);
      break;
    case "entry_redriven":
      redriveEntry(transition, event.id);
      break;
    case "slot_granted":
    case "slot_denied":
    case "preempted":
      applyLimitAnswer(transition, event);
      break;
    case "task_resumed":
      resumeTask(transition, event.task);
      break;
  }
  return conclude(transition);
}

/**
 * Returns the next alarm without a call; for a final run without pending deliveries, the end of its
 * retention.
 */
export function nextWakeAt(run: Run): number {
  const deliverAt = nextDeliveryAt(run);
  if (run.finishedAt !== null) {
    const notifyAt = run.notification?.dueAt ?? Number.POSITIVE_INFINITY;
    return isKeptForOthers(run)
      ? Math.min(notifyAt, deliverAt)
      : run.finishedAt + run.graph.retentionMs;
  }
  let next = deliverAt;
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
      state?.status === "each" || (state?.status === "queued" && state.blockedBy === undefined);
    if (isSent && state.dispatches > 0 && (state.redispatchAt ?? Number.POSITIVE_INFINITY) <= now)
      return true;
  }
  return false;
}

/** Tests whether a final run outlives its retention because of an unacknowledged delivery. */
export function isKeptForOthers(run: Run): boolean {
  return run.notification !== null || nextDeliveryAt(run) < Number.POSITIVE_INFINITY;
}

function grant(transition: Transition, claim: DriverClaim): void {
  blockPaused(transition, claim.paused);
  matchDeployment(transition, claim);
  grantToDriver(transition, claim);
}

function settle(transition: Transition, settled: SettledAttempt): void {
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
  switch (outcome.type) {
    case "succeeded":
      endTask(
        transition,
        ordinal,
        { status: "succeeded", finishedAt: transition.now, passed: outcome.passed },
        closed(transition, settled, "succeeded", null),
      );
      break;
    case "failed":
      afterFailure(
        transition,
        ordinal,
        closed(transition, settled, "failed", outcome.error),
        outcome,
      );
      break;
    case "timed_out":
      afterFailure(transition, ordinal, closed(transition, settled, "timed_out", outcome.error), {
        retryable: true,
        retryAfterMs: null,
        reason: "error",
      });
      break;
    case "lost":
      afterLoss(transition, ordinal, closed(transition, settled, "lost", outcome.error), {
        ...outcome,
        isTold: true,
      });
      break;
    case "undeployed":
      giveBack(
        transition,
        ordinal,
        closed(transition, settled, "lost", outcome.error),
        outcome.deployment,
      );
      break;
    case "waiting":
      beginWait(transition, ordinal, closed(transition, settled, "running", null));
      break;
    case "suspended":
      suspend(transition, ordinal, outcome.awaits, closed(transition, settled, "suspended", null));
      break;
  }
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
function complete(transition: Transition, completion: Completion): void {
  const { ordinal, attempt, token, outcome } = completion;
  if (completionStatusOf(transition.run, ordinal, attempt, token) !== "open")
    return transition.reject("not_open");
  const { ended, named } = completedRecords(transition, completion);
  const state = transition.stateOf(ordinal);
  if (named !== null && state !== null) transition.set(ordinal, state, named);
  if (outcome.type === "succeeded")
    endTask(
      transition,
      ordinal,
      { status: "succeeded", finishedAt: transition.now, passed: outcome.passed },
      ended,
    );
  else
    afterFailure(transition, ordinal, ended, {
      retryable: true,
      retryAfterMs: null,
      reason: "error",
    });
}

function afterFailure(
  transition: Transition,
  ordinal: number,
  attempt: AttemptRecord,
  failure: {
    readonly retryable: boolean;
    readonly retryAfterMs: number | null;
    readonly reason: FailReason;
  },
): void {
  const entry = transition.entry(ordinal);
  const { task } = entry;
  const failures = 1 + failuresAmong(sinceProgress(entry));
  const isSpent =
    failures > task.retries.limit || failuresAmong(sinceRetry(entry)) >= MOST_FAILURES;
  if (!failure.retryable || isSpent || transition.isStopping(ordinal)) {
    endTask(
      transition,
      ordinal,
      { status: "failed", finishedAt: transition.now, reason: failure.reason },
      attempt,
    );
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

function wake(transition: Transition, silent: readonly number[]): void {
  const { run, now } = transition;
  const paying = redeliverDue(transition);
  if (run.finishedAt !== null) return notifyAgain(transition);
  let looked = Number(paying);
  const atWork = driversAtWork(run);
  const dead = new Set(silent);
  const missed: { token: number; startedAt: number }[] = [];
  for (const ordinal of run.active) {
    const { state, attempts } = transition.entry(ordinal);
    const isSilent = state.status === "running" && dead.has(state.token);
    if (!isSilent && (dueAt(state) ?? Number.POSITIVE_INFINITY) > now) continue;
    // An earlier due task may have decided this one too, as items of a task do together.
    if (transition.stateOf(ordinal) !== state) continue;
    wakeTask(transition, ordinal, state, atWork);
    if (state.status === "running" && state.holder === undefined)
      missed.push({ token: state.token, startedAt: attempts[state.attempt - 1]?.startedAt ?? now });
    looked += 1;
    if (looked === WAKE_BATCH) break;
  }
  const [longest] = missed.toSorted((one, other) => one.startedAt - other.startedAt);
  if (longest !== undefined) transition.effect({ type: "note_death", ...longest });
  if (looked === 0) transition.reject("not_due");
}

function wakeTask(transition: Transition, ordinal: number, state: TaskState, atWork: number): void {
  switch (state.status) {
    case "queued":
      if (state.blockedBy === undefined) sendAgainFor(transition, ordinal, state, atWork);
      else if (state.blockedBy.for === "deploy")
        askForDeploy(transition, ordinal, state.blockedBy.since);
      else repeatRequest(transition, ordinal, state);
      break;
    case "retrying":
      makeReady(transition, ordinal);
      break;
    case "each":
      sendAgainForItems(transition, ordinal, state, atWork);
      break;
    case "waiting":
      if (state.for === "run") askAgain(transition, ordinal, state);
      else {
        const failure = { retryable: true, retryAfterMs: null, reason: "error" } as const;
        afterFailure(
          transition,
          ordinal,
          expiredRecord(transition, ordinal, state.attempt),
          failure,
        );
      }
      break;
    case "running": {
      const error = {
        name: "WorkerLostError",
        message: "the attempt's worker died, or did not answer before its lease ran out",
        stack: null,
      };
      const record = transition.openAttempt(ordinal, state.attempt);
      const attempt = { ...record, status: "lost", finishedAt: transition.now, error } as const;
      afterLoss(transition, ordinal, attempt, { to: "worker", isTold: false });
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

function cancel(transition: Transition, children: boolean): void {
  const { run, now } = transition;
  if (children) cancelChildren(transition);
  if (run.open === 0) return transition.reject("run_final");
  for (const [ordinal, { state }] of run.tasks.entries()) {
    if (isFinal(state)) continue;
    if (state.status === "running" || (state.status === "waiting" && state.for === "completion")) {
      const record = transition.openAttempt(ordinal, state.attempt);
      cancelTask(transition, ordinal, {
        ...record,
        status: "cancelled",
        finishedAt: Math.max(record.startedAt, now),
      });
    } else cancelTask(transition, ordinal);
  }
  transition.isCancelled = true;
}
