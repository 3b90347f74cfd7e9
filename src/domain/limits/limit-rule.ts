/** Selection among several plans of one limit during a deploy. */
import type { LimitName, LimitRule } from "./limit.ts";
import type { Plan } from "../plan/plan.ts";

/**
 * Rule of a limit in the plan deployed at `now`; null if the plan has no such task. A removed limit
 * admits everything. The rule is in force now, however old the deployment (`madeAt`). Times are
 * epoch milliseconds.
 */
export function plannedRule(
  plan: Pick<Plan, "tasks">,
  { kind, task }: LimitName,
  { madeAt, now }: { readonly madeAt: number; readonly now: number },
): LimitRule | null {
  if (!Object.hasOwn(plan.tasks, task)) return null;
  const { concurrency, rateLimit } = plan.tasks[task]?.limits ?? {
    concurrency: null,
    rateLimit: null,
  };
  const limit =
    (kind === "concurrency" ? concurrency : rateLimit)?.limit ?? Number.MAX_SAFE_INTEGER;
  return {
    limit,
    perMs: kind === "rate_limit" ? (rateLimit?.perMs ?? 0) : null,
    planAt: now,
    madeAt,
  };
}

/** Silence after which a deployment without accepted runs counts as gone. Milliseconds. */
const SILENT_MS = 900_000;

/**
 * Decides whether a rule replaces the known rule. During a deploy isolates of two deployments
 * accept runs side by side. The later deployment wins, except in a rollback, after a long silence
 * of the later.
 */
export function isInForce(rule: LimitRule, known: LimitRule): boolean {
  const { madeAt = 0 } = rule;
  const { madeAt: knownMadeAt = 0 } = known;
  if (madeAt === knownMadeAt) return rule.planAt >= known.planAt;
  if (madeAt > knownMadeAt) return rule.planAt > known.planAt - SILENT_MS;
  return rule.planAt >= known.planAt + SILENT_MS;
}
