/**
 * External tasks: the method runs once per attempt and reports a completion URL to an outside
 * service. Then the task waits, without running code, for a completion or its timeout.
 *
 *     running ── method has returned ──▶ waiting ── completed ──▶ succeeded
 *        │                                  └─ reported as failed, timed out ──▶ retrying, failed
 *        └─ completed before its return ──▶ succeeded
 *
 * An attempt is completed at most once, by the first request with its attempt number and token. A
 * fast service may complete the task before its method returns.
 *
 * A lost or suspended attempt may already have sent its URL, in a recorded step which later
 * attempts skip. So such an attempt can be completed until the task is final; the completion ends
 * the open attempt too. A failed, timed-out or cancelled attempt is closed, as is every attempt
 * before a retry in place.
 */
import type { Transition } from "./transition.ts";
import { entryOf, type Run, type TaskEntry } from "./state.ts";
import { isFinal, type TaskState } from "./task-state.ts";
import { type AttemptRecord } from "./attempt.ts";
import type { Completion } from "./machine-events.ts";

/** Status of a completion request. `timed_out` and `over` (failed or cancelled) are too late. */
export type CompletionStatus = "open" | "completed" | "timed_out" | "over";

/** Moves the task to `waiting` after its method has returned. */
export function beginWait(transition: Transition, ordinal: number, record: AttemptRecord): void {
  const { attempt, startedAt } = record;
  const state = transition.stateOf(ordinal);
  if (state?.status !== "running") return;
  const expiresAt = startedAt + transition.entry(ordinal).task.timeoutMs;
  const waiting = {
    status: "waiting",
    for: "completion",
    attempt,
    token: state.token,
    expiresAt,
  } as const;
  const returnedAt = record.finishedAt ?? transition.now;
  const open = { ...record, status: "running", finishedAt: null, returnedAt } as const;
  transition.set(ordinal, waiting, open);
}

/** Returns the attempt open for completion; null without one. */
export function openCompletion(
  state: TaskState,
): { readonly attempt: number; readonly token: number } | null {
  const isOpen =
    state.status === "running" || (state.status === "waiting" && state.for === "completion");
  return isOpen ? { attempt: state.attempt, token: state.token } : null;
}

/** Status of a completion request for this attempt of an external task. */
export function completionStatusOf(
  run: Run,
  ordinal: number,
  attempt: number,
  token: number,
): CompletionStatus {
  const entry = entryOf(run, ordinal);
  if (entry?.task.external !== true) return "over";
  const open = openCompletion(entry.state);
  if (open?.attempt === attempt && open.token === token) return "open";
  const record = entry.attempts[attempt - 1];
  if (record?.completedBy !== undefined) return "completed";
  if (record?.token === token && isCarriedOn(record, entry))
    return isFinal(entry.state) ? statusOfFinal(entry) : "open";
  return record?.status === "timed_out" ? "timed_out" : "over";
}

/** Tests whether later attempts continue a lost or suspended attempt. */
function isCarriedOn({ attempt, status }: AttemptRecord, { retriedAfter }: TaskEntry): boolean {
  return attempt > retriedAfter && (status === "lost" || status === "suspended");
}

function statusOfFinal({ attempts, retriedAfter }: TaskEntry): CompletionStatus {
  return attempts.slice(retriedAfter).some(({ completedBy }) => completedBy !== undefined)
    ? "completed"
    : "over";
}

/**
 * Records of a completion: the open attempt or else the named attempt ends, and the named attempt
 * is marked as completed.
 */
export function completedRecords(
  transition: Transition,
  { ordinal, attempt, nonce, outcome }: Completion,
): { readonly ended: AttemptRecord; readonly named: AttemptRecord | null } {
  const state = transition.stateOf(ordinal);
  const open = state === null ? null : openCompletion(state);
  const {
    lostTo: _,
    alone: __,
    ...record
  } = transition.openAttempt(ordinal, open?.attempt ?? attempt);
  const finishedAt = Math.max(record.startedAt, transition.now);
  const ended = {
    // A completion before the method's return ends the work as well.
    ...(state?.status === "running" && { returnedAt: finishedAt }),
    ...record,
    status: outcome.type,
    finishedAt,
    error: outcome.type === "failed" ? outcome.error : null,
    completedBy: nonce,
  };
  if (ended.attempt === attempt) return { ended, named: null };
  return { ended, named: { ...transition.openAttempt(ordinal, attempt), completedBy: nonce } };
}

/** Record of an attempt without a completion in time. */
export function expiredRecord(
  transition: Transition,
  ordinal: number,
  attempt: number,
): AttemptRecord {
  const record = transition.openAttempt(ordinal, attempt);
  const message = `nobody has completed the task within its timeout of ${transition.entry(ordinal).task.timeoutMs} ms`;
  const error = { name: "TimeoutError", message, stack: null };
  return {
    ...record,
    status: "timed_out",
    finishedAt: Math.max(record.startedAt, transition.now),
    error,
  };
}
