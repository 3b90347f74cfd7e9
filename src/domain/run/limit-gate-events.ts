/**
 * Transitions of blocked tasks: answers of the limits, repeated requests, pause and resume (see
 * `limit-gate.ts`).
 */
import type { Decision } from "./transition.ts";
import { attemptOf, endedLate, isHeldFor, nextHold, type HoldEvent } from "./limit-gate.ts";
import type { SettledAttempt } from "./machine-events.ts";
import type { TaskState } from "./task-state.ts";

/** Repetition of a request for a slot: ever rarer, since the limit object remembers the request. */
const ASK_AGAIN_MS = { first: 10_000, growth: 4, most: 900_000 } as const;

type QueuedState = Extract<TaskState, { readonly status: "queued" }>;

/** Applies the answer of a limit to an attempt. */
export function answerHold(
  decision: Decision,
  event: Exclude<HoldEvent, { readonly type: "resumed" }>,
): void {
  const { ordinal, attempt } = event;
  const state = decision.stateOf(ordinal);
  if (state === null || attemptOf(state, decision.entry(ordinal).attempts.length) !== attempt)
    return decision.ignore("not_held");
  switch (event.type) {
    case "permitted":
      if (isHeldFor(state, event.kind))
        decision.makeReady(
          ordinal,
          undefined,
          nextHold(decision.entry(ordinal).task, event.kind, decision.now),
        );
      else decision.ignore("not_held");
      break;
    case "refused":
      if (isHeldFor(state, "concurrency"))
        decision.end(ordinal, {
          status: "skipped",
          finishedAt: decision.now,
          reason: "concurrency",
        });
      else decision.ignore("not_held");
      break;
    case "displaced":
      displace(decision, ordinal, state);
      break;
  }
}

/** Repeats the request of a blocked task without an answer. */
export function askAgainFor(decision: Decision, ordinal: number, state: QueuedState): void {
  const pauseMs = Math.min(
    ASK_AGAIN_MS.most,
    ASK_AGAIN_MS.first * ASK_AGAIN_MS.growth ** state.dispatches,
  );
  decision.set(ordinal, {
    ...state,
    dispatches: state.dispatches + 1,
    redispatchAt: decision.now + pauseMs,
  });
}

/**
 * Handles a settle after the end of its attempt: a slot kept for the attempt is released now. Code
 * which goes on keeps its slot until its lease ends.
 */
export function settleLate(
  decision: Decision,
  { ordinal, attempt, outcome }: SettledAttempt,
): void {
  decision.ignore("stale_lease");
  if (outcome.type === "lost" && outcome.goesOn === true) return;
  const owed = endedLate(decision.run, ordinal, attempt);
  if (owed !== null) decision.effect(owed);
}

/** Cancels a preempted attempt and its task. The children's `run_if` decides the rest. */
function displace(decision: Decision, ordinal: number, state: TaskState): void {
  const ended = { status: "cancelled", finishedAt: decision.now, reason: "concurrency" } as const;
  const attempt = attemptOf(state, decision.entry(ordinal).attempts.length);
  if (state.status === "queued" || attempt === null) return decision.end(ordinal, ended);
  const record = decision.openAttempt(ordinal, attempt);
  const finishedAt = Math.max(record.startedAt, decision.now);
  decision.end(ordinal, ended, { ...record, status: "cancelled", finishedAt });
}

/** Blocks the ready attempts of paused tasks, before a grant to a driver. */
export function holdPaused(decision: Decision, paused: readonly string[] | undefined): void {
  if (paused === undefined) return;
  for (const ordinal of decision.claimable()) {
    const { task } = decision.entry(ordinal);
    if (paused.includes(task.name))
      decision.makeReady(ordinal, undefined, { for: "pause", since: decision.now });
  }
  // Pending items have no state of their own: the task itself waits for its resumption.
  for (const { task } of decision.run.tasks)
    if (task.each !== undefined && paused.includes(task.name))
      decision.effect({ type: "await_resume", task: task.name });
}

/** Unblocks the attempts of a resumed task. */
export function resumeTask(decision: Decision, name: string): void {
  const { run } = decision;
  let resumed = 0;
  for (const ordinal of run.active) {
    const { task, state } = decision.entry(ordinal);
    if (task.name !== name) continue;
    if (state.status === "each") decision.sendForItems(ordinal, state, 0);
    else if (isHeldFor(state, "pause")) decision.makeReady(ordinal, undefined, null);
    else continue;
    resumed += 1;
  }
  if (resumed === 0) decision.ignore("not_held");
}
