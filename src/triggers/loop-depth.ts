/**
 * Stops endless chains of triggers, such as a task that triggers itself or writes the object that
 * triggers it. Each run knows the length of the chain that led to it (`TriggerOrigin.depth`). Above
 * the limit a trigger is refused, which fails the triggering task.
 */
import { refuse, type Problem } from "../domain/problem.ts";
import type { TriggerOrigin } from "../domain/trigger.ts";

/** The longest chain, unless PEACH_MAX_TRIGGER_DEPTH sets another limit. */
const MAX_TRIGGER_DEPTH = 32;

/** Returns null, or the refusal `trigger_depth`. */
export function refuseTooDeep(
  env: Env,
  task: string,
  { depth = 0, by }: TriggerOrigin,
): { readonly ok: false; readonly problem: Problem } | null {
  const limit = depthLimit(env);
  if (depth <= limit) return null;
  return refuse({
    code: "trigger_depth",
    detail: `"${task}" was triggered by "${by}" at the end of a chain of ${depth} runs that triggered each other; at most ${limit} may.`,
    hint: "Look for tasks that trigger each other in a circle, by calls, events or the objects they write. If the chain is meant to be so long, set the variable PEACH_MAX_TRIGGER_DEPTH.",
  });
}

function depthLimit(env: Env): number {
  const given = env.PEACH_MAX_TRIGGER_DEPTH ?? "";
  return /^\d{1,9}$/.test(given) ? Number(given) : MAX_TRIGGER_DEPTH;
}
