/** Actions on a run, as the journal keeps them for the history. */

/**
 * Actions on a run.
 * - `triggered`: the accepted trigger.
 * - `retried`: a retry in place.
 * - `cancelled`: the cancellation of the run.
 * - `completed`: the report on an external task, which may say that it failed.
 * - `paused`: a pause held back an attempt of a task.
 */
export const RUN_ACTIONS = ["triggered", "retried", "cancelled", "completed", "paused"] as const;
export type RunActionKind = (typeof RUN_ACTIONS)[number];

/** An action as the journal has it, noted at a task (`TaskEntry.actions`). Epoch milliseconds. */
export interface RunAction {
  readonly what: Exclude<RunActionKind, "triggered">;
  readonly at: number;
  /** Actor, as `actorKey` names one; null if nobody had to authenticate. */
  readonly by: string | null;
}
