/** The alarm of a run: due tasks are retried, resent, lost or resumed. */
import { makeReady } from "./cascade.ts";
import type { Transition } from "./transition.ts";
import { expiredRecord } from "./external-task.ts";
import { repeatRequest } from "./limit-gate-events.ts";
import { afterLoss } from "./losses.ts";
import { askAgain } from "./suspension.ts";
import { redeliverDue } from "./outbox.ts";
import { driversAtWork, sendAgainFor, sendAgainForItems } from "./resending.ts";
import { notifyAgain } from "./waiters.ts";
import { askForDeploy } from "./undeployed.ts";
import { dueAt, type TaskState } from "./task-state.ts";
import { afterFailure } from "./settling.ts";

/** Due tasks per wake; the rest follow in the next. Bounds the size of a journal entry. */
const WAKE_BATCH = 1_000;

export function wake(transition: Transition, silent: readonly number[]): void {
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
