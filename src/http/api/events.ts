/** `POST /events/{name}`: emits a named event. Each task that listens to the name gets a run. */
import * as z from "zod";
import { emittedEventSchema } from "../../contract/events.ts";
import { actorKey } from "../../domain/actor.ts";
import { EVENT_NAME } from "../../domain/event-name.ts";
import { tasksListeningTo } from "../../domain/plan/event-routing.ts";
import { apiEventKey } from "../../domain/trigger-key.ts";
import { type EmitEvent, type EmittedRun, invalidEventName } from "../../triggers/emit.ts";
import { refuseToTrigger } from "../auth/authenticate.ts";
import { incomingBody } from "../bounded-body.ts";
import type { Needs } from "../dependencies.ts";
import { actorOf } from "../http-env.ts";
import { traceOf } from "../middleware/trace.ts";
import { type Routes, handle } from "../openapi/handle.ts";
import { answer, operation } from "../openapi/operation.ts";
import { problemResponse } from "../problem.ts";
import { type IncomingEvent, readEvents } from "./cloud-event.ts";
import { MAX_PAYLOAD_BYTES, triggerHeaders, triggerProblems } from "./trigger-input.ts";

/** `POST /events/{name}`: starts a run of each listening task. */
export const emitEventOperation = operation("POST /events/{name}", {
  id: "emitEvent",
  right: "trigger",
  group: "Triggers",
  summary: "Starts a run of each task that listens to the event",
  params: z.object({ name: z.string().describe("Letters, digits, `.`, `_` and `-`") }),
  headers: z.object(triggerHeaders),
  body: {
    description:
      "The payload: JSON, text, or bytes of any type; or CloudEvents 1.0: one, structured or binary, or a batch",
    required: false,
    document: null,
  },
  answers: {
    202: answer("The runs; none if nobody listens", emittedEventSchema),
  },
  problems: triggerProblems,
});

/** Events of a batch that are emitted concurrently. */
const AT_ONCE = 10;

/**
 * Creates the route below /api/v1. A key in the header takes precedence over the key of a
 * CloudEvent.
 */
export function eventRoutes(
  routes: Routes,
  { plan, emitEvent }: Needs<"plan" | "emitEvent">,
): void {
  handle(routes, emitEventOperation, async (c, { params: { name }, headers, reply }) => {
    if (!EVENT_NAME.test(name)) return problemResponse(c, invalidEventName(name));
    // Without listeners the tasks of the event are unknown, so a token for some tasks only may not
    // emit it.
    const listeners = tasksListeningTo(plan, name);
    const refusal = refuseToTrigger(listeners.length === 0 ? [null] : listeners, c.get("caller"));
    if (refusal !== null) return problemResponse(c, refusal.problem, refusal.headers);
    const incoming = incomingBody(c.req.raw);
    const events = incoming.ok
      ? await readEvents(c.req.raw.headers, incoming.value, MAX_PAYLOAD_BYTES)
      : incoming;
    if (!events.ok) return problemResponse(c, events.problem);
    const given = headers["Idempotency-Key"] ?? null;
    const emit = ({ payload, key, event }: IncomingEvent): ReturnType<EmitEvent> => {
      const chosen =
        given === null ? key : events.value.length > 1 ? JSON.stringify([given, key]) : given;
      return emitEvent(c.env, c.executionCtx, {
        name,
        payload,
        idempotencyKey:
          chosen === null ? null : apiEventKey(actorKey(c.get("caller")), name, chosen),
        actor: actorOf(c.get("caller")),
        parent: null,
        ...traceOf(c),
        ...(event !== null && { event }),
        url: new URL(c.req.url).origin,
      });
    };
    const runs: EmittedRun[] = [];
    // A refused event leaves the earlier ones of its batch emitted. The sender repeats the batch:
    // each event has a key, so none is emitted twice.
    for (let at = 0; at < events.value.length; at += AT_ONCE) {
      for (const emitted of await Promise.all(events.value.slice(at, at + AT_ONCE).map(emit))) {
        if (!emitted.ok) return problemResponse(c, emitted.problem);
        runs.push(...emitted.value);
      }
    }
    return reply(202, { runs: runs.map(({ runId, task }) => ({ run_id: runId, task })) });
  });
}
