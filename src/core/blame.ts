/**
 * Which attempts of a task count, and against what. The rules that follow from it are in `machine.ts` (failures) and `losses.ts`.
 *
 * A task is a suspect once an attempt of it was lost to its worker, until it has succeeded or is retried in place: it may have
 * killed the worker, with all that ran there. So it runs alone from then on, in an executor object of its own, whose alarm also
 * tells at once when its worker has died. Nobody else is in that invocation, and the objects of several suspects need not share an
 * isolate; where they do, the pauses between their attempts differ.
 */
import type { AttemptRecord, TaskChange, TaskEntry } from "./run.ts";

/** The attempts that count against the budgets of a task: those since its last progress, or its retry in place. */
export function sinceProgress({ attempts, retriedAfter, progressAfter = 0 }: TaskEntry): readonly AttemptRecord[] {
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
  return attempts.slice(attempts.findLastIndex(({ status, lostTo }) => status !== "lost" || lostTo === "deploy") + 1);
}

/** Whether one of these attempts was lost to its worker. */
export function hasLostWorker(attempts: readonly AttemptRecord[]): boolean {
  return attempts.some(({ lostTo }) => lostTo === "worker");
}

/** Whether the next attempt of this task runs alone. `change`: what is decided about it so far. */
export function isSuspect(entry: TaskEntry, change: TaskChange | undefined): boolean {
  if (change === undefined) return entry.isSuspect === true;
  return hasLostWorker(change.attempts) || (entry.isSuspect === true && change.retriedAfter === undefined);
}
