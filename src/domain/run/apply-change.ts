/**
 * Event sourcing of a run: applying all changes of a journal in order gives the run. So this code
 * must stay able to read the entries of older versions.
 */
import { hasLostWorker } from "./blame.ts";
import { applyToItems, applyToCounts } from "./mapped-task.ts";
import { applyJoined } from "./shared-triggers.ts";
import { noteLacking } from "../lacking-methods.ts";
import { entryOf, type Run, type TaskEntry } from "./state.ts";
import { isActive, isFinal, type AwaitedRun, type FinalRun } from "./task-state.ts";
import { type AttemptRecord, type StepRecord } from "./attempt.ts";
import { type RunChange, type TaskChange } from "./run-change.ts";

/**
 * Applies a change to the run in place, since a run may be wide and a change touches few tasks.
 * Call after the commit.
 */
export function applyChange(run: Run, change: RunChange): void {
  for (const { ordinal, state, attempts, retriedAfter, ...noted } of change.tasks) {
    const entry = entryOf(run, ordinal);
    if (entry === undefined) throw new RangeError(`run ${run.id} has no task ${ordinal}`);
    applyNotes(entry, noted);
    if (entry.item === undefined) {
      const ended = Number(isFinal(state)) - Number(isFinal(entry.state));
      run.open -= ended;
      if (ended !== 0) for (const child of entry.task.downstream) countDown(run, child, ended);
      applyToItems(run, ordinal, entry, state);
    } else applyToCounts(run, entry, entry.item, state);
    entry.state = state;
    if (retriedAfter !== undefined) {
      entry.retriedAfter = retriedAfter;
      entry.isSuspect = false;
      // A retried task has its waits anew.
      delete entry.waits;
      forgetWaits(entry);
    }
    if (isActive(state)) run.active.add(ordinal);
    else run.active.delete(ordinal);
    for (const attempt of attempts) {
      entry.attempts[attempt.attempt - 1] = attempt;
      if (attempt.status === "suspended") entry.progressAfter = attempt.attempt;
      // The next attempt starts over. A past deadline of a wait would fail the attempt at once.
      if (attempt.status === "failed" || attempt.status === "timed_out") delete entry.waits;
      if (attempt.lostTo !== undefined)
        entry.isSuspect = hasLostWorker(entry.attempts.slice(entry.retriedAfter));
      if (attempt.lackedBy !== undefined)
        noteLacking(run.lacking, entry.item?.of ?? ordinal, attempt.lackedBy);
      if (entry.item !== undefined) forgetOld(entry.attempts, attempt.attempt - 1 - FULL_ATTEMPTS);
    }
    if (state.status === "waiting" && state.for === "run") applyWaits(entry, state.awaits);
    else if (isFinal(state)) forgetWaits(entry);
  }
  if (change.run !== undefined) {
    Object.assign(run, change.run);
    run.revision += 1;
  }
  if (change.lastToken !== undefined) run.lastToken = change.lastToken;
  for (const child of change.children ?? []) run.children.push(child);
  if (change.payload !== undefined) {
    run.payload = change.payload;
    if (change.limitKeys === undefined) delete run.limitKeys;
    else run.limitKeys = change.limitKeys;
  }
  if (change.joined !== undefined) applyJoined(run, change.joined);
  for (const { ordinal, ...step } of change.steps ?? []) applyStep(run, ordinal, step);
  for (const { ordinal, ...final } of change.arrived ?? []) applyAwaitedEnd(run, ordinal, final);
  applyWaiters(run, change);
  applyOutbox(run, change);
}

/** Applies what a change notes of a task besides its state. */
function applyNotes(
  entry: TaskEntry,
  { round, waitedMs, lateAt, actions }: Partial<TaskChange>,
): void {
  if (lateAt !== undefined) entry.lateAt = lateAt;
  if (round !== undefined) entry.round = round;
  if (waitedMs !== undefined) entry.waitedMs = waitedMs;
  if (actions !== undefined) (entry.actions ??= []).push(...actions);
}

function applyOutbox(run: Run, { enqueued, acknowledged, cancelsChildren }: RunChange): void {
  if (cancelsChildren !== undefined) run.cancelsChildren = cancelsChildren;
  if (enqueued === undefined && acknowledged === undefined) return;
  const changed = new Map((enqueued ?? []).map((entry) => [entry.id, entry]));
  const kept = run.outbox.filter(
    ({ id }) => !changed.has(id) && acknowledged?.includes(id) !== true,
  );
  run.outbox = [...kept, ...changed.values()].toSorted((a, b) => a.id - b.id);
  run.lastOutboxId = Math.max(run.lastOutboxId, ...changed.keys());
}

function applyStep(run: Run, ordinal: number, step: StepRecord): void {
  const entry = entryOf(run, ordinal);
  if (entry === undefined) throw new RangeError(`run ${run.id} has no task ${ordinal}`);
  (entry.steps ??= []).push(step);
  entry.progressAfter = entry.attempts.length - 1;
}

function applyAwaitedEnd(run: Run, ordinal: number, final: FinalRun): void {
  const entry = entryOf(run, ordinal);
  if (entry === undefined) throw new RangeError(`run ${run.id} has no task ${ordinal}`);
  (entry.arrived ??= {})[final.runId] = final;
}

function forgetWaits(entry: TaskEntry): void {
  delete entry.awaits;
  delete entry.arrived;
}

function applyWaits(entry: TaskEntry, awaits: readonly AwaitedRun[] | undefined): void {
  if (awaits === undefined) return;
  entry.awaits = awaits;
  // The attempt found this run not final any more: the awaited run was retried.
  for (const { runId } of awaits) delete entry.arrived?.[runId];
  entry.waits = {
    ...entry.waits,
    ...Object.fromEntries(awaits.map(({ call, until }) => [call, until])),
  };
}

function applyWaiters(
  run: Run,
  { waiters, notified, notification, foundBy, parentKnows }: RunChange,
): void {
  if (parentKnows === true) run.parentKnows = true;
  if (foundBy !== undefined) run.foundBy = [...run.foundBy, foundBy];
  if (waiters !== undefined) run.waiters = [...run.waiters, ...waiters];
  if (notification !== undefined) run.notification = notification;
  if (notified === undefined) return;
  run.waiters = run.waiters.filter((waiter) => !notified.includes(waiter));
  if (run.waiters.length === 0) run.notification = null;
}

/** Number of an item's latest attempts with error and log. Items may be retried without end. */
const FULL_ATTEMPTS = 5;

function forgetOld(attempts: AttemptRecord[], index: number): void {
  const old = attempts[index];
  if (old !== undefined) attempts[index] = { ...old, error: null, logs: null };
}

function countDown(run: Run, ordinal: number, by: number): void {
  const entry = run.tasks[ordinal];
  if (entry !== undefined) entry.waitingOn -= by;
}
