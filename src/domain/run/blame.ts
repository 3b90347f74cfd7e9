/**
 * Attempts counted against a task. The rules are in `machine.ts` (failures) and `losses.ts`.
 *
 * A task becomes a suspect with the first attempt lost to its worker, until success or a retry in
 * place: the attempt may have killed the worker and everything inside. A suspect runs alone in its
 * own executor object, whose alarm reports a dead worker at once. Objects of several suspects may
 * share an isolate, so suspects with repeated deaths are tried one after another (see trials.ts),
 * within their delays.
 */
import { leaseMs, type GraphTask } from "../plan/run-graph.ts";
import { entryOf, type Run, type TaskEntry } from "./state.ts";
import { type AttemptRecord } from "./attempt.ts";
import { type TaskChange } from "./run-change.ts";
import type { Effect } from "./machine-events.ts";
import { NO_PAUSE, type Pause, type Trial } from "../trials.ts";

/**
 * Attempts counted against a task's budgets: since the last progress or the last retry in place.
 */
export function sinceProgress({
  attempts,
  retriedAfter,
  progressAfter = 0,
}: TaskEntry): readonly AttemptRecord[] {
  return attempts.slice(Math.max(retriedAfter, progressAfter));
}

/** Attempts since the last retry in place. */
export function sinceRetry({ attempts, retriedAfter }: TaskEntry): readonly AttemptRecord[] {
  return attempts.slice(retriedAfter);
}

/** Counts failed and timed-out attempts. */
export function failuresAmong(attempts: readonly AttemptRecord[]): number {
  return attempts.filter(({ status }) => status === "failed" || status === "timed_out").length;
}

/**
 * Trailing lost attempts without another ending in between. A wait for a deploy also interrupts.
 */
export function lostInARow(attempts: readonly AttemptRecord[]): readonly AttemptRecord[] {
  return attempts.slice(
    attempts.findLastIndex(({ status, lostTo }) => status !== "lost" || lostTo === "deploy") + 1,
  );
}

/** Tests whether an attempt was lost to its worker. */
export function hasLostWorker(attempts: readonly AttemptRecord[]): boolean {
  return attempts.some(({ lostTo }) => lostTo === "worker");
}

/** Deaths in a row before a trial. A single death of an isolate may have any cause. */
const TRIED_AFTER = 2;

/** Describes the trial of a task's next attempt after these losses; null without a trial. */
export function trialOf(
  task: GraphTask,
  row: readonly AttemptRecord[],
  pause: Pause,
): Trial | null {
  const deaths = row.filter(({ lostTo }) => lostTo === "worker");
  if (deaths.length < TRIED_AFTER) return null;
  const livedMs = Math.max(
    ...deaths.map(({ startedAt, finishedAt }) => (finishedAt ?? startedAt) - startedAt),
  );
  return { livedMs, leaseMs: leaseMs(task), ...pause };
}

/**
 * Makes the effect to start the `nth` executor object of an attempt. 0: a suspect within its delay,
 * startable early by a trial.
 */
export function startExecutor(
  run: Run,
  ordinal: number,
  attempt: number,
  nth: number,
  trial = dueTrial(entryOf(run, ordinal)),
): Effect {
  const name = `${run.id}/${ordinal}/${attempt}/${nth}`;
  return { type: "start_executor", ordinal, name, ...(trial !== null && { trial }) };
}

function dueTrial(entry: TaskEntry | undefined): Trial | null {
  return entry?.isSuspect === true
    ? trialOf(entry.task, lostInARow(sinceProgress(entry)), NO_PAUSE)
    : null;
}

/** Tests whether the next attempt runs alone. `change`: the pending change of the task. */
export function isSuspect(entry: TaskEntry, change: TaskChange | undefined): boolean {
  if (change === undefined) return entry.isSuspect === true;
  return (
    hasLostWorker(change.attempts) ||
    (entry.isSuspect === true && change.retriedAfter === undefined)
  );
}
