/**
 * Which attempts of a task count, and against what. The rules that follow from it are in `machine.ts` (failures) and `losses.ts`.
 *
 * A task is a suspect once an attempt of it was lost to its worker, until it has succeeded or is retried in place: it may have
 * killed the worker, with all that ran there. So it runs alone from then on, in an executor object of its own, whose alarm also
 * tells at once when its worker has died. Nobody else is in that invocation; but the objects of several suspects may share an
 * isolate, so suspects that die again are tried one after the other (see trials.ts), as far as their pauses let them.
 */
import { leaseMs, type GraphTask } from "../plan/run-graph.ts";
import { entryOf, type AttemptRecord, type Run, type TaskChange, type TaskEntry } from "./state.ts";
import type { Effect } from "./machine-events.ts";
import { NO_PAUSE, type Pause, type Trial } from "../trials.ts";

/** The attempts that count against the budgets of a task: those since its last progress, or its retry in place. */
export function sinceProgress({
  attempts,
  retriedAfter,
  progressAfter = 0,
}: TaskEntry): readonly AttemptRecord[] {
  return attempts.slice(Math.max(retriedAfter, progressAfter));
}

/** The attempts since the task was retried in place. */
export function sinceRetry({ attempts, retriedAfter }: TaskEntry): readonly AttemptRecord[] {
  return attempts.slice(retriedAfter);
}

/** How many of these attempts threw or timed out. */
export function failuresAmong(attempts: readonly AttemptRecord[]): number {
  return attempts.filter(({ status }) => status === "failed" || status === "timed_out").length;
}

/** The attempts at the end of these that were lost, with nothing else in between, such as a wait for a deploy. */
export function lostInARow(attempts: readonly AttemptRecord[]): readonly AttemptRecord[] {
  return attempts.slice(
    attempts.findLastIndex(({ status, lostTo }) => status !== "lost" || lostTo === "deploy") + 1,
  );
}

/** Whether one of these attempts was lost to its worker. */
export function hasLostWorker(attempts: readonly AttemptRecord[]): boolean {
  return attempts.some(({ lostTo }) => lostTo === "worker");
}

/** A suspect is tried when it has lost so many workers in a row: an isolate that has died once may have died for anything. */
const TRIED_AFTER = 2;

/** How the next attempt of a task is tried that has lost these in a row, and may wait for so long; null: it is not. */
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

/** Starts the `nth` executor object for this attempt; 0: of a suspect whose pause is not over, and which may be tried sooner. */
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

/** Whether the next attempt of this task runs alone. `change`: what is decided about it so far. */
export function isSuspect(entry: TaskEntry, change: TaskChange | undefined): boolean {
  if (change === undefined) return entry.isSuspect === true;
  return (
    hasLostWorker(change.attempts) ||
    (entry.isSuspect === true && change.retriedAfter === undefined)
  );
}
