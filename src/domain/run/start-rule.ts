/**
 * Start rules (`run_if`): a task starts by the endings of its upstream tasks in this run. The
 * transition falls after the last upstream end, or earlier if no other end can change the result.
 * The root has no upstream task and always starts.
 *
 *     rule                         starts if                      succ fail u_f skip canc
 *     all_success                  every one succeeded              ✓    ✗   ✗    ✗    ✗
 *     all_done                     always                           ✓    ✓   ✓    ✓    ✓
 *     one_success                  at least one succeeded           !    ·   ·    ·    ·
 *     one_failed                   at least one failed              ·    !   !    ·    ·
 *     none_failed                  none failed                      ✓    ✗   ✗    ✓    ✓
 *     all_failed                   every one failed                 ✗    ✓   ✓    ✗    ✗
 *     none_failed_min_one_success  none failed, one succeeded       !    ✗   ✗    ·    ·
 *
 * Columns: succeeded, failed, upstream_failed, skipped, cancelled. ✓ allows, ✗ forbids, ! is
 * required at least once, · does not matter.
 *
 * A task skipped because of a failure ends as `upstream_failed`. Its children count this as a
 * failure, and so on down the graph. A failure takes precedence over any other reason, so the
 * result never depends on the order of the endings: a rule forbidding failures is decided early by
 * a failure only.
 */
export const RUN_IFS = [
  "all_success",
  "all_done",
  "one_success",
  "one_failed",
  "none_failed",
  "all_failed",
  "none_failed_min_one_success",
] as const;
export type RunIf = (typeof RUN_IFS)[number];

/**
 * Ending of an upstream task, as seen by a child.
 * - `upstream_failed`: skipped because of a failure above.
 * - `skipped`: skipped by choice or by a limit, or because of such a task.
 * - `chose_others`: succeeded, and chose children without this one.
 */
export type Ending =
  | "succeeded"
  | "failed"
  | "upstream_failed"
  | "skipped"
  | "cancelled"
  | "chose_others";

/**
 * Reason of a skipped task.
 * - `upstream_failed`: its rule cannot hold because of a failure of an upstream task, or further
 *   up.
 * - `upstream_succeeded`, `upstream_skipped`, `upstream_cancelled`: its rule forbids such an end.
 * - `no_upstream_success`, `no_upstream_failure`: its rule requires one, and none happened.
 * - `not_chosen`: an upstream task chose other children (`runOnlyChildTasks`).
 * - `concurrency`: no slot was free, and the task does not wait (`strategy: skip`).
 */
export const SKIP_REASONS = [
  "upstream_failed",
  "upstream_succeeded",
  "upstream_skipped",
  "upstream_cancelled",
  "no_upstream_success",
  "no_upstream_failure",
  "not_chosen",
  "concurrency",
] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

/** Reason why this ending alone forbids the task; null if the other endings decide. */
export function forbiddenBy(rule: RunIf, ending: Ending): SkipReason | null {
  switch (rule) {
    case "all_success":
    case "none_failed":
    case "none_failed_min_one_success":
      return isFailure(ending) ? "upstream_failed" : null;
    case "all_failed":
      if (ending === "chose_others") return "not_chosen";
      return isFailure(ending) ? null : `upstream_${ending}`;
    case "all_done":
    case "one_success":
    case "one_failed":
      return ending === "chose_others" ? "not_chosen" : null;
  }
}

/** Reason why these final endings forbid the task; null if the task starts. */
export function unmetBy(rule: RunIf, endings: readonly Ending[]): SkipReason | null {
  for (const ending of endings) {
    const reason = forbiddenBy(rule, ending);
    if (reason !== null) return reason;
  }
  if (endings.includes("chose_others")) return "not_chosen";
  switch (rule) {
    case "all_success":
      if (endings.includes("skipped")) return "upstream_skipped";
      return endings.includes("cancelled") ? "upstream_cancelled" : null;
    case "one_success":
      if (endings.includes("succeeded")) return null;
      return endings.some(isFailure) ? "upstream_failed" : "no_upstream_success";
    case "none_failed_min_one_success":
      return endings.includes("succeeded") ? null : "no_upstream_success";
    case "one_failed":
      return endings.some(isFailure) ? null : "no_upstream_failure";
    case "none_failed":
    case "all_failed":
    case "all_done":
      return null;
  }
}

function isFailure(ending: Ending): ending is "failed" | "upstream_failed" {
  return ending === "failed" || ending === "upstream_failed";
}
