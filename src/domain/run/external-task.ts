/**
 * External tasks: the method runs once an attempt, tells somebody where to report to, and the task then waits, without anything
 * running, until that somebody has completed it, or its timeout is over.
 *
 *     running ── the method has returned ──▶ waiting ── completed ──▶ succeeded
 *        │                                      ├─────── reported as failed, timed out ──▶ retrying, failed
 *        └─ completed before it has returned ───┘
 *
 * An attempt is completed at most once, by whoever names its attempt and token first; also while its method is still at work: a
 * service may be faster than the method that has called it.
 *
 * Whoever was told by an attempt that was lost after that, or suspended, has no other URL: a later attempt may find the step recorded in
 * which it was sent. So such an attempt can be completed for as long as the task is not final, and what is open then is completed with
 * it. One that failed, timed out or was cancelled is over, and with a retry in place all that were before it.
 */
import type { Decision } from "./transition.ts";
import {
  entryOf,
  isFinal,
  type AttemptRecord,
  type Run,
  type TaskEntry,
  type TaskState,
} from "./state.ts";
import type { Completion } from "./machine-events.ts";

/** How an attempt stands to being completed: `timed_out` and `over` (it failed otherwise, or was cancelled) are too late. */
export type CompletionStanding = "open" | "completed" | "timed_out" | "over";

/** The method has returned: from now on the task waits. */
export function beginWait(decision: Decision, ordinal: number, record: AttemptRecord): void {
  const { attempt, startedAt } = record;
  const state = decision.stateOf(ordinal);
  if (state?.status !== "running") return;
  const expiresAt = startedAt + decision.entry(ordinal).task.timeoutMs;
  const waiting = {
    status: "waiting",
    for: "completion",
    attempt,
    token: state.token,
    expiresAt,
  } as const;
  decision.set(ordinal, waiting, { ...record, status: "running", finishedAt: null });
}

/** The attempt that is open to be completed; null if none is. */
export function openCompletion(
  state: TaskState,
): { readonly attempt: number; readonly token: number } | null {
  const isOpen =
    state.status === "running" || (state.status === "waiting" && state.for === "completion");
  return isOpen ? { attempt: state.attempt, token: state.token } : null;
}

/** How this attempt of an external task stands. */
export function standingOfCompletion(
  run: Run,
  ordinal: number,
  attempt: number,
  token: number,
): CompletionStanding {
  const entry = entryOf(run, ordinal);
  if (entry?.task.external !== true) return "over";
  const open = openCompletion(entry.state);
  if (open?.attempt === attempt && open.token === token) return "open";
  const record = entry.attempts[attempt - 1];
  if (record?.completedBy !== undefined) return "completed";
  if (record?.token === token && isCarriedOn(record, entry))
    return isFinal(entry.state) ? standingOfFinal(entry) : "open";
  return record?.status === "timed_out" ? "timed_out" : "over";
}

/** Whether the attempt has ended without a word of its own, and later ones go on in its place. */
function isCarriedOn({ attempt, status }: AttemptRecord, { retriedAfter }: TaskEntry): boolean {
  return attempt > retriedAfter && (status === "lost" || status === "suspended");
}

function standingOfFinal({ attempts, retriedAfter }: TaskEntry): CompletionStanding {
  return attempts.slice(retriedAfter).some(({ completedBy }) => completedBy !== undefined)
    ? "completed"
    : "over";
}

/**
 * The record of the attempt that ends with this report: the one that is open, else the one that it names; and of the latter, that it
 * has counted.
 */
export function completedRecords(
  decision: Decision,
  { ordinal, attempt, nonce, outcome }: Completion,
): { readonly ended: AttemptRecord; readonly named: AttemptRecord | null } {
  const state = decision.stateOf(ordinal);
  const open = state === null ? null : openCompletion(state);
  const {
    lostTo: _,
    alone: __,
    ...record
  } = decision.openAttempt(ordinal, open?.attempt ?? attempt);
  const ended = {
    ...record,
    status: outcome.type,
    finishedAt: Math.max(record.startedAt, decision.now),
    error: outcome.type === "failed" ? outcome.error : null,
    completedBy: nonce,
  };
  if (ended.attempt === attempt) return { ended, named: null };
  return { ended, named: { ...decision.openAttempt(ordinal, attempt), completedBy: nonce } };
}

/** The record of an attempt that nobody has completed in time. */
export function expiredRecord(decision: Decision, ordinal: number, attempt: number): AttemptRecord {
  const record = decision.openAttempt(ordinal, attempt);
  const message = `nobody has completed the task within its timeout of ${decision.entry(ordinal).task.timeoutMs} ms`;
  const error = { name: "TimeoutError", message, stack: null };
  return {
    ...record,
    status: "timed_out",
    finishedAt: Math.max(record.startedAt, decision.now),
    error,
  };
}
