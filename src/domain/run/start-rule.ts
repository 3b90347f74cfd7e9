/**
 * When a task starts, by how its upstream tasks in this run ended. It is decided once all of them are final, or as soon as the
 * others can change nothing any more; the root has no upstream task and always starts.
 *
 *     rule                          starts if                             succeeded  failed  upstream_failed  skipped  cancelled
 *     all_success                   every one succeeded                       ✓        ✗            ✗            ✗         ✗
 *     all_done                      always                                    ✓        ✓            ✓            ✓         ✓
 *     one_success                   at least one succeeded                    !        ·            ·            ·         ·
 *     one_failed                    at least one failed                       ·        !            !            ·         ·
 *     none_failed                   none failed                               ✓        ✗            ✗            ✓         ✓
 *     all_failed                    every one failed                          ✗        ✓            ✓            ✗         ✗
 *     none_failed_min_one_success   none failed, at least one succeeded       !        ✗            ✗            ·         ·
 *
 * ✓ allows it, ✗ forbids it, ! is what the rule needs (one is enough), · does not matter.
 *
 * A task that is skipped because of a failure ends as `upstream_failed`, which its own children count as a failure, and so on
 * down the graph. Where a failure and something else forbid a task, it is the failure that counts: so how a task ends depends on
 * how its upstream tasks ended, never on which of them was first, and a rule that a failure forbids is decided early by nothing else.
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
 * How an upstream task ended, as one of its children sees it:
 * - `upstream_failed`: it was skipped because of a failure above it.
 * - `skipped`: it was skipped by choice or by a limit, or because of a task that was.
 * - `chose_others`: it succeeded, and the child is not among those that it chose.
 */
export type Ending =
  | "succeeded"
  | "failed"
  | "upstream_failed"
  | "skipped"
  | "cancelled"
  | "chose_others";

/**
 * Why a task was skipped:
 * - `upstream_failed`: its rule cannot hold because of a failure of an upstream task, or further up.
 * - `upstream_succeeded`, `upstream_skipped`, `upstream_cancelled`: its rule forbids what an upstream task did.
 * - `no_upstream_success`, `no_upstream_failure`: its rule needs one, and there is none.
 * - `not_chosen`: an upstream task chose other children (`runOnlyChildTasks`).
 * - `concurrency`: no slot was free, and it does not wait for one (`strategy: skip`).
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

/**
 * The reason why a task with this rule can never start, if one of its upstream tasks has ended so and whatever the others still do;
 * null if they decide.
 */
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

/** The reason why a task with this rule does not start, all its upstream tasks having ended so; null if it starts. */
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
