/** Bodies and answers of calls that act on one run. */
import * as z from "zod";
import { TASK_STATUSES } from "../domain/statuses.ts";
import { type Json, named } from "./named.ts";
import { acceptedTriggerSchema, replayOf } from "./run.ts";
import { runId, taskName } from "./values.ts";

/** Answer to a replay. */
export const acceptedReplaySchema = named(
  "AcceptedReplay",
  z.object({ ...acceptedTriggerSchema.shape, replay_of: replayOf }),
);

/** Body that completes an external task, by the API or by its completion URL. */
export const completionSchema = named(
  "Completion",
  z
    .strictObject({
      status: z.enum(["succeeded", "failed"], { error: "succeeded or failed" }),
      payload: z
        .unknown()
        .optional()
        .describe("Of `succeeded`: what the task passes; absent: null"),
      error: z
        .strictObject({ message: z.string(), name: z.string().optional() })
        .optional()
        .describe("Of `failed`: why"),
    })
    .refine(({ status, error }) => status === "failed" || error === undefined, {
      path: ["error"],
      error: "only what failed has an error",
    })
    .refine(({ status, payload }) => status === "succeeded" || payload === undefined, {
      path: ["payload"],
      error: "only what succeeded has a payload",
    }),
);

/** Answer to a completion. */
export const completedTaskSchema = named(
  "CompletedTask",
  z.object({ run_id: runId, task: taskName, status: z.enum(TASK_STATUSES) }),
);

/** A new run that repeats an earlier one. */
export type ReplayedRun = Json<typeof acceptedReplaySchema>;
