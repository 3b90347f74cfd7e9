/**
 * Starts and ends of the items of mapped tasks (see mapped-task.ts), decided once per transition.
 */
import { endTask, makeReady } from "./cascade.ts";
import { isStopping, slotsLeft, underWay } from "./mapped-task.ts";
import { isBegunByDrivers } from "../plan/run-graph.ts";
import { itemsToBegin } from "./start-items.ts";
import type { Transition } from "./transition.ts";

/** Items started per transition by the run itself; the rest follow after the delay. */
const STARTED_AT_ONCE = 500;
const START_DELAY_MS = 100;

/** Ends mapped tasks without open items: collect the outputs, or fail. */
export function finishMapped(transition: Transition): void {
  const { now } = transition;
  for (const of of transition.touchedMapped) {
    const { task } = transition.entry(of);
    const progress = transition.mapped.progress(of);
    if (transition.state(of).status !== "each" || task.each === undefined) continue;
    if (progress === null) continue;
    const stopping = isStopping(task.each, progress);
    if (stopping) cancelWaiting(transition, of);
    if (underWay(progress) > 0) continue;
    if (stopping)
      endTask(transition, of, { status: "failed", finishedAt: now, reason: "item_failed" });
    else if (progress.pending === 0) makeReady(transition, of);
  }
}

/** Cancels the waiting items of a failing task. */
function cancelWaiting(transition: Transition, of: number): void {
  for (const ordinal of [...transition.run.active, ...transition.ready]) {
    const { status } = transition.state(ordinal);
    const isWaiting = status === "queued" || status === "retrying" || status === "waiting";
    if (isWaiting && transition.entry(ordinal).item?.of === of)
      transition.set(ordinal, { status: "cancelled", finishedAt: transition.now });
  }
}

/** Starts the items which drivers may not start, and marks free places for a message. */
export function startMapped(transition: Transition): void {
  const { now } = transition;
  for (const of of transition.touchedMapped) {
    const { task } = transition.entry(of);
    const state = transition.state(of);
    const progress = transition.mapped.progress(of);
    if (state.status !== "each" || task.each === undefined || progress === null) continue;
    const isFilled = !isBegunByDrivers(task);
    const slots = isFilled ? Math.min(STARTED_AT_ONCE, slotsLeft(task.each, progress)) : 0;
    const begun = itemsToBegin(transition, of, progress, slots, transition.mapped.hasFreed(of));
    for (const ordinal of begun) makeReady(transition, ordinal);
    // Fewer started items mean the rest wait behind the keys of these.
    const isStartable = !isFilled || begun.length === STARTED_AT_ONCE;
    if (slotsLeft(task.each, progress) === 0 || !isStartable) {
      // Active items have due times of their own; the rest need nothing before a place is free.
      const { sentAt: _, ...rest } = state;
      if (state.redispatchAt !== null) transition.set(of, { ...rest, redispatchAt: null });
    } else if (isFilled) transition.set(of, { ...state, redispatchAt: now + START_DELAY_MS });
    else if (state.redispatchAt === null) {
      transition.set(of, { ...state, ...transition.sendOf(1, "driver") });
      transition.readyMapped.add(of);
    }
  }
}
