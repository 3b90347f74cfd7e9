import type { LimitName, LimitRule } from "./limit.ts";
import type { Plan } from "./plan.ts";

/** What this plan says of a limit; null if it does not have the task. A limit that it has no more lets everything pass. */
export function plannedRule(plan: Pick<Plan, "tasks">, { kind, task }: LimitName, planAt: number): LimitRule | null {
  if (!Object.hasOwn(plan.tasks, task)) return null;
  const { concurrency, rateLimit } = plan.tasks[task]?.limits ?? { concurrency: null, rateLimit: null };
  const limit = (kind === "concurrency" ? concurrency : rateLimit)?.limit ?? Number.MAX_SAFE_INTEGER;
  return { limit, perMs: kind === "rate_limit" ? (rateLimit?.perMs ?? 0) : null, planAt };
}
