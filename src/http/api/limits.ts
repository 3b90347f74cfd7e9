/** `/limits`: lists limits with slots in use and waiting attempts. */
import { type LimitState, limitsSchema } from "../../contract/limits.ts";
import { LIMIT_KINDS, type LimitName, shownKey } from "../../domain/limits/limit.ts";
import type { TaskPlan } from "../../domain/plan/plan.ts";
import { callLimit, callLimitList } from "../../objects/limits/limit-client.ts";
import type { Needs } from "../dependencies.ts";
import { type Routes, handle } from "../openapi/handle.ts";
import { answer, operation } from "../openapi/operation.ts";

/** `GET /limits`: limits in the order of peach.conf. */
export const listLimits = operation("GET /limits", {
  id: "listLimits",
  right: "read",
  group: "Deployment",
  summary: "The limits of the tasks: slots in use, and attempts that wait",
  answers: {
    200: answer(
      "In the order of peach.conf; of those with a key, the first 200 of each task at which there is anything",
      limitsSchema,
    ),
  },
});

/** Keyed limits listed per task. */
const MOST_KEYS = 200;

/** Limit objects called concurrently. */
const ASKED_AT_ONCE = 6;

/** Adds the route below /api/v1. */
export function limitRoutes(routes: Routes, { plan }: Needs<"plan">): void {
  handle(routes, listLimits, async (c, { reply }) => {
    const limits: LimitState[] = [];
    for (const task of Object.values(plan.tasks)) limits.push(...(await limitsOf(c.env, task)));
    return reply(200, { limits });
  });
}

/** Reads the use of all limits of one task from their objects. */
async function limitsOf(env: Env, task: TaskPlan): Promise<LimitState[]> {
  if (task.limits === null) return [];
  const { concurrency, rateLimit } = task.limits;
  const plans = { concurrency, rate_limit: rateLimit };
  const isKeyed = LIMIT_KINDS.some((kind) => Array.isArray(plans[kind]?.key));
  const listed = isKeyed ? await callLimitList(env, task.name, (list) => list.list(MOST_KEYS)) : [];
  const names = LIMIT_KINDS.flatMap((kind): LimitName[] => {
    const keys = listed.flatMap((one) => (one.kind === kind ? [one.key] : []));
    return plans[kind] === null
      ? []
      : [null, ...keys].map((key) => ({ kind, task: task.name, key }));
  });
  const documents: LimitState[] = [];
  for (let from = 0; from < names.length; from += ASKED_AT_ONCE) {
    const asked = names
      .slice(from, from + ASKED_AT_ONCE)
      .map(async (name): Promise<LimitState[]> => {
        const limit = plans[name.kind];
        const { inUse, waiting } = await callLimit(env, name, (object) => object.use());
        // A limit without a key is always listed, a keyed one only while it is in use.
        if (limit === null || (limit.key !== null && inUse === 0 && waiting === 0)) return [];
        const { kind, key } = name;
        const perMs = kind === "rate_limit" && rateLimit !== null ? rateLimit.perMs : null;
        return [
          {
            task: task.name,
            kind,
            key: shownKey(key),
            limit: limit.limit,
            per_ms: perMs,
            in_use: inUse,
            waiting,
          },
        ];
      });
    documents.push(...(await Promise.all(asked)).flat());
  }
  return documents;
}
