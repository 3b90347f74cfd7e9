/**
 * The last phase of a transition. The order of the steps matters:
 * 1. `finishMapped` ends mapped tasks without open items; their end may ready children.
 * 2. `startMapped` starts items in the places left free.
 * 3. `dispatchReady` sends messages for everything ready and not granted by a claim before.
 * 4. `closeRun` derives the status of the run from the final states, notifies waiting runs, and
 *    enqueues the alert of a failed run.
 * 5. The change is built; limit calls are derived from it, and outbox deliveries follow.
 */
import { notifyOfEnd } from "./waiters.ts";
import { dispatchReady } from "./dispatching.ts";
import { limitGateEffects } from "./limit-gate.ts";
import { noteLateness } from "./lateness.ts";
import type { TransitionResult } from "./machine-events.ts";
import { finishMapped, startMapped } from "./mapped-items.ts";
import { enqueueAlert } from "./outbox.ts";
import type { RunChange } from "./run-change.ts";
import type { FinalState } from "./task-state.ts";
import type { RunStatus } from "../statuses.ts";
import type { Transition } from "./transition.ts";

/** Completes the transition: one change with its leases and effects. */
export function conclude(transition: Transition): TransitionResult {
  const { builder, changes, effects, granted, leases, rejections, run } = transition;
  finishMapped(transition);
  startMapped(transition);
  dispatchReady(transition);
  const closed = closeRun(transition);
  const change: RunChange = {
    tasks: [...changes.values()],
    ...(closed !== null && { run: closed }),
    ...(granted > 0 && { lastToken: run.lastToken + granted }),
    ...builder.record(),
  };
  effects.push(...limitGateEffects(transition, change.tasks));
  const isChanged = changes.size > 0 || builder.isWorthAChange;
  effects.push(...builder.effects);
  return { change: isChanged ? change : null, effects, leases, rejections };
}

/** Returns the changed status and times of the run; null if unchanged. */
function closeRun(transition: Transition): NonNullable<RunChange["run"]> | null {
  const { builder, changes, leases, now, reopened, run } = transition;
  const status = statusOf(transition);
  const becomesLate = noteLateness(transition);
  // The first lease starts the run and changes its status.
  if (status === run.status && reopened === 0 && !becomesLate) return null;
  // The clock may have been set back: no end precedes its start.
  const startedAt = run.startedAt ?? (leases.length > 0 ? Math.max(run.createdAt, now) : null);
  if (transition.open > 0) return { status, startedAt, finishedAt: null };
  const finishedAt = Math.max(startedAt ?? run.createdAt, now);
  transition.effects.push({ type: "finished" }, ...notifyOfEnd(run, builder, now));
  if (status === "failed") enqueueAlert(run, builder, changes, { startedAt, finishedAt });
  return { status, startedAt, finishedAt };
}

function statusOf(transition: Transition): RunStatus {
  const { ended, isCancelled, leases, open, run } = transition;
  if (open > 0) return run.startedAt !== null || leases.length > 0 ? "running" : "queued";
  if (isCancelled) return "cancelled";
  if (ended === 0) return run.status;
  const has = (status: FinalState["status"]): boolean =>
    run.tasks.some((_, ordinal) => transition.state(ordinal).status === status);
  return has("failed") ? "failed" : has("cancelled") ? "cancelled" : "succeeded";
}
