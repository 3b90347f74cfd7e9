/**
 * Recorded steps of a task, skipped by later attempts. Only the holder of the current lease records
 * a step (invariant 3), so two attempts never both rely on their own.
 */
import type { Decision } from "./transition.ts";
import type { StepRecord } from "./attempt.ts";
import type { GrantedLease } from "./machine-events.ts";

/** Records a step. A repeated report changes nothing. */
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
