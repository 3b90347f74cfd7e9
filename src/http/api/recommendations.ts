/**
 * `/recommendations`: requests of recommendation endpoints, by component, and trials. Counts are
 * seconds behind: isolates gather them before they are sent.
 */
import * as z from "zod";
import {
  COUNT_WINDOWS,
  type CountWindow,
  type RecommendationCounts,
  recommendationCountsSchema,
  recommendationListSchema,
  triedRecommendationSchema,
} from "../../contract/recommendations.ts";
import { documentOfEndpoint } from "../../domain/plan/plan-documents.ts";
import type { EndpointPlan, Plan } from "../../domain/plan/plan.ts";
import { FALLBACK } from "../../domain/plan/recommendation-plan.ts";
import { OUTCOMES, percentileMs } from "../../domain/recommendations/statistics.ts";
import { callRecommendations } from "../../objects/deliveries/recommendation-client.ts";
import type { NamedCounts } from "../../objects/deliveries/recommendation-rpc.ts";
import type { Needs } from "../dependencies.ts";
import { actorOf, type HttpEnv } from "../http-env.ts";
import { refuseToTrigger } from "../auth/authenticate.ts";
import { bufferedRequest } from "../endpoints/body-limit.ts";
import { type Routes, handle } from "../openapi/handle.ts";
import { answer, operation } from "../openapi/operation.ts";
import { problemResponse } from "../problem.ts";
import type { Context } from "hono";

const GROUP = "Endpoints";
/** The span of the counts. */
const window = z
  .enum(COUNT_WINDOWS)
  .optional()
  .describe("The span of time, in full hours. Default: 24h");
const params = z.object({ endpoint: z.string().describe("The endpoint's name") });

/** `GET /recommendations`: the recommendation endpoints in the order of peach.conf. */
export const listRecommendations = operation("GET /recommendations", {
  id: "listRecommendations",
  right: "read",
  group: GROUP,
  summary: "Shares, times, fallbacks and clicks of the components of recommendation endpoints",
  query: z.strictObject({ window }),
  answers: { 200: answer("In the order of peach.conf", recommendationListSchema) },
});

/** `GET /recommendations/{endpoint}`: one recommendation endpoint. */
export const readRecommendations = operation("GET /recommendations/{endpoint}", {
  id: "readRecommendations",
  right: "read",
  group: GROUP,
  summary: "Shares, times, fallbacks and clicks of the components of one recommendation endpoint",
  params,
  query: z.strictObject({ window }),
  answers: { 200: answer("The endpoint", recommendationCountsSchema) },
  problems: ["unknown_endpoint"],
});

/** `GET /recommendations/{endpoint}/try`: an answer with what happened, as by `?debug=1`. */
export const tryRecommendation = operation("GET /recommendations/{endpoint}/try", {
  id: "tryRecommendation",
  right: "read",
  group: GROUP,
  summary: "Asks the endpoint, as `?debug=1` does: the answer with what happened, counted nowhere",
  params,
  query: z.strictObject({
    query: z.string().optional().describe("The parameters, as the query of a request has them"),
    component: z.string().optional().describe("The component; without it the split chooses"),
  }),
  answers: { 200: answer("The result and what happened", triedRecommendationSchema) },
  problems: [
    "unknown_endpoint",
    "invalid_request",
    "recommendation_failed",
    "endpoint_timeout",
    "forbidden",
  ],
});

/** Counts of an endpoint by component. */
export interface EndpointCounts {
  readonly endpoint: string;
  readonly counts: readonly NamedCounts[];
}

/** Milliseconds of each span; null: all time. */
const WINDOW_MS: Readonly<Record<CountWindow, number | null>> = {
  "1h": 3_600_000,
  "24h": 86_400_000,
  "7d": 7 * 86_400_000,
  all: null,
};

/** Adds the routes below /api/v1. */
export function recommendationRoutes(
  routes: Routes,
  { plan, answerRequest }: Needs<"plan" | "answerRequest">,
): void {
  handle(routes, listRecommendations, async (c, { query, reply }) => {
    const span = query.window ?? "24h";
    const counted = await countsOfEndpoints(c.env, plan, sinceOf(span));
    const recommendations = counted.flatMap(({ endpoint: name, counts }) => {
      const endpoint = endpointOf(plan, name);
      return endpoint === null ? [] : [documentOf(endpoint, counts, span, plan.retentionMs)];
    });
    return reply(200, { recommendations });
  });

  handle(routes, readRecommendations, async (c, { params: given, query, reply }) => {
    const endpoint = endpointOf(plan, given.endpoint);
    if (endpoint === null) return unknownEndpoint(c, given.endpoint);
    const span = query.window ?? "24h";
    const counts = await callRecommendations(c.env, endpoint.name, (object) =>
      object.readCounts(sinceOf(span)),
    );
    return reply(200, documentOf(endpoint, counts, span, plan.retentionMs));
  });

  handle(routes, tryRecommendation, async (c, { params: given, query }) => {
    const endpoint = endpointOf(plan, given.endpoint);
    if (endpoint === null) return unknownEndpoint(c, given.endpoint);
    const caller = c.get("caller");
    // A trial is no way around the right that an endpoint with `auth: token` asks for.
    const refusal = endpoint.auth.type === "token" ? refuseToTrigger([null], caller) : null;
    if (refusal !== null) return problemResponse(c, refusal.problem, { ...refusal.headers });
    const url = new URL("/", c.req.url);
    url.search = query.query ?? "";
    url.searchParams.set("debug", "1");
    url.searchParams.delete("component");
    if (query.component !== undefined) url.searchParams.set("component", query.component);
    const { response } = await answerRequest(c, {
      endpoint,
      limited: bufferedRequest(new Request(url), new Uint8Array()),
      params: {},
      deliveryId: null,
      source: "endpoint",
      actor: actorOf(caller),
    });
    return response;
  });
}

/**
 * Reads the counts of all recommendation endpoints, an object for each. `since`: epoch
 * milliseconds; null reads all time, as counters of metrics need.
 */
export async function countsOfEndpoints(
  env: Env,
  { endpoints }: Plan,
  since: number | null,
): Promise<readonly EndpointCounts[]> {
  const serving = endpoints.filter(({ recommendation }) => recommendation !== undefined);
  return Promise.all(
    serving.map(async ({ name: endpoint }) => ({
      endpoint,
      counts: await callRecommendations(env, endpoint, (object) => object.readCounts(since)),
    })),
  );
}

/** Begin of a span, epoch milliseconds; null for all time. */
function sinceOf(span: CountWindow): number | null {
  const spanMs = WINDOW_MS[span];
  return spanMs === null ? null : Date.now() - spanMs;
}

/**
 * Finds a recommendation endpoint by name; null for an unknown name, and for an endpoint with a
 * method.
 */
function endpointOf({ endpoints }: Plan, wanted: string): EndpointPlan | null {
  const found = endpoints.find(
    ({ name, recommendation }) => name === wanted && recommendation !== undefined,
  );
  return found ?? null;
}

/** Answers 404 for a name without components. */
function unknownEndpoint(c: Context<HttpEnv>, name: string): Response {
  return problemResponse(c, {
    code: "unknown_endpoint",
    detail: `There is no recommendation endpoint "${name}".`,
    hint: "`GET /api/v1/recommendations` lists them. Other endpoints have no components.",
  });
}

/**
 * Writes the counts of an endpoint. Components that are gone from peach.conf come last: their
 * requests are part of the sum. Clicks on the fallback stand apart.
 */
function documentOf(
  endpoint: EndpointPlan,
  counted: readonly NamedCounts[],
  span: CountWindow,
  retentionMs: number,
): RecommendationCounts {
  const { recommendation, url, fallback } = documentOfEndpoint(endpoint);
  if (recommendation === undefined) throw new Error(`"${endpoint.name}" has no components`);
  const { components: planned, ...rest } = recommendation;
  const byName = new Map(counted.map((one) => [one.component, one]));
  const requestsOf = (name: string): number =>
    OUTCOMES.reduce((sum, outcome) => sum + (byName.get(name)?.counts[outcome] ?? 0), 0);
  const known = new Set([FALLBACK, ...planned.map(({ name }) => name)]);
  const gone = [...byName.keys()].filter((name) => !known.has(name));
  const names = [...planned.map(({ name }) => name), ...gone];
  const total = names.reduce((sum, name) => sum + requestsOf(name), 0);
  return {
    endpoint: endpoint.name,
    url,
    fallback,
    ...rest,
    window: span,
    components: names.map((name) => {
      const { counts = {}, run = null } = byName.get(name) ?? {};
      const plan = planned.find((one) => one.name === name);
      // A run is deleted after the retention; the id would lead nowhere.
      const isKept = run !== null && Date.now() - Date.parse(run.at) < retentionMs;
      return {
        component: name,
        method: plan?.method ?? null,
        weight: plan?.weight ?? null,
        timeout_ms: plan?.timeout_ms ?? null,
        share: total === 0 ? null : requestsOf(name) / total,
        served: counts["served"] ?? 0,
        fallback: counts["fallback"] ?? 0,
        failed: counts["failed"] ?? 0,
        cache_hits: counts["hit"] ?? 0,
        p50_ms: percentileMs(counts, 0.5),
        p99_ms: percentileMs(counts, 0.99),
        clicks: counts["click"] ?? 0,
        run: isKept ? run : null,
      };
    }),
    fallback_clicks: byName.get(FALLBACK)?.counts["click"] ?? 0,
  };
}
