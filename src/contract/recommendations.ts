/** Recommendation endpoints. */
import * as z from "zod";
import { PARAM_TYPES, SPLIT_SUBJECTS } from "../domain/plan/recommendation-plan.ts";
import { named } from "./named.ts";

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
