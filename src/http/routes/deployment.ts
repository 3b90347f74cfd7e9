/** `/tasks`, `/graph`, `/endpoints`, `/health`: what is deployed, and how it is. */
import { Hono } from "hono";
import { renderGraph } from "../../conf/graph-view.ts";
import { documentOfEndpoint } from "../../conf/plan-documents.ts";
import type { Plan } from "../../core/plan.ts";
import { callSchedules } from "../../schedules/schedules-client.ts";
import type { MethodRegistry } from "../../task/method.ts";
import { unknownTask } from "../../trigger/accept.ts";
import { readBacklogs, scheduleLagMs } from "../backlog.ts";
import { handle } from "../handle.ts";
import type { HttpEnv } from "../http-env.ts";
import { listEndpoints, listTasks, readGraph, readHealth, readTask } from "../operations/deployment.ts";
import { problemResponse } from "../problem.ts";
import { describeTask } from "../task-document.ts";

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
  handle(routes, listTasks, (_c, { reply }) =>
    reply(200, { tasks: Object.values(plan.tasks).map((task) => describeTask(task, registry)) }),
  );
  handle(routes, readTask, (c, { params, reply }) => {
    const task = Object.hasOwn(plan.tasks, params.task) ? plan.tasks[params.task] : undefined;
    if (task === undefined) return problemResponse(c, unknownTask(Object.keys(plan.tasks), params.task));
    return reply(200, describeTask(task, registry));
  });
  handle(routes, readGraph, (c, { query: { format } }) =>
    c.body(renderGraph(plan, format), 200, { "Content-Type": GRAPH_TYPES[format] }),
  );
  handle(routes, listEndpoints, (_c, { reply }) => reply(200, { endpoints: plan.endpoints.map(documentOfEndpoint) }));
  handle(routes, readHealth, async (c, { reply }) => {
    const [queues, schedules] = await Promise.all([
      readBacklogs(c.env),
      callSchedules(c.env, (object) => object.list()),
    ]);
    const now = Date.now();
    const lagMs = scheduleLagMs(schedules, now);
    const isBehind =
      queues.some(({ oldestAt }) => oldestAt !== null && now - oldestAt > BEHIND_MS) || lagMs > BEHIND_MS;
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
