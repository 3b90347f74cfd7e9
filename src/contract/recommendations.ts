/**
 * Recommendation endpoints: configuration, counts of requests by component, and trials. The console
 * makes a form of the parameters.
 */
import * as z from "zod";
import { PARAM_TYPES, SPLIT_SUBJECTS } from "../domain/plan/recommendation-plan.ts";
import { type Json, named } from "./named.ts";

/** A value of a parameter. */
const value = z.union([z.string(), z.number(), z.boolean()]);

/** The parameters, the split and the components of an endpoint. */
export const recommendationSchema = named(
  "Recommendation",
  z.object({
    params: z.array(
      z.object({
        name: z.string(),
        type: z.enum(PARAM_TYPES),
        required: z.boolean(),
        default: value.nullable(),
        minimum: z.number().nullable(),
        maximum: z.number().nullable(),
        enum: z.array(value).nullable(),
        pattern: z.string().nullable(),
        max_length: z.int(),
        description: z.string().nullable(),
      }),
    ),
    split: z.object({ by: z.enum(SPLIT_SUBJECTS), param: z.string().optional() }),
    components: z.array(
      z.object({
        name: z.string(),
        method: z.string(),
        weight: z.number(),
        timeout_ms: z.number(),
      }),
    ),
    cache_ms: z.number().nullable(),
  }),
);

/** Spans of time over which requests are counted; `all` since the endpoint exists. */
export const COUNT_WINDOWS = ["1h", "24h", "7d", "all"] as const;

/** The requests of a recommendation endpoint, by component. */
export const recommendationCountsSchema = named(
  "RecommendationCounts",
  z.object({
    endpoint: z.string(),
    url: z.string(),
    fallback: z.string().nullable().describe("The method of the fallback"),
    ...recommendationSchema.omit({ components: true }).shape,
    window: z.enum(COUNT_WINDOWS),
    components: z.array(
      z.object({
        component: z.string(),
        method: z.string().nullable().describe("Null: peach.conf has it no more"),
        weight: z.number().nullable(),
        timeout_ms: z.number().nullable(),
        share: z.number().nullable().describe("Of all requests, 0 to 1; null without any"),
        served: z.int().describe("Requests that the component answered"),
        fallback: z.int().describe("Requests that the fallback answered in its place"),
        failed: z.int().describe("Requests that nobody answered"),
        cache_hits: z.int(),
        p50_ms: z.number().nullable(),
        p99_ms: z.number().nullable(),
        clicks: z.int(),
        run: z
          .object({ run_id: z.string(), task: z.string(), at: z.string() })
          .nullable()
          .describe("What computed the latest result that was served"),
      }),
    ),
    fallback_clicks: z.int().describe("Clicks on answers of the fallback"),
  }),
);

/** The recommendation endpoints with their requests. */
export const recommendationListSchema = named(
  "RecommendationList",
  z.object({ recommendations: z.array(recommendationCountsSchema) }),
);

/** A result of a component that was tried out. */
export const triedRecommendationSchema = named(
  "TriedRecommendation",
  z.object({
    result: z.unknown(),
    debug: z.object({
      component: z.string(),
      fallback: z.boolean(),
      cache: z.null().describe("A trial neither reads the cache nor fills it"),
      ms: z.number(),
      error: z.string().nullable().describe("Of the component that the fallback replaced"),
    }),
  }),
);

/** The counts of an endpoint. */
export type RecommendationCounts = Json<typeof recommendationCountsSchema>;
/** A parameter of an endpoint. */
export type RecommendationParam = RecommendationCounts["params"][number];
/** A span of time. */
export type CountWindow = RecommendationCounts["window"];
/** The answer to a trial. */
export type TriedRecommendation = Json<typeof triedRecommendationSchema>;
