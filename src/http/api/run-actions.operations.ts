/** The calls that steer runs. */
import { z } from "zod";
import { TASK_STATUSES } from "../../domain/statuses.ts";
import { completionBody } from "../../execution/external/complete.ts";
import {
  acceptedTrigger,
  idempotencyKey,
  named,
  replayOf,
  runDocument,
  runId,
  runParams,
  runTaskParams,
  taskName,
} from "./schemas.ts";
import type { Operation } from "../openapi/operation.ts";

const GROUP = "Steering";

export const cancelRun = {
  id: "cancelRun",
  method: "POST",
  path: "/runs/{id}/cancel",
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
  answers: { 200: { description: "The run", document: runDocument } },
  problems: ["unknown_run", "run_final"],
} satisfies Operation;

export const retryRun = {
  id: "retryRun",
  method: "POST",
  path: "/runs/{id}/retry",
  right: "operate",
  group: GROUP,
  summary: "Runs again what failed, and what did not run because of it; what succeeded is kept",
  params: runParams,
  answers: { 200: { description: "The run, which goes on", document: runDocument } },
  problems: ["unknown_run", "run_not_final", "nothing_to_retry"],
} satisfies Operation;

export const replayRun = {
  id: "replayRun",
  method: "POST",
  path: "/runs/{id}/replay",
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
    202: {
      description: "The new run is durably recorded",
      document: named(
        "AcceptedReplay",
        z.object({ ...acceptedTrigger.shape, replay_of: replayOf }),
      ),
    },
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
} satisfies Operation;

export const completeTask = {
  id: "completeTask",
  method: "POST",
  path: "/runs/{id}/tasks/{task}/complete",
  right: "operate",
  group: GROUP,
  summary:
    "Completes an external task, whose method has begun; so does a POST of the same body to its completion URL, without a token",
  params: runTaskParams,
  body: {
    description: "What it came to",
    required: true,
    document: named("Completion", completionBody),
  },
  answers: {
    200: {
      description: "The task as it is now",
      document: named(
        "CompletedTask",
        z.object({ run_id: runId, task: taskName, status: z.enum(TASK_STATUSES) }),
      ),
    },
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
} satisfies Operation;
