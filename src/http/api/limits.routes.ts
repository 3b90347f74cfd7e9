/** `/limits`: slots in use, and attempts that wait. */
import { Hono } from "hono";
import { LIMIT_KINDS, shownKey, type LimitName } from "../../domain/limits/limit.ts";
import type { Plan, TaskPlan } from "../../domain/plan/plan.ts";
import { callLimit, callLimitList } from "../../objects/limits/limit-client.ts";
import { handle } from "../openapi/handle.ts";
import type { HttpEnv } from "../http-env.ts";
import type { DocumentOf } from "../openapi/operation.ts";
import { listLimits } from "./limits.operations.ts";

export interface LimitRouteDependencies {
  readonly plan: Plan;
}

type LimitDocument = DocumentOf<typeof listLimits, 200>["limits"][number];

/** Limits with a key that are shown of one task. */
const MOST_KEYS = 200;

/** Objects asked at the same time. */
const ASKED_AT_ONCE = 6;

/** The routes below /api/v1. */
export function limitRoutes({ plan }: LimitRouteDependencies): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  handle(routes, listLimits, async (c, { reply }) => {
    const limits: LimitDocument[] = [];
    for (const task of Object.values(plan.tasks)) limits.push(...(await limitsOf(c.env, task)));
    return reply(200, { limits });
  });
  return routes;
}

async function limitsOf(env: Env, task: TaskPlan): Promise<LimitDocument[]> {
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
  const documents: LimitDocument[] = [];
  for (let from = 0; from < names.length; from += ASKED_AT_ONCE) {
    const asked = names
      .slice(from, from + ASKED_AT_ONCE)
      .map(async (name): Promise<LimitDocument[]> => {
        const limit = plans[name.kind];
        const { inUse, waiting } = await callLimit(env, name, (object) => object.use());
        // A limit without a key is always shown, one of a key while there is anything.
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
