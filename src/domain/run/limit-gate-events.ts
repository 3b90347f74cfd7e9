/** What becomes of tasks that are held, or were: what the limits say of them, and what they ask again (see `hold.ts`). */
import type { Decision } from "./transition.ts";
import { attemptOf, endedLate, isHeldFor, nextHold, type HoldEvent } from "./limit-gate.ts";
import type { SettledAttempt } from "./machine-events.ts";
import type { TaskState } from "./state.ts";

/** What is held asks again after this time, and more rarely each time: who answers to it keeps it in mind. */
const ASK_AGAIN_MS = { first: 10_000, growth: 4, most: 900_000 } as const;

type QueuedState = Extract<TaskState, { readonly status: "queued" }>;

/** A limit has said something of an attempt. */
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

/** Nobody has answered for the held task. */
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

/** A settle of the past; a slot may have been kept until it comes, or, of code that goes on, is kept until its lease is over. */
export function settleLate(
  decision: Decision,
  { ordinal, attempt, outcome }: SettledAttempt,
): void {
  decision.ignore("stale_lease");
  if (outcome.type === "lost" && outcome.goesOn === true) return;
  const owed = endedLate(decision.run, ordinal, attempt);
  if (owed !== null) decision.effect(owed);
}

/** An attempt that has not ended gives way, and with it its task; what follows from that is up to the children's `run_if`. */
function displace(decision: Decision, ordinal: number, state: TaskState): void {
  const ended = { status: "cancelled", finishedAt: decision.now, reason: "concurrency" } as const;
  const attempt = attemptOf(state, decision.entry(ordinal).attempts.length);
  if (state.status === "queued" || attempt === null) return decision.end(ordinal, ended);
  const record = decision.openAttempt(ordinal, attempt);
  const finishedAt = Math.max(record.startedAt, decision.now);
  decision.end(ordinal, ended, { ...record, status: "cancelled", finishedAt });
}

/** Before a driver is granted anything: what is ready of these tasks is held back. */
export function holdPaused(decision: Decision, paused: readonly string[] | undefined): void {
  if (paused === undefined) return;
  for (const ordinal of decision.claimable()) {
    const { task } = decision.entry(ordinal);
    if (paused.includes(task.name))
      decision.makeReady(ordinal, undefined, { for: "pause", since: decision.now });
  }
  // Of their items that nobody has begun there is no state: the task itself waits.
  for (const { task } of decision.run.tasks)
    if (task.each !== undefined && paused.includes(task.name))
      decision.effect({ type: "await_resume", task: task.name });
}

/** What was held back of this task may start. */
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
