/**
 * Recorded steps of a task, skipped by later attempts. Only the holder of the current lease records
 * a step (invariant 3), so two attempts never both rely on their own.
 */
import type { Transition } from "./transition.ts";
import type { StepRecord } from "./attempt.ts";
import type { GrantedLease } from "./machine-events.ts";

/** Records a step. A repeated report changes nothing. */
export function recordStep(transition: Transition, lease: GrantedLease, step: StepRecord): void {
  const state = transition.stateOf(lease.ordinal);
  if (state === null) transition.reject("no_such_task");
  else if (
    state.status !== "running" ||
    state.attempt !== lease.attempt ||
    state.token !== lease.token
  )
    transition.reject("stale_lease");
  else if (transition.entry(lease.ordinal).steps?.some(({ name }) => name === step.name) === true)
    transition.reject("step_recorded");
  else transition.builder.step(lease.ordinal, step);
}
