/** `/tasks`: deployed tasks; pause and resume. */
import type { Context } from "hono";
import * as z from "zod";
import { type DeployedTask, taskSchema, tasksSchema } from "../../contract/tasks.ts";
import { documentOfTask } from "../../domain/plan/plan-documents.ts";
import type { TaskPlan } from "../../domain/plan/plan.ts";
import type { StandardSchema } from "../../domain/standard-schema.ts";
import { type MethodRegistry, methodOf } from "../../execution/author/method.ts";
import { callPauses, keepPaused } from "../../objects/pauses/pauses-client.ts";
import type { PausedTask } from "../../objects/pauses/pauses-rpc.ts";
import { isZod } from "../../payloads/check-any.ts";
import { unknownTask } from "../../triggers/accept.ts";
import type { Needs } from "../dependencies.ts";
import type { HttpEnv } from "../http-env.ts";
import { type Call, type Routes, handle } from "../openapi/handle.ts";
import { answer, operation } from "../openapi/operation.ts";
import { problemResponse } from "../problem.ts";
import { taskParams } from "./parameters.ts";

const GROUP = "Deployment";
const JSON_OBJECT = z.record(z.string(), z.unknown());

/** `GET /tasks`: all tasks, in the order of peach.conf. */
export const listTasks = operation("GET /tasks", {
  id: "listTasks",
  right: "read",
  group: GROUP,
  summary: "The tasks that are deployed",
  answers: {
    200: answer("In the order of peach.conf", tasksSchema),
  },
});

/** `GET /tasks/{task}`: one task. */
export const readTask = operation("GET /tasks/{task}", {
  id: "readTask",
  right: "read",
  group: GROUP,
  summary: "One task: its wiring, its rules, the schemas of what it reads and passes",
  params: taskParams,
  answers: { 200: answer("The task", taskSchema) },
  problems: ["unknown_task"],
});

/** `POST /tasks/{task}/pause`: holds back new attempts; running ones continue. */
export const pauseTask = operation("POST /tasks/{task}/pause", {
  id: "pauseTask",
  right: "operate",
  group: GROUP,
  summary: "Holds the task's attempts back, of all runs, until it is resumed; those that run go on",
  params: taskParams,
  answers: { 200: answer("The task", taskSchema) },
  problems: ["unknown_task"],
});

/** `POST /tasks/{task}/resume`: starts the attempts that were held back. */
export const resumeTask = operation("POST /tasks/{task}/resume", {
  id: "resumeTask",
  right: "operate",
  group: GROUP,
  summary: "Starts the attempts that were held back",
  params: taskParams,
  answers: { 200: answer("The task", taskSchema) },
  problems: ["unknown_task"],
});

/** Adds the routes below /api/v1. */
export function taskRoutes(routes: Routes, { plan, registry }: Needs<"plan" | "registry">): void {
  /** Answers with the task of this name, or 404. */
  const answerTask = async (
    c: Context<HttpEnv>,
    name: string,
    reply: Call<typeof readTask>["reply"],
    pausesOf: (task: TaskPlan) => Promise<readonly PausedTask[]>,
  ): Promise<Response> => {
    const task = Object.hasOwn(plan.tasks, name) ? plan.tasks[name] : undefined;
    return task === undefined
      ? problemResponse(c, unknownTask(Object.keys(plan.tasks), name))
      : reply(200, describeTask(task, registry, await pausesOf(task)));
  };
  handle(routes, listTasks, async (c, { reply }) => {
    const paused = await callPauses(c.env, (pauses) => pauses.paused());
    return reply(200, {
      tasks: Object.values(plan.tasks).map((task) => describeTask(task, registry, paused)),
    });
  });
  handle(routes, readTask, (c, { params, reply }) =>
    answerTask(c, params.task, reply, () => callPauses(c.env, (pauses) => pauses.paused())),
  );
  handle(routes, pauseTask, (c, { params, reply }) =>
    answerTask(c, params.task, reply, async ({ name }) =>
      keepPaused(await callPauses(c.env, (pauses) => pauses.pause(name, c.get("caller").name))),
    ),
  );
  handle(routes, resumeTask, (c, { params, reply }) =>
    answerTask(c, params.task, reply, async ({ name }) =>
      keepPaused(await callPauses(c.env, (pauses) => pauses.resume(name))),
    ),
  );
}

/** Formats a task, with the schemas of its method and its pause. */
function describeTask(
  task: TaskPlan,
  registry: MethodRegistry,
  paused: readonly PausedTask[],
): DeployedTask {
  const method = methodOf(registry, task.method);
  const pause = paused.find((one) => one.task === task.name);
  return {
    ...documentOfTask(task),
    paused: pause === undefined ? null : { by: pause.by, at: new Date(pause.at).toISOString() },
    input_schema: jsonSchemaOf(method?.input ?? null, "input"),
    output_schema: jsonSchemaOf(method?.output ?? null, "output"),
  };
}

/**
 * Converts a schema to JSON Schema. Parts without an equivalent (a transform, a refinement) accept
 * anything. Null if the method has no schema, or the library cannot convert it.
 */
function jsonSchemaOf(
  schema: StandardSchema | null,
  io: "input" | "output",
): Record<string, unknown> | null {
  if (schema === null) return null;
  try {
    if (isZod(schema)) return { ...z.toJSONSchema(schema, { io, unrepresentable: "any" }) };
    const made: unknown = schema["~standard"].jsonSchema?.[io]({ target: "draft-2020-12" });
    // What a library makes may be no JSON, as with a BigInt or a cycle.
    return made === undefined ? null : JSON_OBJECT.parse(JSON.parse(JSON.stringify(made)));
  } catch {
    return null;
  }
}
