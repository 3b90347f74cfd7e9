/** `/tasks`, `/graph`, `/endpoints`, `/health`: what is deployed, and how it is. */
import { Hono, type Context } from "hono";
import { renderGraph } from "../../domain/plan/graph-drawing.ts";
import { documentOfEndpoint } from "../../domain/plan/plan-documents.ts";
import { callPauses, keepPaused } from "../../objects/pauses/pauses-client.ts";
import type { Plan, TaskPlan } from "../../domain/plan/plan.ts";
import { callSchedules } from "../../objects/schedules/schedules-client.ts";
import type { MethodRegistry } from "../../execution/author/method.ts";
import { unknownTask } from "../../triggers/accept.ts";
import { readBacklogs, scheduleLagMs } from "./backlog.ts";
import { handle } from "../openapi/handle.ts";
import type { HttpEnv } from "../http-env.ts";
import {
  listEndpoints,
  listTasks,
  pauseTask,
  readGraph,
  readHealth,
  readTask,
  resumeTask,
} from "./deployment.operations.ts";
import { problemResponse } from "../problem.ts";
import { describeTask } from "./task-document.ts";

export interface DeploymentRouteDependencies {
  readonly plan: Plan;
  readonly registry: MethodRegistry;
}

/** What has waited for longer is behind. */
const BEHIND_MS = 300_000;

const GRAPH_TYPES = {
  json: "application/json",
  mermaid: "text/vnd.mermaid; charset=utf-8",
  dot: "text/vnd.graphviz; charset=utf-8",
} as const;

/** The routes below /api/v1. */
export function deploymentRoutes({ plan, registry }: DeploymentRouteDependencies): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  const taskOf = (name: string): TaskPlan | undefined =>
    Object.hasOwn(plan.tasks, name) ? plan.tasks[name] : undefined;
  const unknown = (c: Context<HttpEnv>, name: string): Response =>
    problemResponse(c, unknownTask(Object.keys(plan.tasks), name));
  handle(routes, listTasks, async (c, { reply }) => {
    const paused = await callPauses(c.env, (pauses) => pauses.paused());
    return reply(200, {
      tasks: Object.values(plan.tasks).map((task) => describeTask(task, registry, paused)),
    });
  });
  handle(routes, readTask, async (c, { params, reply }) => {
    const task = taskOf(params.task);
    if (task === undefined) return unknown(c, params.task);
    const paused = await callPauses(c.env, (pauses) => pauses.paused());
    return reply(200, describeTask(task, registry, paused));
  });
  handle(routes, pauseTask, async (c, { params, reply }) => {
    const task = taskOf(params.task);
    if (task === undefined) return unknown(c, params.task);
    const by = c.get("caller").name;
    const paused = keepPaused(await callPauses(c.env, (pauses) => pauses.pause(task.name, by)));
    return reply(200, describeTask(task, registry, paused));
  });
  handle(routes, resumeTask, async (c, { params, reply }) => {
    const task = taskOf(params.task);
    if (task === undefined) return unknown(c, params.task);
    const paused = keepPaused(await callPauses(c.env, (pauses) => pauses.resume(task.name)));
    return reply(200, describeTask(task, registry, paused));
  });
  handle(routes, readGraph, (c, { query: { format } }) =>
    c.body(renderGraph(plan, format), 200, { "Content-Type": GRAPH_TYPES[format] }),
  );
  handle(routes, listEndpoints, (_c, { reply }) =>
    reply(200, { endpoints: plan.endpoints.map(documentOfEndpoint) }),
  );
  handle(routes, readHealth, async (c, { reply }) => {
    const [queues, schedules] = await Promise.all([
      readBacklogs(c.env),
      callSchedules(c.env, (object) => object.list()),
    ]);
    const now = Date.now();
    const lagMs = scheduleLagMs(schedules, now);
    const isBehind =
      queues.some(({ oldestAt }) => oldestAt !== null && now - oldestAt > BEHIND_MS) ||
      lagMs > BEHIND_MS;
    return reply(200, {
      status: isBehind ? "behind" : "ok",
      queues: queues.map(({ name, count, bytes, oldestAt }) => ({
        name,
        backlog_count: count,
        backlog_bytes: bytes,
        oldest_message_at: oldestAt === null ? null : new Date(oldestAt).toISOString(),
      })),
      schedules: { lag_ms: lagMs },
    });
  });
  return routes;
}
