/** The rules of the checks, and their violations. */

/**
 * The checked rules:
 * - `lost_run`: an accepted run does not exist.
 * - `unread_run`: a run was deleted before its end was read.
 * - `stuck_run`: a run is not final.
 * - `wrong_end`: a run or task has another end than required.
 * - `changed_after_end`: a run was read as final, and later with another end.
 * - `not_accepted_once`: a succeeded task does not have exactly one succeeded attempt.
 * - `failed_too_often`: an attempt threw without a plan to throw.
 * - `missing_effect`: the accepted attempt did not do its work.
 * - `effect_after_success`: an attempt started after its task was read as succeeded, or its run as
 *   final.
 * - `doubled_step`: a step was repeated after a later step of its task had begun, so after it was
 *   recorded.
 * - `doubled_attempt`: one attempt was executed twice.
 * - `too_many_at_once`: more attempts of a limited task ran at once than `concurrency` allows.
 * - `unknown_attempt`: the run does not know an executed attempt.
 * - `wrong_read`: a task read neither the accepted output of its upstream task nor the trigger's
 *   payload.
 * - `wrong_items`: an `each` task lost an item, passed an output of no accepted attempt, or changed
 *   the order.
 * - `early_start`: a task started before an upstream task had ended.
 * - `doubled_run`: one trigger became several runs.
 * - `not_deleted`: a run exists after its retention.
 * - `leftover_object`: a payload object without a run.
 * - `leftover_state`: a run object has state after its retention.
 * - `wrong_list`: the list has another status than the run.
 * - `refused`: a client got an answer that no client should get.
 */
export type Rule =
  | "lost_run"
  | "unread_run"
  | "stuck_run"
  | "wrong_end"
  | "changed_after_end"
  | "not_accepted_once"
  | "failed_too_often"
  | "missing_effect"
  | "effect_after_success"
  | "doubled_step"
  | "doubled_attempt"
  | "too_many_at_once"
  | "unknown_attempt"
  | "wrong_read"
  | "wrong_items"
  | "early_start"
  | "doubled_run"
  | "not_deleted"
  | "leftover_object"
  | "leftover_state"
  | "wrong_list"
  | "refused";

export interface Violation {
  readonly rule: Rule;
  readonly run: string | null;
  readonly task: string | null;
  /** The found and the required state. */
  readonly detail: string;
}
