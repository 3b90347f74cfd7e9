/** `POST /tasks/{task}/trigger`: triggers a task, from a program or a notebook. */
import type { Context } from "hono";
import * as z from "zod";
import { acceptedTriggerSchema, runSchema } from "../../contract/run.ts";
import { durationUpTo } from "../../contract/values.ts";
import { actorKey } from "../../domain/actor.ts";
import { type TaskPlan, isCallable } from "../../domain/plan/plan.ts";
import type { Problem } from "../../domain/problem.ts";
import { hasRight } from "../../domain/scope.ts";
import { apiKey } from "../../domain/trigger-key.ts";
import type { TriggerOrigin } from "../../domain/trigger.ts";
import { encodeRequestBody } from "../../payloads/request-body.ts";
import { unknownTask } from "../../triggers/accept.ts";
import { mayReadRun } from "../auth/own-runs.ts";
import { isStillAuthorized } from "../auth/while-authorized.ts";
import { incomingBody } from "../bounded-body.ts";
import type { Needs } from "../dependencies.ts";
import { type HttpEnv, actorOf } from "../http-env.ts";
import { traceOf } from "../middleware/trace.ts";
import { type Routes, handle } from "../openapi/handle.ts";
import { answer, operation } from "../openapi/operation.ts";
import { problemResponse } from "../problem.ts";
import { acceptedDocument } from "./accepted-document.ts";
import { tagsOf, taskParams } from "./parameters.ts";
import { MAX_PAYLOAD_BYTES, triggerHeaders, triggerProblems } from "./trigger-input.ts";

const GROUP = "Triggers";

/** `POST /tasks/{task}/trigger`: starts a run of the task. */
export const triggerTask = operation("POST /tasks/{task}/trigger", {
  id: "triggerTask",
  right: "trigger",
  group: GROUP,
  summary: "Starts a run of the task",
  params: taskParams,
  query: z.strictObject({
    delay: durationUpTo("30d").optional().describe("How long the root task waits"),
    wait: durationUpTo("5m").optional().describe("How long to wait for the run to be final"),
    tag: tagsOf("A tag of the run; may be repeated, ten with those of peach.conf").optional(),
  }),
  headers: z.object({
    ...triggerHeaders,
    "X-Peach-Source": z
      .string()
      .optional()
      .describe("`lab` for a notebook; anything else is `api`"),
  }),
  body: {
    description: "The payload: JSON, text, or bytes of any type",
    required: false,
    document: null,
  },
  answers: {
    200: answer("With `wait`: the run, which is final", runSchema),
    202: answer("The run is durably recorded", acceptedTriggerSchema),
  },
  problems: ["unknown_task", "not_callable", ...triggerProblems],
});

/** Adds the route below /api/v1. */
export function triggerRoutes(
  routes: Routes,
  { plan, acceptTrigger, callRun }: Needs<"plan" | "acceptTrigger" | "callRun">,
): void {
  handle(routes, triggerTask, async (c, { params: { task }, query, headers, note, reply }) => {
    const planned = Object.hasOwn(plan.tasks, task) ? plan.tasks[task] : undefined;
    if (planned === undefined)
      return problemResponse(c, unknownTask(Object.keys(plan.tasks), task));
    if (!isCallable(planned) && !hasRight(c.get("caller").scopes, "admin"))
      return problemResponse(c, notCallable(planned));
    const incoming = incomingBody(c.req.raw);
    const payload = incoming.ok
      ? await encodeRequestBody(incoming.value, MAX_PAYLOAD_BYTES)
      : incoming;
    if (!payload.ok) return problemResponse(c, payload.problem);
    const key = headers["Idempotency-Key"];
    const accepted = await acceptTrigger(c.env, c.executionCtx, {
      task,
      payload: payload.value,
      idempotencyKey: key === undefined ? null : apiKey(actorKey(c.get("caller")), key),
      origin: originOf(c, headers["X-Peach-Source"]),
      delayMs: query.delay ?? 0,
      tags: query.tag ?? [],
    });
    if (!accepted.ok) return problemResponse(c, accepted.problem);
    note(202);
    const { wait: waitMs } = query;
    if (waitMs === undefined) return reply(202, acceptedDocument(c, accepted.value));

    const { runId } = accepted.value;
    // The run is recorded: if it cannot be reached while waiting, the answer is 202. A debounced
    // run may be shared, and then belongs to the caller that opened its window.
    const final = await callRun(c.env, runId, (run) => run.untilFinal(waitMs), waitMs).catch(
      () => null,
    );
    if (!(await isStillAuthorized(c, triggerTask.right)))
      return reply(202, acceptedDocument(c, accepted.value));
    if (final !== null && mayReadRun(c.get("caller"), final)) return reply(200, final);
    // The status may have changed since the run was accepted.
    const current = await callRun(c.env, runId, (run) => run.describe()).catch(() => null);
    const status = current?.status ?? accepted.value.status;
    return reply(202, acceptedDocument(c, { ...accepted.value, status }));
  });
}

/**
 * Refuses a task in the middle of a graph: triggering it directly would skip its predecessors, such
 * as an approval.
 */
function notCallable({ name, upstream }: TaskPlan): Problem {
  const why =
    upstream.length === 0
      ? "`callable: false` in peach.conf says so"
      : `it follows ${upstream.join(", ")}`;
  return {
    code: "not_callable",
    detail: `The task "${name}" cannot be triggered by a token with the scope \`trigger\`: ${why}.`,
    hint:
      upstream.length === 0
        ? "Use a token with the scope `admin`, or trigger the task that triggers it."
        : `Trigger a task before it, or set \`callable: true\` at tasks.${name} in peach.conf.`,
  };
}

/** Builds the origin that the run records. */
function originOf(c: Context<HttpEnv>, from: string | undefined): TriggerOrigin {
  return {
    source: from === "lab" ? "lab" : "api",
    by: c.get("caller").name,
    actor: actorOf(c.get("caller")),
    parent: null,
    url: new URL(c.req.url).origin,
    ...traceOf(c),
  };
}
