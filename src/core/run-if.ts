/**
 * When a task starts, by how its upstream tasks in this run ended. It is decided once all of them are final, or as soon as
 * the rule cannot hold any more; the root has no upstream task and always starts.
 *
 *     rule           starts if                          succeeded  failed  skipped  cancelled
 *     all_success    every one succeeded                    ✓        ✗        ✗        ✗
 *     all_done       always                                 ✓        ✓        ✓        ✓
 *     one_success    at least one succeeded                 !        ·        ·        ·
 *     one_failed     at least one failed                    ·        !        ·        ·
 *     none_failed    none failed                            ✓        ✗        ✓        ✓
 *
 * ✓ allows it, ✗ forbids it at once, ! is what the rule needs (one is enough), · does not matter.
 */
export const RUN_IFS = ["all_success", "all_done", "one_success", "one_failed", "none_failed"] as const;
export type RunIf = (typeof RUN_IFS)[number];

/** How an upstream task ended. */
export type Ending = "succeeded" | "failed" | "skipped" | "cancelled";

/**
 * Why a task was skipped:
 * - `upstream_failed`, `upstream_skipped`, `upstream_cancelled`: its rule forbids what an upstream task did.
 * - `no_upstream_success`, `no_upstream_failure`: its rule needs one, and there is none.
 * - `not_chosen`: an upstream task chose other children (`runOnlyChildTasks`).
 * - `concurrency`: no slot was free, and it does not wait for one (`strategy: skip`).
 */
export const SKIP_REASONS = [
  "upstream_failed",
  "upstream_skipped",
  "upstream_cancelled",
  "no_upstream_success",
  "no_upstream_failure",
  "not_chosen",
  "concurrency",
] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

/** The reason why a task with this rule can never start, now that an upstream task ended so; else null. */
export function forbiddenBy(rule: RunIf, ending: Ending): SkipReason | null {
  if (ending === "succeeded") return null;
  switch (rule) {
    case "all_success":
      return `upstream_${ending}`;
    case "none_failed":
      return ending === "failed" ? "upstream_failed" : null;
    case "all_done":
    case "one_success":
    case "one_failed":
      return null;
  }
}

/** The reason why a task with this rule does not start, all its upstream tasks having ended so; null if it starts. */
export function unmetBy(rule: RunIf, endings: readonly Ending[]): SkipReason | null {
  switch (rule) {
    case "one_success":
      return endings.includes("succeeded") ? null : "no_upstream_success";
    case "one_failed":
      return endings.includes("failed") ? null : "no_upstream_failure";
    case "all_success":
    case "none_failed":
    case "all_done":
      for (const ending of endings) {
        const reason = forbiddenBy(rule, ending);
        if (reason !== null) return reason;
      }
      return null;
  }
}
