/** Which plan of a limit counts, of several that are in use. */
import type { LimitName, LimitRule } from "./limit.ts";
import type { Plan } from "../plan/plan.ts";

/**
 * What the plan of the deployment that runs at `now` says of a limit; null if it does not have the task. A limit that it has no more lets
 * everything pass. It is in force now, however long before its deployment was made (`madeAt`). Both are epoch milliseconds.
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

/** A deployment that has accepted no run for so long is no more. Milliseconds. */
const SILENT_MS = 900_000;

/**
 * Whether a rule takes the place of the one that is known. Isolates of two deployments accept runs side by side during a deploy: the one
 * that was made later counts, unless it is rolled back, and the older has gone on for long without it.
 */
export function isInForce(rule: LimitRule, known: LimitRule): boolean {
  const { madeAt = 0 } = rule;
  const { madeAt: knownMadeAt = 0 } = known;
  if (madeAt === knownMadeAt) return rule.planAt >= known.planAt;
  if (madeAt > knownMadeAt) return rule.planAt > known.planAt - SILENT_MS;
  return rule.planAt >= known.planAt + SILENT_MS;
}
