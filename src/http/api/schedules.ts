/**
 * `/schedules`: lists schedules with their next times and last results; pauses and resumes the
 * schedules of a task.
 */
import type { Context } from "hono";
import { iso } from "../../contract/iso-time.ts";
import { schedulesSchema } from "../../contract/schedules.ts";
import { nextTimes } from "../../domain/schedules/next-times.ts";
import { callSchedules, syncSchedules } from "../../objects/schedules/schedules-client.ts";
import type { ScheduleStatus, SchedulesRpc } from "../../objects/schedules/schedules-rpc.ts";
import { unknownTask } from "../../triggers/accept.ts";
import type { Needs } from "../dependencies.ts";
import type { HttpEnv } from "../http-env.ts";
import { type Call, type Routes, handle } from "../openapi/handle.ts";
import { type DocumentOf, operation, answer } from "../openapi/operation.ts";
import { problemResponse } from "../problem.ts";
import { taskParams } from "./parameters.ts";

const GROUP = "Schedules";

const schedulesOfTask = {
  200: answer("The task's schedules", schedulesSchema),
} as const;

/** `GET /schedules`: all schedules. */
export const listSchedules = operation("GET /schedules", {
  id: "listSchedules",
  right: "read",
  group: GROUP,
  summary: "What is due next, in the zones of the schedules",
  answers: { 200: answer("All schedules", schedulesSchema) },
});

/**
 * `POST /schedules/{task}/pause`: starts no runs until resumed. Times that pass meanwhile are not
 * caught up.
 */
export const pauseSchedules = operation("POST /schedules/{task}/pause", {
  id: "pauseSchedules",
  right: "operate",
  group: GROUP,
  summary: "Starts nothing by the task's schedules until they are resumed",
  params: taskParams,
  answers: schedulesOfTask,
  problems: ["unknown_task", "no_schedule"],
});

/** `POST /schedules/{task}/resume`: starts runs again. */
export const resumeSchedules = operation("POST /schedules/{task}/resume", {
  id: "resumeSchedules",
  right: "operate",
  group: GROUP,
  summary: "Starts runs by the task's schedules again",
  params: taskParams,
  answers: schedulesOfTask,
  problems: ["unknown_task", "no_schedule"],
});

/** Next due times listed per schedule. */
const SHOWN_TIMES = 5;

/**
 * Creates the routes below /api/v1. Each call first brings the schedules object up to date with the
 * deployed plan.
 */
export function scheduleRoutes(routes: Routes, { plan }: Needs<"plan">): void {
  handle(routes, listSchedules, async (c, { reply }) => {
    await syncSchedules(c.env, plan);
    return reply(200, documentsOf(await callSchedules(c.env, (schedules) => schedules.list())));
  });
  handle(routes, pauseSchedules, (c, call) =>
    change(c, call, (schedules, task) => schedules.pause(task, c.get("caller").name)),
  );
  handle(routes, resumeSchedules, (c, call) =>
    change(c, call, (schedules, task) => schedules.resume(task)),
  );

  /** Pauses or resumes the schedules of a task, and answers with their state. */
  async function change(
    c: Context<HttpEnv>,
    { params: { task }, reply }: Call<typeof pauseSchedules>,
    call: (schedules: SchedulesRpc, task: string) => Promise<readonly ScheduleStatus[]>,
  ): Promise<Response> {
    if (!Object.hasOwn(plan.tasks, task))
      return problemResponse(c, unknownTask(Object.keys(plan.tasks), task));
    await syncSchedules(c.env, plan);
    const changed = await callSchedules(c.env, (schedules) => call(schedules, task));
    if (changed.length > 0) return reply(200, documentsOf(changed));
    return problemResponse(c, {
      code: "no_schedule",
      detail: `The task "${task}" has no schedule.`,
      hint: "Tasks with a schedule are listed by GET /api/v1/schedules; peach.conf gives them one.",
    });
  }
}

type SchedulesDocument = DocumentOf<typeof listSchedules, 200>;

/** Describes schedules in the order of their tasks. */
function documentsOf(statuses: readonly ScheduleStatus[]): SchedulesDocument {
  const now = Date.now();
  return { schedules: statuses.map((status) => documentOf(status, now)) };
}

function documentOf(
  { definition, state, paused, waitingFor }: ScheduleStatus,
  now: number,
): SchedulesDocument["schedules"][number] {
  const { task, cron, timezone, overlap, catchUp, payload } = definition;
  const { lastRun, waiting, skipped, lastSkip } = state;
  return {
    task,
    cron,
    timezone,
    overlap,
    catch_up: { policy: catchUp.policy, window_ms: catchUp.windowMs },
    ...(payload === null ? {} : { payload: JSON.parse(payload) }),
    paused,
    next: nextTimes(definition, now, SHOWN_TIMES),
    waiting: waiting.map((at) => iso(at)),
    waiting_for: waitingFor,
    last_run:
      lastRun === null
        ? null
        : { run_id: lastRun.runId, due_at: iso(lastRun.dueAt), started_at: iso(lastRun.startedAt) },
    skipped: {
      count: skipped,
      last:
        lastSkip === null
          ? null
          : { due_at: iso(lastSkip.dueAt), reason: lastSkip.reason, detail: lastSkip.detail },
    },
  };
}
