/**
 * Assembles the HTTP edge: the API below /api/v1, the dashboard, and the endpoints of peach.conf.
 *
 * The order of the middleware is part of the contract. `requestId` runs first, so that every answer
 * and log line has an id. `consoleBoundary` and `dropSessionCookie` remove browser credentials
 * before a handler can see them. `limitRequest` runs before `authenticate`, so that an oversized
 * request costs no lookup of a token.
 */
import { Hono } from "hono";
import { createAnswerOnce } from "./endpoints/answer-once.ts";
import { createLimitCaller } from "./endpoints/caller-limit.ts";
import { apiCors, apiHeaders, serverDate } from "./middleware/api-headers.ts";
import { authenticate } from "./auth/authenticate.ts";
import { consoleBoundary } from "./auth/console-host.ts";
import { dashboardRoutes } from "./dashboard.ts";
import type { AppDependencies } from "./dependencies.ts";
import { createDeliveryLog } from "./endpoints/delivery-log.ts";
import { type AnswerRequest, createAnswerRequest } from "./endpoints/endpoint-call.ts";
import { createAnswerRecommendation } from "./recommendations/answer.ts";
import { createCompute } from "./recommendations/component-call.ts";
import { endpointRoutes } from "./endpoints/endpoints.ts";
import type { HttpEnv } from "./http-env.ts";
import type { Routes } from "./openapi/handle.ts";
import { notFound } from "./not-found.ts";
import { errorResponse } from "./problem.ts";
import { limitRequest } from "./middleware/request-limits.ts";
import { requestId } from "./middleware/request-id.ts";
import { triggerRoutes } from "./api/triggers.ts";
import { tokenRoutes } from "./api/tokens.ts";
import { sessionRoutes } from "./api/sessions.ts";
import { deadLetterRoutes } from "./api/dead-letters.ts";
import { deliveryRoutes } from "./api/deliveries.ts";
import { taskRoutes } from "./api/tasks.ts";
import { graphRoutes } from "./api/graph.ts";
import { deployedEndpointRoutes } from "./api/endpoints.ts";
import { recommendationRoutes } from "./api/recommendations.ts";
import { healthRoutes } from "./api/health.ts";
import { metricsRoutes } from "./api/metrics.ts";
import { auditRoutes } from "./api/audit.ts";
import { runListRoutes } from "./api/run-lists.ts";
import { statisticsRoutes } from "./api/statistics.ts";
import { bulkRoutes } from "./api/bulk.ts";
import { descriptionRoutes, docsHandler } from "./api/description.ts";
import { runItemRoutes } from "./api/run-items.ts";
import { limitRoutes } from "./api/limits.ts";
import { runRoutes } from "./api/runs.ts";
import { runPayloadRoutes } from "./api/run-payloads.ts";
import { runLogRoutes } from "./api/run-logs.ts";
import { runEventRoutes } from "./api/run-events.ts";
import { scheduleRoutes } from "./api/schedules.ts";
import { runActionRoutes } from "./api/run-actions.ts";
import { completionRoutes } from "./api/completion.ts";
import { eventRoutes } from "./api/events.ts";
import { reconcileRoutes } from "./api/reconcile.ts";
import { OPERATIONS } from "./api/operations.ts";
import { dropSessionCookie } from "./endpoints/drop-session-cookie.ts";
import { webhookHandshake } from "./endpoints/webhook-handshake.ts";

/** Creates the function that calls endpoints, by their method or by their components. */
function answererOf({
  plan,
  registry,
  callEndpoint,
  callComponent,
  countServing,
}: AppDependencies): AnswerRequest {
  const byMethod = createAnswerRequest(registry, callEndpoint);
  const compute = createCompute(registry, callComponent);
  const byComponents = createAnswerRecommendation({ plan, compute, countServing });
  return (c, request) =>
    request.endpoint.recommendation === undefined ? byMethod(c, request) : byComponents(c, request);
}

/**
 * Creates the app that serves this plan.
 *
 * ```ts
 * const app = createApp({ plan, registry, local: null, ...dependencies });
 * export default { fetch: app.fetch };
 * ```
 */
export function createApp(given: AppDependencies): Hono<HttpEnv> {
  const dependencies = {
    ...given,
    answerRequest: answererOf(given),
    limitCaller: createLimitCaller(given.takeTurn),
    answerOnce: createAnswerOnce(given.plan, given.callSignedDeliveries),
    deliveryLog: createDeliveryLog(given.plan, given.callDeliveries),
  };
  const { local } = given;
  const app = new Hono<HttpEnv>();
  app.use(requestId);
  if (local !== null) app.use(local.drainBody, local.guard);
  app.use(consoleBoundary, dropSessionCookie);
  app.get("/healthz", (c) => c.json({ status: "ok", conf_version: dependencies.plan.version }));
  app.get("/api/v1/docs", docsHandler(OPERATIONS));
  app.use("/dashboard/session", serverDate);
  app.use(
    "/api/v1/*",
    webhookHandshake,
    apiHeaders,
    serverDate,
    apiCors,
    limitRequest,
    authenticate,
  );
  const api: Routes = new Hono<HttpEnv>();
  triggerRoutes(api, dependencies);
  // Registered before the calls of one run: otherwise `count` and `feed` would be read as run
  // ids.
  runListRoutes(api, dependencies);
  statisticsRoutes(api, dependencies.plan);
  runRoutes(api, dependencies);
  runPayloadRoutes(api, dependencies);
  runLogRoutes(api, dependencies);
  runItemRoutes(api, dependencies);
  runEventRoutes(api, dependencies);
  runActionRoutes(api, dependencies);
  bulkRoutes(api, dependencies);
  scheduleRoutes(api, dependencies);
  deliveryRoutes(api, dependencies);
  eventRoutes(api, dependencies);
  reconcileRoutes(api, dependencies);
  deadLetterRoutes(api, dependencies);
  taskRoutes(api, dependencies);
  graphRoutes(api, dependencies);
  deployedEndpointRoutes(api, dependencies);
  recommendationRoutes(api, dependencies);
  healthRoutes(api);
  metricsRoutes(api, dependencies);
  limitRoutes(api, dependencies);
  auditRoutes(api);
  tokenRoutes(api);
  sessionRoutes(api);
  descriptionRoutes(api, OPERATIONS);
  app.route("/api/v1", api);
  app.route("/dashboard", dashboardRoutes(dependencies.dashboard, local !== null));
  app.route("/complete", completionRoutes(dependencies));
  if (local !== null) app.route("/", local.routes(dependencies));
  // Endpoints come last: their urls are free text, and must not shadow a path of Peach.
  app.route("/", endpointRoutes(dependencies));
  app.notFound(notFound(app, local !== null));
  app.onError(errorResponse);
  return app;
}
