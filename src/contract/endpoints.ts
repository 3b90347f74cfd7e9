/** Deployed endpoints. */
import * as z from "zod";
import { SIGNATURE_SCHEMES } from "../domain/plan/endpoint-auth.ts";
import { type Json, named } from "./named.ts";
import { recommendationSchema } from "./recommendations.ts";

/** The deployed endpoints. */
export const endpointsSchema = named(
  "Endpoints",
  z.object({
    endpoints: z.array(
      z.object({
        name: z.string(),
        method: z.string().nullable().describe("Null: a recommendation endpoint"),
        url: z.string(),
        methods: z.array(z.string()).nullable().describe("Null: any"),
        auth: z.union([
          z.enum(["none", "token"]),
          z.object({
            signature: z.enum(SIGNATURE_SCHEMES),
            secret: z.string().optional().describe("The variable that holds it"),
            topics: z.array(z.string()).optional(),
            header: z.string().optional(),
            tolerance_ms: z.number().optional(),
          }),
        ]),
        max_body: z.int().describe("Bytes"),
        timeout_ms: z.number().describe("Of the method, and of the fallback"),
        fallback: z.string().nullable(),
        cors: z.object({ origins: z.array(z.string()) }).nullable(),
        rate_limit: z
          .object({ limit: z.int(), per_ms: z.number(), by: z.string() })
          .nullable()
          .describe("Of one caller"),
        redact: z.array(z.string()).describe("Paths that are not kept of bodies"),
        recommendation: recommendationSchema.optional().describe("Absent: it has a method"),
      }),
    ),
  }),
);

/** An endpoint as it is deployed. */
export type DeployedEndpoint = Json<typeof endpointsSchema>["endpoints"][number];
