/**
 * The end of a run that nobody can have go on: deciding what happens to it throws, again and again. It is told apart from all other
 * ends by the reason `broken`, and by an attempt whose error says why.
 *
 * It is made without the machine, which may be what is broken, and follows no rule but that everything is final afterwards. What has
 * not begun is cancelled, so that a run of many tasks fits into one entry of its journal.
 */
import { isFinal, type AttemptError, type AttemptRecord, type Run, type RunChange, type TaskChange } from "./run.ts";

/** The change that ends the run. Final tasks stay as they are. */
export function brokenBy(run: Run, error: AttemptError, now: number): RunChange {
  const open = run.tasks.flatMap(({ state }, ordinal) => (isFinal(state) ? [] : [ordinal]));
  // Somebody is to read why: one of those that were under way, or else the first.
  const told = open.find((ordinal) => run.active.has(ordinal)) ?? open[0];
  const tasks = open.map((ordinal): TaskChange => {
    if (ordinal !== told) return { ordinal, state: { status: "cancelled", finishedAt: now }, attempts: [] };
    const attempts = [...endOfRunning(run, ordinal, now), failedAttempt(run, ordinal, error, now)];
    return { ordinal, state: { status: "failed", finishedAt: now, reason: "broken" }, attempts };
  });
  const finishedAt = Math.max(run.startedAt ?? run.createdAt, now);
  return { tasks, run: { status: "failed", startedAt: run.startedAt, finishedAt } };
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
