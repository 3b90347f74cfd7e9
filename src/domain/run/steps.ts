/**
 * Steps: what a task has done that its later attempts need not do again. Only the attempt that holds the current lease records one
 * (invariant 3), so that two attempts never both believe in theirs.
 */
import type { Decision } from "./transition.ts";
import type { StepRecord } from "./state.ts";
import type { GrantedLease } from "./machine-events.ts";

/** Records the step. The same one again, whose answer was lost, changes nothing. */
export function recordStep(decision: Decision, lease: GrantedLease, step: StepRecord): void {
  const state = decision.stateOf(lease.ordinal);
  if (state === null) decision.ignore("no_such_task");
  else if (
    state.status !== "running" ||
    state.attempt !== lease.attempt ||
    state.token !== lease.token
  )
    decision.ignore("stale_lease");
  else if (decision.entry(lease.ordinal).steps?.some(({ name }) => name === step.name) === true)
    decision.ignore("step_recorded");
  else decision.notes.step(lease.ordinal, step);
}
