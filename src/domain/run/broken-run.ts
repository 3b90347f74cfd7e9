/**
 * The end of a run that nobody can have go on: deciding what happens to it throws, again and again. It is told apart from all other
 * ends by the reason `broken`, and by an attempt whose error says why. Others learn of it as of any failure: the task of `on_failure`,
 * runs that await it, and the limits whose slots it has.
 *
 * It is made without the machine, which may be what is broken, and follows no rule but that everything is final afterwards. What has
 * not begun is cancelled, so that a run of many tasks fits into one entry of its journal.
 */
import { ChangeNotes } from "./change-builder.ts";
import { holdEffects } from "./limit-gate.ts";
import { oweAlert } from "./outbox.ts";
import {
  entryOf,
  isFinal,
  type AttemptError,
  type AttemptRecord,
  type Run,
  type TaskChange,
} from "./state.ts";
import type { Advance, Effect } from "./machine-events.ts";

/** The decision that ends the run. Final tasks stay as they are. */
export function brokenBy(run: Run, error: AttemptError, now: number): Advance {
  const tasks = changesOf(run, error, now);
  const times = {
    startedAt: run.startedAt,
    finishedAt: Math.max(run.startedAt ?? run.createdAt, now),
  };
  const notes = new ChangeNotes(run);
  const telling = notes.finish(now);
  const after = new Map(tasks.map((change) => [change.ordinal, change]));
  oweAlert(run, notes, after, times);
  return {
    change: { tasks, run: { status: "failed", ...times }, ...notes.record() },
    effects: [{ type: "finished" }, ...telling, ...notes.effects, ...givenBack(run, tasks, now)],
    leases: [],
    ignored: [],
  };
}

function changesOf(run: Run, error: AttemptError, now: number): TaskChange[] {
  const open = run.tasks.flatMap(({ state }, ordinal) => (isFinal(state) ? [] : [ordinal]));
  // Somebody is to read why: one of those that were under way, or else the first.
  const told = open.find((ordinal) => run.active.has(ordinal)) ?? open[0];
  return open.map((ordinal): TaskChange => {
    const ended = endOfRunning(run, ordinal, now);
    if (ordinal !== told)
      return { ordinal, state: { status: "cancelled", finishedAt: now }, attempts: ended };
    const attempts = [...ended, failedAttempt(run, ordinal, error, now)];
    return { ordinal, state: { status: "failed", finishedAt: now, reason: "broken" }, attempts };
  });
}

/** The calls that give the slots of limits back. A limit that hears of none asks by itself, so the end does not depend on them. */
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
  // The worker of an attempt may still be at work, as that of one that was cancelled.
  const ended = tasks.map(({ ordinal }): TaskChange => ({
    ordinal,
    state: { status: "cancelled", finishedAt: now },
    attempts: [],
  }));
  try {
    return holdEffects(view, ended);
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
