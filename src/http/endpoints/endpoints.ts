/**
 * Serves the endpoints of peach.conf at their urls, in these steps: method, CORS, `rate_limit`,
 * `max_body`, `auth`, the call, and the record.
 *
 * If several endpoints share a url, the first in file order with a matching method answers. No
 * endpoint answers at a path of Peach.
 */
import { Hono, type Context } from "hono";
import { cors } from "hono/cors";
import { METHOD_NAME_ALL } from "hono/router";
import { actorKey } from "../../domain/actor.ts";
import { ownPathOf } from "../../domain/plan/reserved-paths.ts";
import type { EndpointPlan } from "../../domain/plan/plan.ts";
import { SnsCertificates } from "../../triggers/signature/sns-certificates.ts";
import { NOBODY } from "../../domain/audit-entry.ts";
import { auditCounted, finishAfterDisconnect } from "../middleware/audit.ts";
import { admit, type Refused } from "./admission.ts";
import { unkeptBody } from "./body-limit.ts";
import type { Arrival } from "./delivery-log.ts";
import type { EndpointAnswer } from "./endpoint-call.ts";
import { guardAnswer } from "./endpoint-headers.ts";
import type { Needs } from "../dependencies.ts";
import type { Caller, HttpEnv } from "../http-env.ts";
import { problemResponse } from "../problem.ts";
import { isForOtherSites } from "../recommendations/subject.ts";

/** Headers of recommendations that scripts of other origins may read. */
const RECOMMENDATION_HEADERS = [
  "peach-component",
  "peach-fallback",
  "peach-cache",
  "peach-recommendation",
];

/** Creates the routes of all endpoints in the plan. */
export function endpointRoutes({
  plan,
  answerRequest,
  answerOnce,
  limitCaller,
  deliveryLog,
}: Needs<"plan" | "answerRequest" | "answerOnce" | "limitCaller" | "deliveryLog">): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  const certificates = new SnsCertificates();
  // A url of `:params` also matches Peach's own paths, to which browsers send the session.
  routes.use(async (c, next) => {
    if (ownPathOf(c.req.path) !== null) return c.notFound();
    await next();
    return undefined;
  });
  for (const endpoint of plan.endpoints) {
    const methods = methodsOf(endpoint);
    if (endpoint.cors !== null) {
      const { origins } = endpoint.cors;
      const shared = cors({
        origin: origins.includes("*") ? "*" : [...origins],
        ...(endpoint.methods === null ? {} : { allowMethods: [...endpoint.methods] }),
        ...(endpoint.recommendation !== undefined && { exposeHeaders: RECOMMENDATION_HEADERS }),
        ...(isForOtherSites(endpoint) && { credentials: true }),
      });
      routes.on(methods, endpoint.url, shared);
      // Each endpoint of a shared url answers the preflight for its own methods.
      if (!methods.includes(METHOD_NAME_ALL) && !methods.includes("OPTIONS"))
        routes.on("OPTIONS", endpoint.url, (c, next) =>
          asksFor(c, methods) ? shared(c, next) : next(),
        );
    }
    routes.on(methods, endpoint.url, (c) =>
      endpoint.auth.type === "token"
        ? finishAfterDisconnect(c, receiveNoted(c, endpoint))
        : receive(c, endpoint),
    );
  }
  return routes;

  /** Serves an endpoint with `auth: token`, and audits the call. */
  async function receiveNoted(c: Context<HttpEnv>, endpoint: EndpointPlan): Promise<Response> {
    const response = await receive(c, endpoint);
    auditToken(c, endpoint, response.status);
    return response;
  }

  /**
   * Runs the steps of one request. A limit by address, header or query is checked before `auth`,
   * one by token after it.
   */
  async function receive(c: Context<HttpEnv>, endpoint: EndpointPlan): Promise<Response> {
    const arrival = { at: Date.now(), params: c.req.param(), replayOf: null };
    const { rateLimit } = endpoint;
    const early = rateLimit?.by.type === "token" ? null : await limitCaller(c, endpoint, null);
    if (early !== null) return refuse(c, endpoint, arrival, { ...early, limited: null });
    const admission = await admit(c, endpoint, certificates);
    const request = admission.limited?.request ?? c.req.raw;
    if ("problem" in admission) return refuse(c, endpoint, arrival, admission);
    if ("response" in admission) {
      const { response, limited } = admission;
      const answered = { response, reason: null, kept: limited.kept(), senderId: null, runs: [] };
      deliveryLog.keep(c, endpoint, { ...arrival, ...answered, request });
      return response;
    }
    const { senderId, digest, limited, actor } = admission;
    const late =
      rateLimit?.by.type === "token" ? await limitCaller(c, endpoint, actor?.name ?? null) : null;
    if (late !== null) return refuse(c, endpoint, arrival, { ...late, limited });
    const { params } = arrival;
    const call = {
      endpoint,
      limited,
      params,
      deliveryId: senderId ?? digest,
      ...(actor && { actor }),
    } as const;
    const callMethod = (): Promise<EndpointAnswer> =>
      answerRequest(c, { ...call, source: "endpoint" });
    const answer =
      digest === null || isBareRead(c.req.raw)
        ? await callMethod()
        : await answerOnce(c, endpoint, digest, callMethod);
    const { isRefused = false, ...given } = answer;
    const came = { ...arrival, ...given, request, kept: limited.kept(), senderId };
    if (isRefused) deliveryLog.refuse(c, endpoint, came);
    else deliveryLog.keep(c, endpoint, came);
    return guardAnswer(answer.response);
  }

  /** Answers a refused request and records it. */
  function refuse(
    c: Context<HttpEnv>,
    endpoint: EndpointPlan,
    arrival: Pick<Arrival, "at" | "params" | "replayOf">,
    { problem, headers, limited }: Refused,
  ): Response {
    const request = limited?.request ?? c.req.raw;
    const response = problemResponse(c, problem, headers);
    const kept = limited?.kept() ?? unkeptBody(request);
    const refused = { response, reason: problem.code, kept, senderId: null, runs: [] };
    deliveryLog.refuse(c, endpoint, { ...arrival, ...refused, request });
    return response;
  }
}

/** Records a call with an API token in the audit. */
function auditToken(c: Context<HttpEnv>, { name }: EndpointPlan, status: number): void {
  const caller: Caller | undefined = c.get("caller");
  auditCounted(c, {
    who: caller === undefined ? NOBODY : actorKey(caller),
    what: "callEndpoint",
    on: name,
    status,
  });
}

/**
 * Recognizes a request without signed content. Two such requests cannot be told apart, so neither
 * is a redelivery.
 */
function isBareRead({ method, body }: Request): boolean {
  return body === null && (method === "GET" || method === "HEAD");
}

/** Checks whether a preflight request asks for one of these methods. */
function asksFor(c: Context<HttpEnv>, methods: readonly string[]): boolean {
  const asked = c.req.header("Access-Control-Request-Method") ?? "";
  return methods.includes(asked === "HEAD" ? "GET" : asked);
}

/** Lists the methods to register. Hono serves HEAD by the route of GET. */
function methodsOf(endpoint: EndpointPlan): string[] {
  if (endpoint.methods === null) return [METHOD_NAME_ALL];
  return endpoint.methods.map((method) => (method === "HEAD" ? "GET" : method));
}
