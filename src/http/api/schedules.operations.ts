/** The calls about schedules. */
import { z } from "zod";
import { CATCH_UPS, OVERLAPS } from "../../domain/plan/plan.ts";
import { anyJson, named, runId, taskName, taskParams, time } from "./schemas.ts";
import type { Operation } from "../openapi/operation.ts";

const GROUP = "Schedules";

const schedulesDocument = named(
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

const schedulesOfTask = {
  200: { description: "The task's schedules", document: schedulesDocument },
} as const;

export const listSchedules = {
  id: "listSchedules",
  method: "GET",
  path: "/schedules",
  right: "read",
  group: GROUP,
  summary: "What is due next, in the zones of the schedules",
  answers: { 200: { description: "All schedules", document: schedulesDocument } },
  problems: [],
} satisfies Operation;

export const pauseSchedules = {
  id: "pauseSchedules",
  method: "POST",
  path: "/schedules/{task}/pause",
  right: "operate",
  group: GROUP,
  summary: "Starts nothing by the task's schedules until they are resumed",
  params: taskParams,
  answers: schedulesOfTask,
  problems: ["unknown_task", "no_schedule"],
} satisfies Operation;

export const resumeSchedules = {
  id: "resumeSchedules",
  method: "POST",
  path: "/schedules/{task}/resume",
  right: "operate",
  group: GROUP,
  summary: "Starts runs by the task's schedules again",
  params: taskParams,
  answers: schedulesOfTask,
  problems: ["unknown_task", "no_schedule"],
} satisfies Operation;
