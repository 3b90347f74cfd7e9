/**
 * Actions on one run: cancel, retry in place, replay, and completion of an external task. Each call
 * asks the run's own object, which decides.
 */
import type { Context } from "hono";
import * as z from "zod";
import {
  acceptedReplaySchema,
  completedTaskSchema,
  completionSchema,
} from "../../contract/run-actions.ts";
import { runSchema } from "../../contract/run.ts";
import { taskName } from "../../contract/values.ts";
import { actorKey } from "../../domain/actor.ts";
import type { RunId } from "../../domain/ids.ts";
import { type Problem, type Result, ok } from "../../domain/problem.ts";
import type { RunDocument } from "../../objects/run/run-documents-rpc.ts";
import type { RetryOutcome } from "../../objects/run/run-rpc.ts";
import type { EncodedPayload } from "../../payloads/codec.ts";
import { encodeRequestBody, unlessEmpty } from "../../payloads/request-body.ts";
import {
  type CompletionDependencies,
  completeTask as completeByApi,
} from "../../execution/external/complete.ts";
import { type ReplayDependencies, createReplayRun } from "../../triggers/replay.ts";
import { incomingBody } from "../bounded-body.ts";
import { type HttpEnv, actorOf } from "../http-env.ts";
import { traceOf } from "../middleware/trace.ts";
import { type Routes, handle } from "../openapi/handle.ts";
import { answer, operation } from "../openapi/operation.ts";
import { problemResponse } from "../problem.ts";
import { acceptedDocument } from "./accepted-document.ts";
import { idempotencyKey, runParams, runTaskParams } from "./parameters.ts";
import { refuseUnlessInRun, unknownRun, withRunId } from "./run-id.ts";
import { MAX_PAYLOAD_BYTES } from "./trigger-input.ts";

/** Group of these calls in the OpenAPI document, where generated clients know its name. */
const GROUP = "Steering";

/** `POST /runs/{id}/cancel`: cancels the run. */
export const cancelRun = operation("POST /runs/{id}/cancel", {
  id: "cancelRun",
  right: "operate",
  group: GROUP,
  summary: "Cancels the run; running attempts are told through `signal`",
  params: runParams,
  query: z.strictObject({
    children: z
      .boolean({ error: "true or false" })
      .default(false)
      .describe("Cancels also the runs that it has triggered, and theirs"),
  }),
  answers: { 200: answer("The run", runSchema) },
  problems: ["unknown_run", "run_final"],
});

/** `POST /runs/{id}/retry`: runs failed tasks again, in place. */
export const retryRun = operation("POST /runs/{id}/retry", {
  id: "retryRun",
  right: "operate",
  group: GROUP,
  summary: "Runs again what failed, and what did not run because of it; what succeeded is kept",
  params: runParams,
  answers: { 200: answer("The run, which goes on", runSchema) },
  problems: ["unknown_run", "run_not_final", "nothing_to_retry"],
});

/** `POST /runs/{id}/replay`: starts a new run from recorded payloads. */
export const replayRun = operation("POST /runs/{id}/replay", {
  id: "replayRun",
  right: "operate",
  group: GROUP,
  summary:
    "Starts a new run of what this one did, as a whole or from a task on, with what was recorded",
  params: runParams,
  query: z.strictObject({
    from: taskName.optional().describe("The task to begin with; without it, the root task"),
  }),
  headers: z.object({ "Idempotency-Key": idempotencyKey.optional() }),
  body: {
    description:
      "What that task reads in place of what was recorded: JSON, text, or bytes of any type",
    required: false,
    document: null,
  },
  answers: {
    202: answer("The new run is durably recorded", acceptedReplaySchema),
  },
  problems: [
    "unknown_run",
    "unknown_task",
    "no_payload",
    "not_replayable",
    "invalid_json",
    "invalid_payload",
    "payload_too_large",
    "unsupported_encoding",
    "idempotency_mismatch",
  ],
});

/** `POST /runs/{id}/tasks/{task}/complete`: completes an external task. */
export const completeTask = operation("POST /runs/{id}/tasks/{task}/complete", {
  id: "completeTask",
  right: "operate",
  group: GROUP,
  summary:
    "Completes an external task, whose method has begun; so does a POST of the same body to its completion URL, without a token",
  params: runTaskParams,
  body: {
    description: "What it came to",
    required: true,
    document: completionSchema,
  },
  answers: {
    200: answer("The task as it is now", completedTaskSchema),
  },
  problems: [
    "unknown_run",
    "unknown_task",
    "invalid_json",
    "invalid_payload",
    "payload_too_large",
    "unsupported_encoding",
    "already_completed",
    "not_waiting",
    "completion_expired",
  ],
});

/** Adds the routes below /api/v1. */
export function runActionRoutes(
  routes: Routes,
  dependencies: ReplayDependencies & CompletionDependencies,
): void {
  const { callRun } = dependencies;
  const replay = createReplayRun(dependencies);
  handle(routes, cancelRun, (c, { params, query, reply }) =>
    withRunId(c, params, async (runId) => {
      const call = crypto.randomUUID();
      const by = actorKey(c.get("caller"));
      const answer = await callRun(c.env, runId, (run) => run.cancel({ ...query, call, by }));
      if (answer === null) return problemResponse(c, unknownRun(runId));
      return answer.cancelled
        ? reply(200, answer.document)
        : problemResponse(c, runFinal(answer.document));
    }),
  );
  handle(routes, retryRun, (c, { params, reply }) =>
    withRunId(c, params, async (runId) => {
      const call = crypto.randomUUID();
      const by = actorKey(c.get("caller"));
      const answer = await callRun(c.env, runId, (run) => run.retry(call, by));
      if (answer === null) return problemResponse(c, unknownRun(runId));
      const { outcome, document } = answer;
      return outcome === "retried"
        ? reply(200, document)
        : problemResponse(c, notRetried(runId, outcome, document));
    }),
  );
  handle(routes, replayRun, (c, { params, query, headers, reply }) =>
    withRunId(c, params, async (runId) => {
      const from = query.from ?? null;
      const payload = await optionalPayload(c);
      if (!payload.ok) return problemResponse(c, payload.problem);
      const accepted = await replay(c.env, c.executionCtx, {
        runId,
        from,
        payload: payload.value,
        idempotencyKey: headers["Idempotency-Key"] ?? null,
        actor: actorOf(c.get("caller")),
        ...traceOf(c),
        url: new URL(c.req.url).origin,
      });
      if (!accepted.ok) return problemResponse(c, accepted.problem);
      if (accepted.value === null) return problemResponse(c, unknownRun(runId));
      return reply(202, {
        ...acceptedDocument(c, accepted.value),
        replay_of: { run_id: runId, from },
      });
    }),
  );
  handle(routes, completeTask, (c, { params, reply }) =>
    withRunId(c, params, async (runId) => {
      const { task } = params;
      const incoming = incomingBody(c.req.raw);
      if (!incoming.ok) return problemResponse(c, incoming.problem);
      const by = actorKey(c.get("caller"));
      const completed = await completeByApi(
        dependencies,
        c.env,
        { runId, task, by },
        incoming.value,
      );
      if (completed === null) return problemResponse(c, unknownRun(runId));
      if (completed === undefined)
        return problemResponse(
          c,
          (await refuseUnlessInRun(callRun, c.env, runId, task)) ?? unknownRun(runId),
        );
      if (!completed.ok) return problemResponse(c, completed.problem);
      return reply(200, { run_id: runId, task, status: completed.value.status });
    }),
  );
}

/** Encodes the body as a payload; null for an empty body. */
async function optionalPayload(c: Context<HttpEnv>): Promise<Result<EncodedPayload | null>> {
  const { raw: request } = c.req;
  const body = request.body === null ? null : await unlessEmpty(request.body);
  if (body === null) return ok(null);
  const incoming = incomingBody(request, body);
  return incoming.ok ? encodeRequestBody(incoming.value, MAX_PAYLOAD_BYTES) : incoming;
}

/** Refuses a change of a run that is final. */
function runFinal({ run_id, status }: RunDocument): Problem {
  return {
    code: "run_final",
    detail: `The run ${run_id} has ended already: it is ${status}.`,
    hint: "A run can be cancelled while it is queued or running.",
  };
}

/** Explains why a run was not retried. */
function notRetried(
  runId: RunId,
  code: Exclude<RetryOutcome, "retried">,
  { status }: RunDocument,
): Problem {
  if (code === "run_not_final")
    return {
      code,
      detail: `The run ${runId} has not ended: it is ${status}.`,
      hint: "Its tasks are retried by their own policy; to begin anew, cancel the run and retry it then.",
    };
  return {
    code,
    detail: `The run ${runId} is ${status}, and none of its tasks has failed, was skipped for it or was cancelled.`,
    hint: "To have it run again as a whole, replay it: POST /api/v1/runs/{id}/replay.",
  };
}
