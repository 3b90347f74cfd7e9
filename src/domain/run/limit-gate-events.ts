/**
 * Transitions of blocked tasks: answers of the limits, repeated requests, pause and resume (see
 * `limit-gate.ts`).
 */
import { endTask, makeReady } from "./cascade.ts";
import { resendForItems } from "./dispatching.ts";
import { claimable } from "./leasing.ts";
import type { Transition } from "./transition.ts";
import {
  attemptOf,
  lateRelease,
  isBlockedBy,
  nextBlock,
  type LimitGateEvent,
} from "./limit-gate.ts";
import type { DriverClaim, SettledAttempt } from "./machine-events.ts";
import type { TaskState } from "./task-state.ts";

/** Repetition of a request for a slot: ever rarer, since the limit object remembers the request. */
const ASK_AGAIN_MS = { first: 10_000, growth: 4, most: 900_000 } as const;

type QueuedState = Extract<TaskState, { readonly status: "queued" }>;

/** Applies the answer of a limit to an attempt. */
export function applyLimitAnswer(
  transition: Transition,
  event: Exclude<LimitGateEvent, { readonly type: "task_resumed" }>,
): void {
  const { ordinal, attempt } = event;
  const state = transition.stateOf(ordinal);
  if (state === null || attemptOf(state, transition.entry(ordinal).attempts.length) !== attempt)
    return transition.reject("not_blocked");
  switch (event.type) {
    case "slot_granted":
      if (isBlockedBy(state, event.kind))
        makeReady(
          transition,
          ordinal,
          undefined,
          nextBlock(transition.entry(ordinal).task, event.kind, transition.now),
        );
      else transition.reject("not_blocked");
      break;
    case "slot_denied":
      if (isBlockedBy(state, "concurrency"))
        endTask(transition, ordinal, {
          status: "skipped",
          finishedAt: transition.now,
          reason: "concurrency",
        });
      else transition.reject("not_blocked");
      break;
    case "preempted":
      preempt(transition, ordinal, state);
      break;
  }
}

/** Repeats the request of a blocked task without an answer. */
export function repeatRequest(transition: Transition, ordinal: number, state: QueuedState): void {
  const pauseMs = Math.min(
    ASK_AGAIN_MS.most,
    ASK_AGAIN_MS.first * ASK_AGAIN_MS.growth ** state.dispatches,
  );
  transition.set(ordinal, {
    ...state,
    dispatches: state.dispatches + 1,
    redispatchAt: transition.now + pauseMs,
  });
}

/**
 * Handles a settle after the end of its attempt: a slot kept for the attempt is released now. Code
 * which goes on keeps its slot until its lease ends.
 */
export function releaseLate(
  transition: Transition,
  { ordinal, attempt, outcome }: SettledAttempt,
): void {
  transition.reject("stale_lease");
  if (outcome.type === "lost" && outcome.goesOn === true) return;
  const release = lateRelease(transition.run, ordinal, attempt);
  if (release !== null) transition.effect(release);
}

/** Cancels a preempted attempt and its task. The children's `run_if` decides the rest. */
function preempt(transition: Transition, ordinal: number, state: TaskState): void {
  const ended = { status: "cancelled", finishedAt: transition.now, reason: "concurrency" } as const;
  const attempt = attemptOf(state, transition.entry(ordinal).attempts.length);
  if (state.status === "queued" || attempt === null) return endTask(transition, ordinal, ended);
  const record = transition.openAttempt(ordinal, attempt);
  const finishedAt = Math.max(record.startedAt, transition.now);
  endTask(transition, ordinal, ended, { ...record, status: "cancelled", finishedAt });
}

/** Blocks the ready attempts of paused tasks, before a grant to a driver. */
export function blockPaused(
  transition: Transition,
  { paused, pausedBy = {} }: Pick<DriverClaim, "paused" | "pausedBy">,
): void {
  if (paused === undefined) return;
  for (const ordinal of claimable(transition)) {
    const { task } = transition.entry(ordinal);
    if (!paused.includes(task.name)) continue;
    makeReady(transition, ordinal, undefined, { for: "pause", since: transition.now });
    notePause(transition, ordinal, pausedBy[task.name] ?? null);
  }
  // Pending items have no state of their own: the task itself waits for its resumption.
  for (const { task } of transition.run.tasks)
    if (task.each !== undefined && paused.includes(task.name))
      transition.effect({ type: "await_resume", task: task.name });
}

/** Notes the pause at the task; of its items, only the first that the pause holds back. */
function notePause(transition: Transition, ordinal: number, by: string | null): void {
  const { item } = transition.entry(ordinal);
  const of = item?.of ?? ordinal;
  const noted = [
    ...(transition.entry(of).actions ?? []),
    ...(transition.changes.get(of)?.actions ?? []),
  ];
  if (item !== undefined && noted.some(({ what }) => what === "paused")) return;
  transition.note(of, { what: "paused", at: transition.now, by });
}

/** Unblocks the attempts of a resumed task. */
export function resumeTask(transition: Transition, name: string): void {
  const { run } = transition;
  let resumed = 0;
  for (const ordinal of run.active) {
    const { task, state } = transition.entry(ordinal);
    if (task.name !== name) continue;
    if (state.status === "each") resendForItems(transition, ordinal, state, 0);
    else if (isBlockedBy(state, "pause")) makeReady(transition, ordinal, undefined, null);
    else continue;
    resumed += 1;
  }
  if (resumed === 0) transition.reject("not_blocked");
}
