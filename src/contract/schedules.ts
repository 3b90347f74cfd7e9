/** Schedules of tasks, and their state. */
import * as z from "zod";
import { CATCH_UPS, OVERLAPS } from "../domain/plan/plan.ts";
import { type Json, named } from "./named.ts";
import { anyJson, runId, taskName, time } from "./values.ts";

/** Schedules with their state. */
export const schedulesSchema = named(
  "Schedules",
  z.object({
    schedules: z.array(
      z.object({
        task: taskName,
        cron: z.string(),
        timezone: z.string(),
        overlap: z.enum(OVERLAPS),
        catch_up: z.object({ policy: z.enum(CATCH_UPS), window_ms: z.number().nullable() }),
        payload: anyJson.optional().describe("Absent: which schedule is due, and when"),
        paused: z.boolean(),
        next: z.array(z.object({ local: z.string(), utc: time })).describe("The next five times"),
        waiting: z.array(time).describe("Due, and not started yet"),
        waiting_for: z
          .enum(["deploy"])
          .nullable()
          .describe("What keeps them: the code that was to start them does not have the task yet"),
        last_run: z.object({ run_id: runId, due_at: time, started_at: time }).nullable(),
        skipped: z.object({
          count: z.int(),
          last: z
            .object({
              due_at: time,
              reason: z.enum(["overlap", "missed", "paused", "refused"]),
              detail: z.string().nullable(),
            })
            .nullable(),
        }),
      }),
    ),
  }),
);

/** A schedule and its state. */
export type DeployedSchedule = Json<typeof schedulesSchema>["schedules"][number];
