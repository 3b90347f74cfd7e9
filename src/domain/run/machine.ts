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
 * Three lost workers of its own, ten of any kind, or a day of losses fail a task (losses.ts).
 * Blocked tasks stay `queued` (limit-gate.ts, undeployed.ts). An `each` task passes through `each`
 * (mapped-task.ts).
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
import { cancelTask, delayTask, makeReady, postponeRoot, startTask } from "./cascade.ts";
import { conclude } from "./conclude.ts";
import { lateDueAt } from "./lateness.ts";
import { grantToDriver, grantToExecutor } from "./leasing.ts";
import { Transition } from "./transition.ts";
import { applyLimitAnswer, blockPaused, resumeTask } from "./limit-gate-events.ts";
import { recordStep } from "./steps.ts";
import { resume } from "./suspension.ts";
import { cancelChildren, addChild, acknowledgeEntry, parkEntry, redriveEntry } from "./outbox.ts";
import { nextDeliveryAt } from "./outbox-entry.ts";
import type { QueueProgress } from "../queue-progress.ts";
import { addFinder, recordParentKnows, acknowledgeNotification, addWaiter } from "./waiters.ts";
import { matchDeployment } from "./undeployed.ts";
import { retryInPlace } from "./retry-in-place.ts";
import { dueAt, isFinal } from "./task-state.ts";
import { entryOf, type Run } from "./state.ts";
import type { TransitionResult, DriverClaim, MachineEvent } from "./machine-events.ts";
import { settle, complete } from "./settling.ts";
import { wake } from "./waking.ts";

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
      blockPaused(transition, event);
      matchDeployment(transition, event, event.ordinal);
      grantToExecutor(transition, event.ordinal, event.holder);
      break;
    case "woken":
      wake(transition, event.silent ?? []);
      break;
    case "cancelled":
      cancel(transition, event.children === true, event.actor ?? null);
      break;
    case "completed":
      complete(transition, event.completion);
      break;
    case "retried":
      retryInPlace(transition, event.actor ?? null);
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
  let next = Math.min(deliverAt, lateDueAt(run));
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
  blockPaused(transition, claim);
  matchDeployment(transition, claim);
  grantToDriver(transition, claim);
}

function cancel(transition: Transition, children: boolean, by: string | null): void {
  const { run, now } = transition;
  if (children) cancelChildren(transition);
  if (run.open === 0) return transition.reject("run_final");
  const first = run.tasks.findIndex(({ state }) => !isFinal(state));
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
  transition.note(first, { what: "cancelled", at: now, by });
  transition.isCancelled = true;
}
