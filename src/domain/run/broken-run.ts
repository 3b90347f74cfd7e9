/**
 * Last resort for a run whose transitions throw again and again. The reason `broken` and an attempt
 * with the error mark this end. Observers learn of the end as of any failure: the task of
 * `on_failure`, waiting runs, and the limits with slots of the run.
 *
 * The machine may be the broken part, so this code avoids the machine and only makes every task
 * final. Open tasks are cancelled, so the change of a wide run fits into one journal entry.
 */
import { notifyOfEnd } from "./waiters.ts";
import { ChangeBuilder } from "./change-builder.ts";
import { limitGateEffects } from "./limit-gate.ts";
import { enqueueAlert } from "./outbox.ts";
import { entryOf, type Run } from "./state.ts";
import { isFinal } from "./task-state.ts";
import { type AttemptError, type AttemptRecord } from "./attempt.ts";
import { type TaskChange } from "./run-change.ts";
import type { TransitionResult, Effect } from "./machine-events.ts";

/** Makes the final transition of the run. Final tasks stay unchanged. */
export function brokenBy(run: Run, error: AttemptError, now: number): TransitionResult {
  const tasks = changesOf(run, error, now);
  const times = {
    startedAt: run.startedAt,
    finishedAt: Math.max(run.startedAt ?? run.createdAt, now),
  };
  const builder = new ChangeBuilder(run);
  const notifications = notifyOfEnd(run, builder, now);
  const after = new Map(tasks.map((change) => [change.ordinal, change]));
  enqueueAlert(run, builder, after, times);
  return {
    change: { tasks, run: { status: "failed", ...times }, ...builder.record() },
    effects: [
      { type: "finished" },
      ...notifications,
      ...builder.effects,
      ...givenBack(run, tasks, now),
    ],
    leases: [],
    rejections: [],
  };
}

function changesOf(run: Run, error: AttemptError, now: number): TaskChange[] {
  const open = run.tasks.flatMap(({ state }, ordinal) => (isFinal(state) ? [] : [ordinal]));
  // One task carries the error for the reader: an active task, or else the first.
  const reporter = open.find((ordinal) => run.active.has(ordinal)) ?? open[0];
  return open.map((ordinal): TaskChange => {
    const ended = endOfRunning(run, ordinal, now);
    if (ordinal !== reporter)
      return { ordinal, state: { status: "cancelled", finishedAt: now }, attempts: ended };
    const attempts = [...ended, failedAttempt(run, ordinal, error, now)];
    return { ordinal, state: { status: "failed", finishedAt: now, reason: "broken" }, attempts };
  });
}

/**
 * Releases the slots of the limits. A limit without the call asks by itself, so the end does not
 * depend on it.
 */
function givenBack(run: Run, tasks: readonly TaskChange[], now: number): Effect[] {
  const entry = (ordinal: number) => {
    const found = entryOf(run, ordinal);
    if (found === undefined) throw new RangeError(`run ${run.id} has no task ${ordinal}`);
    return found;
  };
  const view = {
    run,
    now,
    entry,
    stateOf: (ordinal: number) => entryOf(run, ordinal)?.state ?? null,
  };
  // The worker of an attempt may still run, as after a cancellation.
  const ended = tasks.map(({ ordinal }): TaskChange => ({
    ordinal,
    state: { status: "cancelled", finishedAt: now },
    attempts: [],
  }));
  try {
    return limitGateEffects(view, ended);
  } catch {
    return [];
  }
}

function endOfRunning(run: Run, ordinal: number, now: number): AttemptRecord[] {
  const last = run.tasks[ordinal]?.attempts.at(-1);
  return last?.status === "running"
    ? [{ ...last, status: "cancelled", finishedAt: Math.max(last.startedAt, now) }]
    : [];
}

function failedAttempt(run: Run, ordinal: number, error: AttemptError, now: number): AttemptRecord {
  const attempt = (run.tasks[ordinal]?.attempts.length ?? 0) + 1;
  return { attempt, status: "failed", startedAt: now, finishedAt: now, error, logs: null };
}
