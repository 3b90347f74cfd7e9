/**
 * Starts and ends of tasks. The end of a task decides about its children by `run_if`: a child
 * starts, is skipped, or keeps waiting.
 */
import type { AttemptRecord } from "./attempt.ts";
import { firstBlock } from "./limit-gate.ts";
import { restartLateness } from "./lateness.ts";
import type { MachineEvent } from "./machine-events.ts";
import { MAX_ITEMS } from "./mapped-task.ts";
import { longestWaitMs } from "./shared-triggers.ts";
import { whySkipped } from "./skipping.ts";
import type { MappedProgress } from "./state.ts";
import { arrayRead } from "./task-inputs.ts";
import type { FinalState } from "./task-state.ts";
import type { Transition } from "./transition.ts";

/** Starts a task, for the first time or after a retry. */
export function startTask(transition: Transition, ordinal: number): void {
  const ended = begin(transition, ordinal);
  if (ended !== null) endTask(transition, ordinal, ended);
}

/** Starts a task. Returns a final state if the task ends at once. */
function begin(transition: Transition, ordinal: number): FinalState | null {
  const { now, run } = transition;
  const { task, each } = transition.entry(ordinal);
  if (task.each === undefined) makeReady(transition, ordinal);
  else if (each !== undefined) {
    if (each.succeeded === each.total) makeReady(transition, ordinal);
    else openItems(transition, ordinal, transition.mapped.reopen(ordinal, each));
  } else {
    const read = arrayRead(run, task, (parent) => transition.state(parent));
    if (read?.length === undefined)
      return { status: "failed", finishedAt: now, reason: "not_an_array" };
    if (read.length > MAX_ITEMS)
      return { status: "failed", finishedAt: now, reason: "too_many_items" };
    // The input already is the empty array.
    if (read.length === 0)
      return { status: "succeeded", finishedAt: now, passed: { output: read, to: null } };
    openItems(transition, ordinal, transition.mapped.open(ordinal, read.length));
  }
  return null;
}

/** Opens the items. Messages follow in `startMapped`, which counts the remaining items. */
function openItems(transition: Transition, ordinal: number, progress: MappedProgress): void {
  const { first, total } = progress;
  transition.set(ordinal, { status: "each", first, total, dispatches: 0, redispatchAt: null });
}

/**
 * Queues a task unless blocked. The next claim takes the task; a message is sent unless this
 * transition grants the task.
 */
export function makeReady(
  transition: Transition,
  ordinal: number,
  attempt?: AttemptRecord,
  blockedBy = firstBlock(transition.entry(ordinal), transition.now),
): void {
  const sending = transition.sendOf(1, blockedBy === null ? transition.laneOf(ordinal) : null);
  const state = { status: "queued", ...sending, ...(blockedBy !== null && { blockedBy }) } as const;
  transition.set(ordinal, state, attempt);
  if (blockedBy === null) transition.ready.push(ordinal);
}

/**
 * Queues the root with a delay; the time until the run is late counts from the end of the delay.
 */
export function delayTask(transition: Transition, ordinal: number, delayMs: number): void {
  const notBefore = transition.now + delayMs;
  transition.set(ordinal, { status: "queued", dispatches: 0, redispatchAt: notBefore, notBefore });
  restartLateness(transition, notBefore);
}

/**
 * Restarts the root's delay with another payload. After the longest wait, or the last allowed
 * trigger, the root is due at once.
 */
export function postponeRoot(
  transition: Transition,
  event: Extract<MachineEvent, { readonly type: "postponed" }>,
): void {
  const { delayMs, maxWaitMs } = event;
  const leftMs = longestWaitMs(transition.run, maxWaitMs, transition.now);
  delayTask(transition, 0, Math.min(delayMs, leftMs));
  transition.builder.postponed(event);
}

/**
 * Ends a task and cascades: children become ready or are skipped. Iterative, since chains may be
 * long.
 */
export function endTask(
  transition: Transition,
  ordinal: number,
  state: FinalState,
  attempt?: AttemptRecord,
): void {
  transition.set(ordinal, state, attempt);
  if (ordinal >= transition.run.tasks.length) return;
  const ended = [{ ordinal, state }];
  for (const parent of ended) {
    transition.ended += 1;
    for (const child of transition.entry(parent.ordinal).task.downstream) {
      const skipped = endOfChild(transition, child, parent.state);
      if (skipped === null) continue;
      transition.set(child, skipped);
      ended.push({ ordinal: child, state: skipped });
    }
  }
}

/** Counts the end of a parent. Returns a final state if the child ends with that. */
function endOfChild(transition: Transition, child: number, parent: FinalState): FinalState | null {
  const { task, waitingOn: recorded } = transition.entry(child);
  const waitingOn = (transition.waitingOn.get(child) ?? recorded) - 1;
  transition.waitingOn.set(child, waitingOn);
  if (transition.state(child).status !== "pending") return null;
  const reason = whySkipped(task, parent, waitingOn, (of) => transition.state(of));
  if (reason !== null) return { status: "skipped", finishedAt: transition.now, reason };
  return waitingOn === 0 ? begin(transition, child) : null;
}

/**
 * Reopens a task of a final run. Attempt records are kept, and items are reopened with the task
 * (see mapped-task-draft.ts).
 */
export function reopenTask(transition: Transition, ordinal: number, round: number): void {
  const { attempts, task } = transition.entry(ordinal);
  transition.changes.set(ordinal, {
    ordinal,
    state: { status: "pending" },
    attempts: [],
    retriedAfter: attempts.length,
    round,
  });
  transition.reopened += 1;
  const { waitingOn } = transition;
  for (const child of task.downstream)
    waitingOn.set(child, (waitingOn.get(child) ?? transition.entry(child).waitingOn) + 1);
}

/** Cancels a task together with its run, without a cascade. */
export function cancelTask(transition: Transition, ordinal: number, attempt?: AttemptRecord): void {
  transition.set(ordinal, { status: "cancelled", finishedAt: transition.now }, attempt);
  transition.ended += 1;
}
