/** `POST /events/{name}`: a named event by HTTP; every task that listens to it gets a run. */
import { Hono } from "hono";
import { EVENT_NAME } from "../../core/event-name.ts";
import { actorKey } from "../../core/actor.ts";
import { apiEventKey } from "../../core/trigger-key.ts";
import type { Plan } from "../../core/plan.ts";
import { tasksListeningTo } from "../../core/routing.ts";
import { invalidEventName, type EmitEvent } from "../../trigger/emit.ts";
import { incomingBody } from "../bounded-body.ts";
import { readEvent } from "../cloud-event.ts";
import { refuseToTrigger } from "../auth.ts";
import { handle } from "../handle.ts";
import { actorOf, type HttpEnv } from "../http-env.ts";
import { emitEvent as operation } from "../operations/triggers.ts";
import { traceOf } from "../incoming-trace.ts";
import { problemResponse } from "../problem.ts";
import { MAX_PAYLOAD_BYTES } from "../trigger-request.ts";

export interface EventRouteDependencies {
  readonly plan: Plan;
  readonly emitEvent: EmitEvent;
}

/** The route below /api/v1. A key in the header goes before the one that a CloudEvent brings. */
export function eventRoutes({ plan, emitEvent }: EventRouteDependencies): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  handle(routes, operation, async (c, { params: { name }, headers, reply }) => {
    if (!EVENT_NAME.test(name)) return problemResponse(c, invalidEventName(name));
    // Nobody listens now: who is meant by it is not known, and so it is not for a token that is for some tasks only.
    const listeners = tasksListeningTo(plan, name);
    const refusal = refuseToTrigger(listeners.length === 0 ? [null] : listeners, c.get("caller"));
    if (refusal !== null) return problemResponse(c, refusal.problem, refusal.headers);
    const incoming = incomingBody(c.req.raw);
    const event = incoming.ok ? await readEvent(c.req.raw.headers, incoming.value, MAX_PAYLOAD_BYTES) : incoming;
    if (!event.ok) return problemResponse(c, event.problem);
    const key = headers["Idempotency-Key"] ?? event.value.key;
    const emitted = await emitEvent(c.env, c.executionCtx, {
      name,
      payload: event.value.payload,
      idempotencyKey: key === null ? null : apiEventKey(actorKey(c.get("caller")), name, key),
      actor: actorOf(c.get("caller")),
      parent: null,
      ...traceOf(c),
      url: new URL(c.req.url).origin,
    });
    if (!emitted.ok) return problemResponse(c, emitted.problem);
    return reply(202, { runs: emitted.value.map(({ runId, task }) => ({ run_id: runId, task })) });
  });
  return routes;
}
