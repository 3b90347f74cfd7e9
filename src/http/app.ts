/** The HTTP edge: the API under /api/v1, the endpoints of peach.conf, and what every answer has in common. */
import { Hono } from "hono";
import type { takeTurn } from "../deliveries/caller-client.ts";
import type { callSignedDeliveries } from "../deliveries/signed-client.ts";
import type { MethodRegistry } from "../task/method.ts";
import { createAnswerOnce } from "./answer-once.ts";
import { createLimitCaller } from "./caller-limit.ts";
import { apiCors, apiHeaders } from "./api-headers.ts";
import { authenticate } from "./auth.ts";
import { consoleBoundary } from "./console-host.ts";
import { dashboardRoutes, type DashboardFiles } from "./dashboard.ts";
import { createDeliveryLog } from "./delivery-log.ts";
import { createAnswerRequest, type CallEndpoint } from "./endpoint-call.ts";
import { endpointRoutes } from "./endpoints.ts";
import type { HttpEnv } from "./http-env.ts";
import type { LocalParts } from "./local/local-parts.ts";
import { notFound } from "./not-found.ts";
import { unexpected } from "./problem.ts";
import { limitRequest } from "./request-limits.ts";
import { requestId } from "./request-id.ts";
import { accessRoutes } from "./routes/access.ts";
import { deadLetterRoutes } from "./routes/dead-letters.ts";
import { deliveryRoutes, type DeliveryRouteDependencies } from "./routes/deliveries.ts";
import { deploymentRoutes } from "./routes/deployment.ts";
import { auditRoutes } from "./routes/audit.ts";
import { bulkRoutes } from "./routes/bulk.ts";
import { completionRoutes } from "./routes/complete.ts";
import { descriptionRoutes, docsHandler } from "./routes/description.ts";
import { eventRoutes, type EventRouteDependencies } from "./routes/events.ts";
import { limitRoutes } from "./routes/limits.ts";
import { metricsRoutes } from "./routes/metrics.ts";
import { reconcileRoutes } from "./routes/reconcile.ts";
import { keepSession } from "./session-boundary.ts";
import { runEventRoutes } from "./routes/run-events.ts";
import { runListRoutes } from "./routes/run-lists.ts";
import { runRoutes } from "./routes/runs.ts";
import { scheduleRoutes } from "./routes/schedules.ts";
import { steeringRoutes } from "./routes/steering.ts";
import { webhookHandshake } from "./webhook-handshake.ts";
import { triggerRoutes, type TriggerRouteDependencies } from "./routes/trigger.ts";

export interface AppDependencies
  extends TriggerRouteDependencies, EventRouteDependencies, Pick<DeliveryRouteDependencies, "callDeliveries"> {
  readonly registry: MethodRegistry;
  readonly callEndpoint: CallEndpoint;
  readonly callSignedDeliveries: typeof callSignedDeliveries;
  readonly takeTurn: typeof takeTurn;
  readonly dashboard: DashboardFiles;
  /** Null in a deployed bundle. */
  readonly local: LocalParts | null;
}

/** The worker's `fetch` for this plan. */
export function createApp(given: AppDependencies): Hono<HttpEnv> {
  const dependencies = {
    ...given,
    answerRequest: createAnswerRequest(given.registry, given.callEndpoint),
    limitCaller: createLimitCaller(given.takeTurn),
    answerOnce: createAnswerOnce(given.plan, given.callSignedDeliveries),
    deliveryLog: createDeliveryLog(given.plan, given.callDeliveries),
  };
  const { local } = given;
  const app = new Hono<HttpEnv>();
  app.use(requestId);
  if (local !== null) app.use(local.readUnreadBody, local.guard);
  app.use(consoleBoundary, keepSession);
  app.get("/healthz", (c) => c.json({ status: "ok", conf_version: dependencies.plan.version }));
  app.get("/api/v1/docs", docsHandler());
  app.use("/api/v1/*", webhookHandshake, apiHeaders, apiCors, limitRequest, authenticate);
  for (const routes of [
    triggerRoutes(dependencies),
    // Before the calls of one run: `count` and `feed` are no ids.
    runListRoutes(dependencies),
    runRoutes(dependencies),
    runEventRoutes(dependencies),
    steeringRoutes(dependencies),
    bulkRoutes(dependencies),
    scheduleRoutes(dependencies),
    deliveryRoutes(dependencies),
    eventRoutes(dependencies),
    reconcileRoutes(dependencies),
    deadLetterRoutes(dependencies),
    deploymentRoutes(dependencies),
    metricsRoutes(),
    limitRoutes(dependencies),
    auditRoutes(),
    accessRoutes(),
    descriptionRoutes(),
  ])
    app.route("/api/v1", routes);
  app.route("/dashboard", dashboardRoutes(dependencies.dashboard, local !== null));
  app.route("/complete", completionRoutes(dependencies));
  if (local !== null) app.route("/", local.routes(dependencies));
  app.route("/", endpointRoutes(dependencies));
  app.notFound(notFound(app, local !== null));
  app.onError(unexpected);
  return app;
}
